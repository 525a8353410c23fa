"""A microservice's own configuration: a file that its container sees, replaced while it runs.

Each microservice has a directory `microservices/<id>/` in the agent's folder, mounted read-only
at `/run/ecn`, with `config.json` in it. The directory is mounted rather than the file, because a
mounted file stays the old one when it is replaced. Called by `control_loop.py`.

Modes: a container's user need not be root, so directory and file are readable to all, which
discloses nothing on the host: the agent's folder above them is 0700, and the engine mounts as root.
"""

import re
import shutil
from pathlib import Path

from agent.contract import Microservice, Mount
from agent.errors import BadContainerOptions
from agent.store import write_whole

MOUNTED_AT = "/run/ecn"
CONFIG_FILE = "config.json"
_ID = re.compile(r"[A-Za-z0-9_-]+")


class ConfigDelivery:
    """The directories below `parent`."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._delivered: dict[str, str] = {}

    def deliver(self, microservice: Microservice) -> bool:
        """Bring the file up to date; whether it was changed."""
        microservice_id = microservice.microservice_id
        if self._delivered.get(microservice_id) == microservice.config:
            return False
        directory = self._directory(microservice_id)
        for made in (self._parent, directory):
            made.mkdir(exist_ok=True)
            made.chmod(0o755)
        file, content = directory / CONFIG_FILE, microservice.config.encode()
        fresh = not file.exists() or file.read_bytes() != content
        if fresh:
            write_whole(file, content, mode=0o644)
        self._delivered[microservice_id] = microservice.config
        return fresh

    def mount(self, microservice_id: str) -> Mount:
        """What makes the directory visible in its container."""
        return Mount(
            kind="bind",
            source=str(self._directory(microservice_id)),
            target=MOUNTED_AT,
            read_only=True,
        )

    def present(self) -> set[str]:
        """Ids of the microservices that have a directory."""
        if not self._parent.is_dir():
            return set()
        return {each.name for each in self._parent.iterdir() if _ID.fullmatch(each.name)}

    def withdraw(self, microservice_id: str) -> None:
        """The microservice is gone from this node."""
        self._delivered.pop(microservice_id, None)
        if microservice_id in self.present():
            shutil.rmtree(self._directory(microservice_id), ignore_errors=True)

    def _directory(self, microservice_id: str) -> Path:
        # An id comes from the controller: it names one directory here, and nothing elsewhere.
        if not _ID.fullmatch(microservice_id):
            raise BadContainerOptions(f"{microservice_id!r} is not a microservice id")
        return self._parent / microservice_id
