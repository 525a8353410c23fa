"""How soon a changed configuration is in the running container, beside a bare long-poll.

Run `python -m tests.benchmarks.config_delivery [changes]`, alone on the machine, as root on a
machine with Docker. A whole network (`ecn up`) runs one microservice. Measured from the moment a
PATCH is sent until the file in the container's own file system has the new content; and until a
program in the container that holds `GET /v1/config` at its agent's socket has the answer. The
baseline, in the same run: an aiohttp handler that awaits a future, from its result to the client.
Look at the ratios; the absolute times say something about this machine and no more.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import yaml

from tests.benchmarks.long_poll import bare
from tests.docker_fixtures import IMAGE
from tests.system.network import Network, docker, network

CHANGES = 50
WAITING = 50
"""Clients of the baseline."""
COMMAND = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done")


def token_of(net: Network) -> str:
    """The administrator's, as `ecn up` left it for the command line."""
    contexts = yaml.safe_load((net.folder / "config.yaml").read_text())["contexts"]
    (context,) = contexts.values() if isinstance(contexts, dict) else contexts
    return str(context["token"])


class Bench:
    """One microservice that runs, and the ways to change and see its configuration."""

    def __init__(self, net: Network, session: aiohttp.ClientSession) -> None:
        self._url = f"{net.url}/api/v1/microservices/bench/one"
        self._headers = {"Authorization": f"Bearer {token_of(net)}"}
        self._session = session
        (container,) = net.containers().values()
        process = docker("inspect", "-f", "{{.State.Pid}}", container).strip()
        # The container's own view, through its own mounts.
        self._seen = Path(f"/proc/{process}/root/run/ecn")
        self._number = 0
        self.patches: list[float] = []
        """Seconds that each PATCH took until it was answered, the commit included."""

    async def change(self) -> bytes:
        """Another configuration; what the file will be."""
        self._number += 1
        config, began = {"number": self._number}, time.perf_counter()
        async with self._session.patch(
            self._url, json={"config": config}, headers=self._headers
        ) as answer:
            assert answer.status == 200, await answer.text()
        self.patches.append(time.perf_counter() - began)
        return json.dumps(config, separators=(",", ":")).encode()

    async def file_seconds(self) -> float:
        """From the PATCH to the file."""
        file, began = self._seen / "config.json", time.perf_counter()
        wanted = await self.change()
        while file.read_bytes() != wanted:  # noqa: ASYNC110 - it is seen, not told
            await asyncio.sleep(0.0005)
        return time.perf_counter() - began

    async def socket_seconds(self) -> float:
        """From the PATCH to the answer of a request that the agent holds."""
        connector = aiohttp.UnixConnector(str(self._seen / "agent.sock"))
        async with aiohttp.ClientSession("http://agent", connector=connector) as agent:
            async with agent.get("/v1/config") as answer:
                tag = answer.headers["ETag"]
            headers = {"If-None-Match": tag, "Prefer": "wait=30"}
            held = asyncio.create_task(agent.get("/v1/config", headers=headers))
            await asyncio.sleep(0.05)
            began = time.perf_counter()
            wanted = await self.change()
            answer = await held
            assert (answer.status, await answer.read()) == (200, wanted)
            return time.perf_counter() - began


def percentile(times: list[float], share: float) -> float:
    """Of at least one."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


async def measured(net: Network, changes: int) -> tuple[float, dict[str, list[float]]]:
    """Seconds: the baseline's median; and each time of each thing measured."""
    async with aiohttp.ClientSession() as session:
        baseline, _ = await bare(session, WAITING)
        bench = Bench(net, session)
        await bench.file_seconds()
        files, sockets = [], []
        for _ in range(changes):
            files.append(await bench.file_seconds())
            await asyncio.sleep(0.2)  # what the change sets in motion is over
        for _ in range(changes):
            sockets.append(await bench.socket_seconds())
            await asyncio.sleep(0.2)
        return baseline, {
            "PATCH to its answer, committed": bench.patches,
            "PATCH to the file in the container": files,
            "PATCH to the held answer at the socket": sockets,
        }


def deploy(net: Network) -> None:
    """Until it runs."""
    one = {"name": "one", "node": "local", "image": IMAGE, "pull": "never", "command": COMMAND}
    net.deploy("bench", one)


def said(what: str, times: list[float], baseline: float) -> str:
    """A line of the result."""
    half, most = percentile(times, 0.5), percentile(times, 0.99)
    return (
        f"{what:48} p50 {half * 1000:6.1f} ms   p99 {most * 1000:6.1f} ms   "
        f"p50 / bare long-poll {half / baseline:5.1f}\n"
    )


def main() -> None:
    """Measure and print."""
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else CHANGES
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with network(folder) as net:
            deploy(net)
            baseline, found = asyncio.run(measured(net, changes))
    sys.stdout.write(f"{changes} changes each; a bare long-poll takes {baseline * 1000:.2f} ms\n")
    for what, times in found.items():
        sys.stdout.write(said(what, times, baseline))


if __name__ == "__main__":
    main()
