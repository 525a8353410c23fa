"""How long `ecn deploy --wait` takes until a container runs, beside plain `docker run`.

Run `python -m tests.benchmarks.deploy`, alone on the machine, as a user who may use Docker. Both
sides start the same image with the same command; ours goes through the CLI, the controller with
its Postgres, the long-poll and the agent, and ends when the CLI says that it runs. Look at the
ratios; the absolute times say something about this machine and no more.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from tests.docker_fixtures import IMAGE
from tests.system.network import Network, docker, network

ROUNDS = 7
MANY = 20
AT_ONCE = 8
COMMAND = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done")


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def run_plainly(name: str, options: Sequence[str] = ()) -> None:
    """As a person would without ECN."""
    docker("run", "-d", "--name", name, *options, IMAGE, *COMMAND)


def run_in_own_network() -> None:
    """The same, in a network made for it."""
    docker("network", "create", "ecn-bench-plain")
    run_plainly("ecn-bench-one", ["--network=ecn-bench-plain"])


def run_all_plainly(names: list[str]) -> None:
    """One after another."""
    for name in names:
        run_plainly(name)


def microservice(name: str) -> dict[str, object]:
    """The same container, as ECN is told of it."""
    return {"name": name, "node": "local", "image": IMAGE, "pull": "never", "command": COMMAND}


def deploy(net: Network, application: str, count: int) -> None:
    """Until all of it runs."""
    net.deploy(application, *(microservice(f"m{number}") for number in range(count)))


def one(net: Network) -> tuple[float, float, float]:
    """Medians of one container: docker run, the same in a network of its own, ecn deploy.

    The agent gives each application a network of its own, so the second is the fair comparison.
    """
    plain, networked, ours = [], [], []
    for number in range(ROUNDS):
        plain.append(seconds(lambda: run_plainly("ecn-bench-one")))
        docker("rm", "-f", "ecn-bench-one")
        networked.append(seconds(run_in_own_network))
        docker("rm", "-f", "ecn-bench-one")
        docker("network", "rm", "ecn-bench-plain")
        ours.append(seconds(partial(deploy, net, f"bench-{number}", 1)))
        net.ecn("delete", "application", f"bench-{number}", "-y")
        time.sleep(1)  # the agent removes the container meanwhile
    return median(plain), median(networked), median(ours)


def many(net: Network) -> tuple[float, float, float]:
    """Twenty containers: docker run in sequence, docker run eight at a time, one ecn deploy.

    The second is the most that this engine can do, and the agent works as many at a time.
    """
    names = [f"ecn-bench-{number}" for number in range(MANY)]
    plain = seconds(partial(run_all_plainly, names))
    docker("rm", "-f", *names)
    docker("network", "create", "ecn-bench-plain")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        run = partial(run_plainly, options=("--network=ecn-bench-plain",))
        parallel = seconds(lambda: list(pool.map(run, names)))
    docker("rm", "-f", *names)
    docker("network", "rm", "ecn-bench-plain")
    ours = seconds(partial(deploy, net, "bench-many", MANY))
    net.ecn("delete", "application", "bench-many", "-y")
    return plain, parallel, ours


def said(what: str, ours: float, plain: float) -> str:
    """A line of the result."""
    return f"{what:68}{ours / plain:6.2f}   ({ours:.2f} s / {plain:.2f} s)\n"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with network(folder) as net:
            client = [sys.executable, "-c", "import aiohttp"]
            bare = median(
                seconds(lambda: subprocess.run(client, check=True)) for _ in range(ROUNDS)
            )
            plain, networked, ours = one(net)
            sys.stdout.write(said("1 microservice: ecn deploy / docker run", ours, plain))
            sys.stdout.write(said("    ecn deploy / docker network create + run", ours, networked))
            sys.stdout.write(said("    python -c 'import aiohttp' / docker run", bare, plain))
            plain, parallel, ours = many(net)
            what = f"{MANY} microservices: ecn deploy / {MANY} x docker run, "
            sys.stdout.write(said(what + "in sequence", ours, plain))
            sys.stdout.write(said(what + f"{AT_ONCE} at a time", ours, parallel))


if __name__ == "__main__":
    main()
