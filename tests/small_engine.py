"""A Docker Engine of a test's own, with a small disk, that may be filled, killed and started again.

It lives in a network namespace of its own: beside another engine in the same one it would take
that one's bridge away. Its data are on a tmpfs. Needs root, `unshare`, `ip`, `mount` and `dockerd`.
What has to reach it over the loopback runs `inside`: in a thread within that namespace.
"""

import asyncio
import ctypes
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

Result = TypeVar("Result")
_NETWORK = 0x40000000
"""CLONE_NEWNET."""


class SmallEngine:
    """In this folder, which has to have a short path: it is the socket's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data = folder / "data"
        self.url = f"unix://{folder}/sock"
        self._namespace: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, mebibytes: int) -> None:
        """Its disk and its network."""
        self.data.mkdir()
        _done("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(self.data))
        self._namespace = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        deadline = time.monotonic() + 5
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._namespace.pid}/ns/net").readlink() == own:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        _done("nsenter", "-n", f"-t{self._namespace.pid}", "ip", "link", "set", "lo", "up")

    def start(self) -> None:
        """Returns when it answers."""
        assert self._namespace is not None
        f = self._folder
        with (f / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "nsenter", "-n", f"-t{self._namespace.pid}", "dockerd",
                    "--data-root", str(self.data), "--exec-root", str(f / "run"),
                    "--pidfile", str(f / "pid"), "--host", self.url, "--bridge=none",
                    "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                    "--ip-masq=false",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while self.docker("version", check=False).returncode != 0:
            assert time.monotonic() < deadline, (f / "log").read_text()[-2000:]
            assert self._process.poll() is None, (f / "log").read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut would, but for what the disk has."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            # Its containerd ends by itself when it is alone; or it would be in the next one's way.
            for pid_file in (self._folder / "run").glob("containerd/containerd.pid"):
                _kill(pid_file)
                # Dead, and perhaps not buried yet: the next one would wait for it to answer.
                pid_file.unlink(missing_ok=True)
            (self._folder / "pid").unlink(missing_ok=True)
            self._process = None

    def terminate(self) -> None:
        """As a shutdown does; it stops its containers first."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def stop(self) -> None:
        """And leave nothing behind."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        self._end_containers()
        if self._namespace is not None:
            self._namespace.kill()
            self._namespace.wait(10)
        for _ in range(20):
            if subprocess.run(["umount", str(self.data)], check=False).returncode == 0:
                break
            time.sleep(0.2)

    def _end_containers(self) -> None:
        """Those that outlived an engine that was killed, and the shims that hold them."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    parents[int(entry.name)] = parent, (entry / "cmdline").read_bytes()
                except OSError:
                    continue  # it ended meanwhile
        run = f"{self._folder}/run/".encode()
        shims = {
            pid for pid, (_, line) in parents.items() if b"containerd-shim" in line and run in line
        }
        for pid in [pid for pid, (parent, _) in parents.items() if parent in shims] + [*shims]:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """By hand, at this engine."""
        return subprocess.run(
            ["docker", "-H", self.url, *arguments],
            capture_output=True, check=check, text=True, timeout=60,
        )  # fmt: skip

    def inside(self, story: Callable[[], Coroutine[object, object, Result]]) -> Result:
        """Run it to its end in a thread of the engine's network."""
        outcome: list[Result] = []
        failure: list[BaseException] = []

        def within() -> None:
            try:
                assert self._namespace is not None
                with Path(f"/proc/{self._namespace.pid}/ns/net").open("rb") as file:
                    libc = ctypes.CDLL(None, use_errno=True)
                    assert libc.setns(file.fileno(), _NETWORK) == 0, os.strerror(ctypes.get_errno())
                outcome.append(asyncio.run(story()))
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=within)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return outcome[0]


@contextmanager
def small_engine(mebibytes: int) -> Iterator[SmallEngine]:
    """One that runs; nothing is left of it."""
    needed = ("dockerd", "unshare", "nsenter", "ip", "mount")
    missing = [each for each in needed if shutil.which(each) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"a second engine needs root, and {missing or 'nothing else'}")
    folder = Path(tempfile.mkdtemp(prefix="ecn-engine-", dir="/var/tmp"))
    engine = SmallEngine(folder)
    try:
        engine.make(mebibytes)
        engine.start()
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _done(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"


def _kill(pid_file: Path) -> None:
    try:
        os.kill(int(pid_file.read_text()), 9)
    except (OSError, ValueError):
        return
