"""What a container sees of the desired state at `/run/ecn`: files that are replaced while it runs.

Each microservice has a directory `microservices/<id>/` in the agent's folder, mounted read-only:

    config.json           its configuration
    edge-resources.json   what the node's site offers
    twin.json             the desired properties of its twin (`twins.py`)
    agent.sock            its way to the agent (`socket.py`)

The directory is mounted rather than each file, because a mounted file stays the old one when it is
replaced. Called by `run.py` with each desired state, so that a change is there at once whatever the
engine does, and by `lifecycle/control_loop.py` and `lifecycle/carry_out.py` before anything is
started.

Modes: a container's user need not be root, so directory and files are readable to all, which
discloses nothing on the host: the agent's folder above them is 0700, and the engine mounts as root.

Files are renamed into place, so that a reader finds the old or the new one, and not synced: what a
power cut leaves is compared with the desired state before a container is started.
"""

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from msgspec import Raw, Struct, json

from agent.contract import EdgeResource, Microservice, Mount
from agent.errors import BadContainerOptions, EngineError
from agent.storage.desired_state import Known

log = structlog.get_logger()

MOUNTED_AT = "/run/ecn"
CONFIG_FILE = "config.json"
EDGE_RESOURCES_FILE = "edge-resources.json"
TWIN_FILE = "twin.json"
_ID = re.compile(r"[A-Za-z0-9_-]+")


class ConfigDelivery:
    """The directories below `parent`."""

    def __init__(self, parent: Path, on_facts: Callable[[], None] = lambda: None) -> None:
        """on_facts: hears of it when `problem` has changed."""
        self._parent = parent
        self._on_facts = on_facts
        self._problems: dict[str, str] = {}
        self._delivered: dict[str, tuple[str, bytes, bytes | None]] = {}
        self._twins: dict[str, bytes] = {}
        self._site: tuple[list[EdgeResource], bytes] = ([], edge_resources_document([]))

    def wish(self, known: Known) -> None:
        """This is the desired state from now on: deliver what changed of it."""
        if known.edge_resources != self._site[0]:
            self._site = known.edge_resources, edge_resources_document(known.edge_resources)
        for microservice in known.microservices.values():
            try:
                if self.deliver(microservice):
                    log.info("config-delivered", microservice=microservice.name)
            except (OSError, EngineError) as error:  # tried again, and told, before each start
                log.error("config-not-delivered", microservice=microservice.name, error=str(error))

    @property
    def problem(self) -> str:
        """What kept files from being written; empty while all are as they should be."""
        return "; ".join(sorted(set(self._problems.values())))

    def deliver(self, microservice: Microservice) -> bool:
        """Bring the files up to date; whether one was changed. Microseconds when all is as it was.

        Errors: OSError, BadContainerOptions.
        """
        microservice_id = microservice.microservice_id
        twin = self._twins.get(microservice_id)
        wanted = microservice.config, self._site[1], twin
        if self._delivered.get(microservice_id) == wanted:
            return False
        try:
            directory = self.directory(microservice_id)
            fresh = _brought(directory / CONFIG_FILE, microservice.config.encode())
            fresh |= _brought(directory / EDGE_RESOURCES_FILE, self._site[1])
            if twin is not None:
                fresh |= _brought(directory / TWIN_FILE, twin)
        except OSError as error:
            said = f"configuration of {microservice.application}/{microservice.name}"
            self._note(microservice_id, f"{said}: {error.strerror or error}")
            raise
        self._note(microservice_id, "")
        self._delivered[microservice_id] = wanted
        return fresh

    def twin(self, microservice_id: str, content: bytes | None) -> None:
        """These are its desired properties from now on, for `deliver`; None: it is gone."""
        if content is None:
            self._twins.pop(microservice_id, None)
        else:
            self._twins[microservice_id] = content

    def directory(self, microservice_id: str) -> Path:
        """Its directory, made where there is none. Errors: OSError, BadContainerOptions."""
        directory = self._directory(microservice_id)
        for made in (self._parent, directory):
            made.mkdir(exist_ok=True)
            made.chmod(0o755)
        return directory

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
        self._note(microservice_id, "")
        if microservice_id in self.present():
            shutil.rmtree(self._directory(microservice_id), ignore_errors=True)

    def _note(self, microservice_id: str, problem: str) -> None:
        if self._problems.get(microservice_id, "") == problem:
            return
        self._problems[microservice_id] = problem
        if not problem:
            del self._problems[microservice_id]
        self._on_facts()

    def _directory(self, microservice_id: str) -> Path:
        # An id comes from the controller: it names one directory here, and nothing elsewhere.
        if not _ID.fullmatch(microservice_id):
            raise BadContainerOptions(f"{microservice_id!r} is not a microservice id")
        return self._parent / microservice_id


class _Shown(Struct, frozen=True, kw_only=True):
    """An edge resource as microservices see it."""

    name: str
    version: str
    description: str
    protocol: str
    endpoints: Raw
    display: Raw
    custom: Raw
    tags: list[str]


def edge_resources_document(resources: list[EdgeResource]) -> bytes:
    """What microservices are told of their site: JSON, by name and version."""
    shown = [
        _Shown(
            name=each.name,
            version=each.version,
            description=each.description,
            protocol=each.protocol,
            endpoints=each.endpoints,
            display=each.display,
            custom=each.custom,
            tags=each.tags,
        )
        for each in sorted(resources, key=lambda each: (each.name, each.version))
    ]
    return json.encode({"edge_resources": shown})


def _brought(file: Path, content: bytes) -> bool:
    """Whether the file had to be written. Errors: OSError; then it is the old one, whole."""
    with suppress(OSError):
        if file.stat().st_size == len(content) and file.read_bytes() == content:
            return False
    beside = file.with_name(f".{file.name}.new")
    with suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fchmod(opened.fileno(), 0o644)  # whatever the umask is
        beside.replace(file)
    except OSError:
        with suppress(OSError):
            beside.unlink()  # half of it would only fill the disk further
        raise
    return True
