"""The controller's own folder on disk: one holder at a time, and small files nobody else may read.

The lock is `flock` on `controller.lock`: the kernel lets go of it when its holder dies in any
way, so that no stale lock ever needs cleaning up. The pid in the file only serves the message.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ecn.private_file import replace_privately

LOCK_NAME = "controller.lock"


class DataFolderError(Exception):
    """The data folder can't be used; the sentence says what to do."""


class DataFolderBusy(DataFolderError):
    """Another controller works in this folder."""

    def __init__(self, path: Path, holder: int | None) -> None:
        whom = f"process {holder}" if holder is not None else "another process"
        super().__init__(
            f"{path} is in use by {whom}: stop that controller first, "
            "or give this one another data folder"
        )
        self.path, self.holder = path, holder


class DataFolder:
    """A folder that this process holds alone. Made by `open`, valid until its `with` ends."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["DataFolder"]:
        """Create the folder if need be, and hold it.

        Mode 0700; 0711 as root, because the unprivileged account that runs the embedded Postgres
        must get through to its own subfolder. Secret files in it are 0600 either way, so a folder
        that serves other purposes too, or belongs to somebody else, is left as it is.
        Errors: DataFolderBusy, DataFolderError.
        """
        path = path.expanduser().absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
            _close_to_others(path)
            lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise DataFolderError(
                f"{path} can't be used as data folder ({e.strerror}): "
                "make it writable for this user, or give another"
            ) from e
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise DataFolderBusy(path, _pid_in(lock)) from e
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield cls(path)
        finally:
            os.close(lock)

    def read_secret(self, name: str) -> bytes | None:
        """What `write_secret` left under that name, or None."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_secret(self, name: str, content: bytes) -> None:
        """Put `content` under `name`, mode 0600: after a crash the old or the new is there, whole.

        Errors: OSError, as from any write.
        """
        replace_privately(self.path / name, content)


def _close_to_others(path: Path) -> None:
    if (path / LOCK_NAME).exists() or not any(path.iterdir()):
        with suppress(PermissionError):
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _pid_in(lock: int) -> int | None:
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else None
