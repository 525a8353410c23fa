"""The agent as a process of its own: started, killed in the middle of whatever it does, stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from agent.storage.store import Folder, Identity


class AgentProcess:
    """`ecn-agent run` over one folder, for a node of a controller at `url`."""

    def __init__(
        self,
        path: Path,
        url: str,
        node_id: str,
        engine_url: str,
        environment: Mapping[str, str] | None = None,
        credential: str = "secret",
    ) -> None:
        self.folder = Folder(path)
        if self.folder.identity() is None:
            self.folder.keep_identity(
                Identity(controller=url, credential=credential, node_id=node_id, name="gateway")
            )
        self._engine_url = engine_url
        self._environment = {**os.environ, **(environment or {})}
        self.log = path.parent / f"{path.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Without waiting for anything."""
        assert self._process is None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent", "run", "--data", self.folder.path,
                 "--docker-host", self._engine_url],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
            )  # fmt: skip

    def kill(self) -> None:
        """`kill -9`. It must not have ended by itself."""
        self._end(signal.SIGKILL, -signal.SIGKILL)

    def stop(self) -> None:
        """As a supervisor does."""
        self._end(signal.SIGTERM, 0)

    def end(self) -> None:
        """Whatever state it is in. For the end of a test."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def runs(self) -> bool:
        """Whether it did not end by itself."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-4000:]

    def _end(self, how: signal.Signals, code: int) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        self._process.send_signal(how)
        ended = self._process.wait(30)
        self._process = None
        assert ended == code, self.said()
