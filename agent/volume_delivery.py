"""Volumes: files that the controller holds, written where it says on this device.

Files are replaced whole, so that a reader finds the old or the new one, and only below the volume's
folder: symbolic links there are not followed, whoever made them. A file that is as it should be is
left alone. What other files there are, and what is left of a volume that is gone, stays: it may be
somebody's. Called by `control_loop.py`.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from agent.contract import Volume, VolumeFile

MOST_BYTES = 1 << 20
"""Of all files of a volume. A controller gives a quarter of that."""
MOST_FILES = 10_000
FOLDER_MODE = 0o755
LARGEST_MODE = 0o777

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class BadVolume(Exception):
    """A volume that can't be written as it is described."""


class VolumeDelivery:
    """The volumes of one device."""

    def deliver(self, volumes: Iterable[Volume]) -> str:
        """Bring all of their files up to date; what kept some from it, empty when nothing did.

        Blocks for as long as the disk takes.
        """
        problems = []
        for volume in sorted(volumes, key=lambda each: each.name):
            try:
                _deliver(volume)
            except BadVolume as error:
                problems.append(f"volume {volume.name}: {error}")
            except OSError as error:
                at = f" ({error.filename})" if error.filename else ""
                problems.append(f"volume {volume.name}: {error.strerror or error}{at}")
        return "; ".join(problems)


def _deliver(volume: Volume) -> None:
    mode = _mode(volume.permissions)
    destination = PurePosixPath(volume.destination)
    if not destination.is_absolute() or ".." in destination.parts or len(destination.parts) < 2:
        raise BadVolume(f"{volume.destination!r} is no folder that it may have")
    if len(volume.files) > MOST_FILES or sum(len(f.content) for f in volume.files) > MOST_BYTES:
        raise BadVolume("it is too large")
    for file in volume.files:
        _steps(file)  # all of them, before any is written
    Path(destination).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with _folder(str(destination), None) as top:
        for file in volume.files:
            *folders, name = _steps(file)
            with _below(top, folders) as folder:
                _write(folder, name, file.content, mode)


def _mode(permissions: str) -> int:
    try:
        mode = int(permissions, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= LARGEST_MODE:
        raise BadVolume(f"{permissions!r} are no permissions")
    return mode


def _steps(file: VolumeFile) -> list[str]:
    """The path below the folder, step by step."""
    steps = file.path.split("/")
    if any(step in ("", ".", "..") or "\0" in step for step in steps):
        raise BadVolume(f"{file.path!r} is no path within it")
    return steps


@contextmanager
def _folder(path: str, above: int | None) -> Iterator[int]:
    """The folder, made where there is none; never what a link leads to."""
    with suppress(FileExistsError):
        os.mkdir(path, FOLDER_MODE, dir_fd=above)
    descriptor = os.open(path, _FOLDER, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _below(top: int, folders: list[str]) -> Iterator[int]:
    if not folders:
        yield top
        return
    with _folder(folders[0], top) as next_one, _below(next_one, folders[1:]) as last:
        yield last


def _write(folder: int, name: str, content: bytes, mode: int) -> None:
    if _is(folder, name, content, mode):
        return
    beside = f".{name[:200]}.new"
    with suppress(FileNotFoundError):
        os.unlink(beside, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)  # whatever the umask is
        os.fsync(file.fileno())
    os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _is(folder: int, name: str, content: bytes, mode: int) -> bool:
    """Whether the file is as it should be already."""
    try:
        # Not blocking: it might be a pipe by now.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if (status.st_mode & 0o170000, status.st_mode & LARGEST_MODE) != (0o100000, mode):
            return False
        return status.st_size == len(content) and file.read(len(content) + 1) == content
