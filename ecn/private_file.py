"""A file that only its owner may read, replaced in one step: contexts, keys, passwords."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def replace_privately(path: Path, content: bytes, *, owner: tuple[int, int] | None = None) -> None:
    """Put `content` at `path`, mode 0600: after a crash the old or the new is there, whole.

    owner: user and group that it shall belong to; None: to this process's.
    Errors: OSError, as from any write.
    """
    with replacing_privately(path, owner=owner) as file:
        file.write(content)


@contextmanager
def replacing_privately(path: Path, *, owner: tuple[int, int] | None = None) -> Iterator[BinaryIO]:
    """As `replace_privately`, for what comes piece by piece: in place when the block ends well."""
    # mkstemp makes it 0600 from the start: there is no moment at which others may open it.
    # Beside the target, so that replacing is one step.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, *owner)
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        # Also when interrupted: nothing half-written stays behind. Always raised again.
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names created or renamed in that folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
