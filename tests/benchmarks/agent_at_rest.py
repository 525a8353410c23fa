"""A network of one machine with ten microservices that are at rest, for what an agent costs then.

Real: the controller, the agent, the engine, the containers. What a process used is read from /proc.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from tests.docker_fixtures import IMAGE, make_image
from tests.system.network import Network, network

MICROSERVICES = 10
SLEEP = ["sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait $!"]
ENGINE_PID = Path("/var/run/docker.pid")
TICKS = os.sysconf("SC_CLK_TCK")


class Used(Struct, frozen=True, kw_only=True):
    """Of one process, since it began or at this moment."""

    cpu_seconds: float
    resident_mib: float
    proportional_mib: float
    """Its share of what it shares with others counted as a part."""
    written_bytes: int
    """That it caused to be sent to a disk."""
    threads: int


def used(pid: int) -> Used:
    """Read now."""
    proc = Path("/proc") / str(pid)
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    status = _lines(proc / "status")
    return Used(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS,
        resident_mib=_kib(status["VmRSS"]) / 1024,
        proportional_mib=_kib(_lines(proc / "smaps_rollup")["Pss"]) / 1024,
        written_bytes=int(_lines(proc / "io")["write_bytes"]),
        threads=int(status["Threads"]),
    )


def engine_pids() -> dict[str, int]:
    """dockerd, and the containerd that it started where it did."""
    engine = int(ENGINE_PID.read_text())
    found = {"dockerd": engine}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text()
            except OSError:
                continue  # it ended meanwhile
            name, rest = fields.partition("(")[2].rpartition(")")[::2]
            if name == "containerd" and int(rest.split()[1]) == engine:
                found["containerd"] = int(entry.name)
    return found


def _lines(path: Path) -> dict[str, str]:
    pairs = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _kib(text: str) -> int:
    return int(text.removesuffix(" kB"))


@contextmanager
def at_rest(settle: float) -> Iterator[tuple[Network, int]]:
    """The network, and its agent's process; ten microservices have run so many seconds."""
    make_image()
    folder = Path(tempfile.mkdtemp(prefix="ecn-at-rest-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        with network(folder) as one:
            microservices = [
                {"name": f"m{n}", "node": "local", "image": IMAGE, "pull": "never",
                 "command": SLEEP}
                for n in range(MICROSERVICES)
            ]  # fmt: skip
            one.deploy("bench", *microservices, wait="120s")
            time.sleep(settle)
            yield one, one.process("agent", str(one.data))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
