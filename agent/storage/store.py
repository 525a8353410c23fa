"""The agent's own folder on the device: who it is, and what should run here.

Mode 0700, files 0600; each file is replaced whole (written beside, synced, renamed), so that a
power cut leaves the old one or the new one. Used by `run.py`, `device/provisioning.py` and
`cli.py`; transitions and counters are in `journal.py`, which lives in the same folder.

    lock                  held by the one agent that uses the folder
    identity.json         controller, node and credential
    provisioning.json     a key and a credential, until the controller has answered
    desired-state.json    the last desired state, whole; it holds registry passwords
    journal.sqlite        what happened and is not told yet, and what is remembered
    journal.sqlite.reserve  room for it on a disk that is full
    messages.sqlite       messages that are not delivered yet
    messages.sqlite.reserve  room for it on a disk that is full
    local-api.secret      what the tokens of microservices are made with
    microservices/<id>/   what a container sees at /run/ecn
    images.json           which images this agent pulled
    pulls/                what has come of images whose pull broke off
    volumes/<id>/         files that containers mount
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from agent.errors import FolderInUse, FolderUnusable
from agent.storage.desired_state import Known

log = structlog.get_logger()


_SEAL = len(b'{"seal":"",') + 64
"""Bytes before the first field that is the document's own."""
_LOCK_ATTEMPTS = 5
"""`status` takes the lock for an instant to see whether it is free; that must refuse nobody."""


class Identity(Struct, frozen=True, kw_only=True):
    """Which node this device is, where. The credential never leaves in a log or an error."""

    controller: str
    credential: str
    node_id: str
    name: str
    ca_pem: str = ""
    """Certificates to trust for https, instead of the system's."""
    withdrawn: bool = False
    """The controller said 410, and our containers are not all gone yet."""

    def __repr__(self) -> str:
        return f"Identity({self.controller!r}, node_id={self.node_id!r}, name={self.name!r})"


class Pending(Struct, frozen=True, kw_only=True):
    """A provisioning that is asked for and not answered yet."""

    controller: str
    key_digest: str
    """sha-256 of the provisioning key: the key itself is a secret, and only compared."""
    credential: str

    def __repr__(self) -> str:
        return f"Pending({self.controller!r})"


class Folder:
    """The folder at `path`; made when missing."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise FolderUnusable(self.path, error.strerror or str(error)) from error

    @property
    def journal(self) -> Path:
        """Where `journal.py` keeps its database."""
        return self.path / "journal.sqlite"

    @property
    def messages(self) -> Path:
        """Where `messages/store.py` keeps its database."""
        return self.path / "messages.sqlite"

    @property
    def local_api_secret(self) -> Path:
        """Where `local_api/tokens.py` keeps its secret."""
        return self.path / "local-api.secret"

    @property
    def microservices(self) -> Path:
        """Parent of the directories that containers see."""
        return self.path / "microservices"

    @property
    def volumes(self) -> Path:
        """Parent of the directories of files that containers mount."""
        return self.path / "volumes"

    @property
    def images(self) -> Path:
        """Where `images/ledger.py` keeps which images are ours."""
        return self.path / "images.json"

    @property
    def pulls(self) -> Path:
        """Where `images/partial_pulls.py` keeps what has come of images."""
        return self.path / "pulls"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only agent here. The kernel lets go with the process, however it ends."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for attempt in range(_LOCK_ATTEMPTS):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if attempt == _LOCK_ATTEMPTS - 1:
                        raise FolderInUse(self.path) from error
                    time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)

    def in_use(self) -> bool:
        """Whether an agent runs on it at this moment."""
        try:
            with self.locked():
                return False
        except FolderInUse:
            return True

    def identity(self) -> Identity | None:
        """Who this device is; None before a provisioning."""
        content = self._read("identity.json")
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Identity)
        except msgspec.DecodeError:
            # Not chained: what it quotes may be the credential.
            raise FolderUnusable(self.path, "identity.json makes no sense") from None

    def keep_identity(self, identity: Identity) -> None:
        """On disk when this returns."""
        self._write("identity.json", msgspec.json.encode(identity))

    def pending(self) -> Pending | None:
        """The provisioning that was asked for last and not answered."""
        content = self._read("provisioning.json")
        try:
            return None if content is None else msgspec.json.decode(content, type=Pending)
        except msgspec.DecodeError:
            return None  # as good as none: another pair is made

    def keep_pending(self, pending: Pending) -> None:
        """On disk when this returns."""
        self._write("provisioning.json", msgspec.json.encode(pending))

    def forget_pending(self) -> None:
        """It was answered."""
        (self.path / "provisioning.json").unlink(missing_ok=True)

    def desired_state(self) -> Known | None:
        """The last one known. One that can't be read is as good as none: it is asked for again.

        So is one that is not byte for byte what was written here, for this node: half a file, an
        edited one or a neighbour's may well make sense, and would clear the device.
        """
        content = self._read("desired-state.json")
        if content is None:
            return None
        document = b"{" + content[_SEAL:]
        try:
            if content != self._sealed(document):
                raise msgspec.DecodeError
            return msgspec.json.decode(document, type=Known)
        except msgspec.DecodeError:
            # Without the text of the error: it may quote what the file holds.
            log.warning("desired-state-unreadable", next="the controller is asked for all of it")
            return None

    def keep_desired_state(self, known: Known) -> None:
        """On disk when this returns."""
        self._write("desired-state.json", self._sealed(msgspec.json.encode(known)))

    def _sealed(self, document: bytes) -> bytes:
        """The same JSON object, with a digest of itself and of whom it is for as its first field.

        A field, so that any version reads the file as what it is.
        """
        identity = self.identity()
        node_id = identity.node_id if identity is not None else ""
        digest = sha256(node_id.encode() + b"\n" + document).hexdigest()
        return b'{"seal":"%s",' % digest.encode() + document[1:]

    def forget_state(self) -> None:
        """Forget what should run here and what happened; who this device is stays."""
        for folder in (self.microservices, self.volumes):
            shutil.rmtree(folder, ignore_errors=True)
        for name in (
            "desired-state.json",
            "journal.sqlite",
            "journal.sqlite-wal",
            "journal.sqlite-shm",
            "journal.sqlite.reserve",
            "messages.sqlite",
            "messages.sqlite-wal",
            "messages.sqlite-shm",
            "messages.sqlite.reserve",
            "messages.sqlite.broken",
        ):
            (self.path / name).unlink(missing_ok=True)

    def wipe(self) -> None:
        """Forget everything."""
        self.forget_state()
        self.forget_pending()
        shutil.rmtree(self.pulls, ignore_errors=True)
        self.images.unlink(missing_ok=True)
        self.local_api_secret.unlink(missing_ok=True)
        # The identity last: if this is cut short, it says what remains to be done.
        (self.path / "identity.json").unlink(missing_ok=True)
        _sync_directory(self.path)

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FolderUnusable(self.path, f"{name}: {error.strerror}") from error

    def _write(self, name: str, content: bytes) -> None:
        try:
            write_whole(self.path / name, content, mode=0o600)
        except OSError as error:
            raise FolderUnusable(self.path, f"{name}: {error.strerror}") from error


def write_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file so that a reader, and a power cut, find the old or the new, never a part."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)  # whatever the umask is
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
