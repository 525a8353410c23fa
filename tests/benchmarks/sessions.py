"""What a command in a container costs from afar, beside `docker exec` on the device itself.

Run `python -m tests.benchmarks.sessions`, alone on the machine, with a Docker Engine. Controller,
agent and operator are real processes of this machine; the baseline, `docker exec`, speaks to the
same engine in the same run. Look at the ratios. Prints milliseconds for a command that does
nothing, from the first byte sent to its exit code; MiB per second of a flood through stdin and
stdout; and what measuring ten containers every two seconds costs engine and agent.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import msgspec

from agent.contract import Channel, SessionEnd, frames, unframed
from ecn.api.session_documents import StartExec
from ecn.cli.client import Client, client_of
from ecn.cli.contexts import load
from tests.system.network import Network, docker

ROUNDS = 25
FLOOD = 100 * 1024 * 1024
IMAGE = "ecn-test/busybox:1"
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]


async def command(client: Client, words: list[str], said: bytes = b"") -> tuple[int, int]:
    """Its exit code, and how many bytes it wrote."""
    async with client.exec("bench/m0") as socket:
        start = StartExec(command=words, input=bool(said))
        await socket.say(msgspec.json.encode(start).decode())
        await socket.receive()

        async def feed() -> None:
            view = memoryview(said)
            for at in range(0, len(said), 32768):
                for each in frames(Channel.STDIN, bytes(view[at : at + 32768])):
                    await socket.send(each)
            await socket.send(b"\0")

        feeding = asyncio.ensure_future(feed()) if said else None
        count = 0
        while isinstance(frame := await socket.receive(), bytes):
            channel, content = unframed(frame)
            if channel is Channel.EXIT:
                if feeding is not None:
                    await feeding
                return msgspec.json.decode(content, type=SessionEnd).exit_code or 0, count
            count += len(content)
        raise AssertionError("the session broke")


def by_docker(container: str, words: list[str], said: bytes = b"") -> int:
    """As whoever sits at the device; how many bytes it wrote."""
    options = ["-i"] if said else []
    done = subprocess.run(
        ["docker", "exec", *options, container, *words],
        input=said,
        capture_output=True,
        check=True,
    )
    return len(done.stdout)


def cpu_seconds(pid: int) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(line: str) -> None:
    """One line of the outcome."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@asynccontextmanager
async def client_for(network: Network) -> AsyncIterator[Client]:
    """As the one whom `ecn up` logged in."""
    known = load(Path(network.environment["ECN_CONFIG"]))
    chosen = known.named(known.current)
    async with client_of(chosen.server, chosen.token, chosen.ca) as client:
        yield client


async def measured(network: Network, container: str) -> None:
    """Print latency and throughput."""
    flood = os.urandom(1 << 20) * (FLOOD >> 20)
    async with client_for(network) as client:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await command(client, ["true"])
            ours.append(time.perf_counter() - began)
            theirs.append(await asyncio.to_thread(timed, lambda: by_docker(container, ["true"])))
        say(
            f"a command that does nothing: {median(ours) * 1000:.0f} ms, docker exec "
            f"{median(theirs) * 1000:.0f} ms, ratio {median(ours) / median(theirs):.2f}"
        )
        began = time.perf_counter()
        code, count = await command(client, ["cat"], flood)
        assert (code, count) == (0, FLOOD), (code, count)
        seconds = time.perf_counter() - began
        baseline = await asyncio.to_thread(timed, lambda: by_docker(container, ["cat"], flood))
        say(
            f"100 MiB through cat: {100 / seconds:.0f} MiB/s, docker exec -i "
            f"{100 / baseline:.0f} MiB/s, ratio {baseline / seconds:.2f}"
        )


def usage(network: Network) -> None:
    """Print what it costs to look, and not to."""
    engine = int(Path("/var/run/docker.pid").read_text())
    pids = {"dockerd": engine, "agent": network.process("agent", str(network.data))}

    def spent(seconds: float) -> dict[str, float]:
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        return {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}

    idle = spent(20)
    looking = subprocess.Popen(
        ["ecn", "top", "-o", "json"],
        env=network.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(4)
    busy = spent(20)
    looking.terminate()
    out, _ = looking.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    say(f"{len({line['name'] for line in lines})} containers every 2 s: {len(lines)} lines")
    for name in pids:
        say(
            f"  {name}: {idle[name] / 20 * 100:.1f} % of a core while nobody looks, "
            f"{busy[name] / 20 * 100:.1f} % while somebody does"
        )


def main() -> None:
    """A network of its own, ten containers, and the questions."""
    with tempfile.TemporaryDirectory(prefix="ecn-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        network = Network(Path(folder))
        network.start()
        try:
            node = str(network.items("nodes")[0]["name"])
            about = {"node": node, "image": IMAGE, "pull": "never", "command": SLEEP}
            network.deploy("bench", *({"name": f"m{n}", **about} for n in range(10)))
            container = network.containers()["m0"]
            version = re.sub(r"\s+", " ", docker("version", "-f", "{{.Server.Version}}")).strip()
            say(f"Docker {version}, {os.cpu_count()} cores")
            asyncio.run(measured(network, container))
            usage(network)
        finally:
            network.ecn("delete", "application", "bench", check=False)
            time.sleep(15)
            network.stop()


if __name__ == "__main__":
    main()
