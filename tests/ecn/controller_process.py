"""`ecn controller` as a process of its own: started, awaited, spoken to, stopped, killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.ports import free_port

START_WITHIN = 60.0


class ControllerProcess:
    """One controller at a time over one data folder."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = arguments
        self._environment = {**os.environ, "NO_COLOR": "1", **(environment or {})}
        self._output = data.parent / f"{data.name}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it, and wait for nothing."""
        command = [sys.executable, "-m", "ecn", "controller", "--log-format", "json"]
        where = ["--listen", f"127.0.0.1:{self.port}", "--data", str(self.data)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, *where, *self._arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self._process

    def start(self) -> None:
        """Start it, until it says that it is ready."""
        process = self.spawn()
        deadline = time.monotonic() + START_WITHIN
        while '"event": "ready"' not in self.output():
            assert process.poll() is None, self.output() + self._postgres_says()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def refused(self) -> str:
        """Start it where it can't: what it says, when it has ended as it should."""
        process = self.spawn()
        assert process.wait(START_WITHIN) == 1, self.output()
        assert "Traceback" not in self.output()
        return self.output()

    def output(self) -> str:
        """All that it said since its last start."""
        return self._output.read_text()

    def _postgres_says(self) -> str:
        logs = sorted((self.data / "postgres" / "log").glob("*.log"))
        return logs[-1].read_text()[-3000:] if logs else ""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    def terminate(self) -> float:
        """SIGTERM: how many seconds it took to end well. Errors: AssertionError."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        assert code == 0, self.output()
        return time.monotonic() - started

    def kill(self) -> None:
        """`kill -9`; its Postgres is left behind."""
        self.process.kill()
        self.process.wait(10)

    def end(self) -> None:
        """Whatever state it is in. For the end of a test."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def postgres_pid(self) -> int | None:
        """Of its Postgres, while there is one."""
        try:
            return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def admin(self) -> dict[str, str]:
        """What is in admin.json."""
        content: dict[str, str] = json.loads((self.data / "admin.json").read_text())
        return content

    def authorization(self) -> dict[str, str]:
        """The header of the first admin."""
        return {"Authorization": f"Bearer {self.admin()['token']}"}
