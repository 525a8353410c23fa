"""A whole network for a test: `ecn up` in a temporary folder, and `ecn` to speak to it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.ports import free_port

T = TypeVar("T")

READY_WITHIN = 60.0
STOP_WITHIN = 40.0


class Network:
    """One `ecn up` at a time over one folder; it can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment: Mapping[str, str] = {
            **os.environ,
            "ECN_CONFIG": str(folder / "config.yaml"),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """`ecn up`, until it is ready."""
        output = (self.folder / "up.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ecn", "up", "--data", self.data, "--listen", self.url[7:]],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        output.close()
        eventually(self._ready, within=READY_WITHIN, what="ecn up to be ready")

    def _ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"ecn up ended: {(self.folder / 'up.log').read_text()[-3000:]}")
        nodes = self.ecn("get", "nodes", "-o", "json", check=False)
        return '"online"' in nodes

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_WITHIN)

    def kill(self) -> None:
        """`kill -9` of the whole command; what it started ends by itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def process(self, *words: str) -> int:
        """The pid of the one process of this network whose command line has all the words."""
        found = self.processes(*words)
        assert len(found) == 1, f"{words}: {found}"
        return found[0]

    def processes(self, *words: str) -> list[int]:
        """The pids of all such."""
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and all(word in _command(entry) for word in words)
        ]

    def ecn(self, *arguments: str, check: bool = True, stdin: str = "") -> str:
        """What `ecn` prints. Errors: AssertionError with its complaint, unless not to check."""
        done = subprocess.run(
            [sys.executable, "-m", "ecn", *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def deploy(
        self, application: str, *microservices: Mapping[str, object], wait: str = "60s"
    ) -> str:
        """Deploy an application from JSON, which is YAML too."""
        manifest = {
            "apiVersion": "ecn/v1",
            "kind": "Application",
            "metadata": {"name": application},
            "spec": {"microservices": list(microservices)},
        }
        return self.ecn("deploy", "-f", "-", "--timeout", wait, stdin=json.dumps(manifest))

    def items(self, kind: str, *arguments: str) -> list[dict[str, object]]:
        """What `ecn get` lists."""
        items = json.loads(self.ecn("get", kind, *arguments, "-o", "json"))["items"]
        assert isinstance(items, list)
        return items

    def events(self) -> list[dict[str, object]]:
        """The whole log."""
        found: list[dict[str, object]] = []
        while True:
            after = str(found[-1]["position"]) if found else "0"
            items = json.loads(self.ecn("events", "--after", after, "-o", "json"))["items"]
            if not items:
                return found
            found += items

    def node_id(self) -> str:
        """Of the node that is this machine."""
        return str(self.items("nodes")[0]["id"])

    def containers(self) -> dict[str, str]:
        """Running containers of this network: name -> container id."""
        lines = docker(
            "ps", "--no-trunc", "--filter", f"label=ecn.node={self.node_id()}",
            "--format", "{{.Label \"ecn.name\"}} {{.ID}}",
        ).splitlines()  # fmt: skip
        return dict(line.split(" ", 1) for line in lines)


def docker(*arguments: str) -> str:
    """What docker prints."""
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def eventually(look: Callable[[], T], *, within: float, what: str) -> T:
    """The first truthy thing seen, looking again and again. Errors: AssertionError."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"waited {within:.0f} s for {what}"
        time.sleep(0.1)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network that runs; afterwards nothing of it is left, containers included."""
    one = Network(folder)
    one.start()
    node_id = one.node_id()
    try:
        yield one
    finally:
        one.kill()
        own = f"label=ecn.node={node_id}"
        containers = docker("ps", "-aq", "--filter", own).split()
        if containers:
            docker("rm", "-f", *containers)
        networks = docker("network", "ls", "-q", "--filter", own).split()
        if networks:
            docker("network", "rm", *networks)


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""  # ended while we looked
