"""How files of volumes are written, whatever they are written for.

Whole, so that a reader finds the old file or the new one, and only below the folder that is open:
every step goes by descriptor, and symbolic links there are not followed, whoever made them. Used by
`volume_delivery.py` (a folder of the device) and `files_delivery.py` (a folder that is mounted).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from agent.contract import Volume, VolumeFile

MOST_BYTES = 1 << 20
"""Of all files of a volume. A controller gives a quarter of that."""
MOST_FILES = 10_000
FOLDER_MODE = 0o755
LARGEST_MODE = 0o777

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class BadVolume(Exception):
    """A volume that can't be written as it is described."""


def mode_of(volume: Volume) -> int:
    """Of its files. Errors: BadVolume."""
    try:
        mode = int(volume.permissions, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= LARGEST_MODE:
        raise BadVolume(f"{volume.permissions!r} are no permissions")
    return mode


def steps_of(volume: Volume) -> list[tuple[list[str], bytes]]:
    """The path of each file below the folder, step by step, and its content. Errors: BadVolume."""
    if len(volume.files) > MOST_FILES or sum(len(f.content) for f in volume.files) > MOST_BYTES:
        raise BadVolume("it is too large")
    return [(_steps(file), file.content) for file in volume.files]


def _steps(file: VolumeFile) -> list[str]:
    steps = file.path.split("/")
    if any(step in ("", ".", "..") or "\0" in step for step in steps):
        raise BadVolume(f"{file.path!r} is no path within it")
    return steps


@contextmanager
def folder(path: str, above: int | None) -> Iterator[int]:
    """The folder, made where there is none; never what a link leads to. Errors: OSError."""
    with suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE, dir_fd=above)
    descriptor = os.open(path, _FOLDER, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def below(top: int, folders: list[str]) -> Iterator[int]:
    """The folder that these steps lead to, made where there is none. Errors: OSError."""
    if not folders:
        yield top
        return
    with folder(folders[0], top) as next_one, below(next_one, folders[1:]) as last:
        yield last


def write(within: int, name: str, content: bytes, mode: int) -> None:
    """The file in that folder is as said, on the disk. Errors: OSError; then it is the old one."""
    if is_right(within, name, content, mode):
        return
    beside = f".{name[:200]}.new"
    with suppress(FileNotFoundError):
        os.unlink(beside, dir_fd=within)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o600, dir_fd=within)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            os.fsync(file.fileno())
        os.replace(beside, name, src_dir_fd=within, dst_dir_fd=within)
    except OSError:
        with suppress(OSError):
            os.unlink(beside, dir_fd=within)  # half of it would only fill the disk further
        raise
    os.fsync(within)


def is_right(within: int, name: str, content: bytes, mode: int) -> bool:
    """Whether the file is as it should be already."""
    try:
        # Not blocking: it might be a pipe by now.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=within)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if (status.st_mode & 0o170000, status.st_mode & LARGEST_MODE) != (0o100000, mode):
            return False
        return status.st_size == len(content) and file.read(len(content) + 1) == content
