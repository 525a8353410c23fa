"""Images of containers as they are, which agents send and operators fetch: files, each for once.

Large, and of no use for long: they are kept beside the database, in the data folder of the
controller that the agent sent them to. Nobody else may read them. Where several controllers run,
the one that has it has to be asked.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from events.ids import MicroserviceId, Position

LEAVE_FREE = 1 << 30
"""Bytes of the disk that no snapshot may take: others write there too."""

LOOK_AGAIN = 64 << 20
"""Bytes between two looks at the disk."""

KEEP_FOR = 7 * 24 * 3600.0
"""Seconds that a snapshot waits to be fetched."""

CHUNK = 1 << 18
SUFFIX, FETCHED = ".tar.gz", ".fetched"


class NoRoom(Exception):
    """The disk is too full to take a snapshot."""


class ContainerSnapshots:
    """See the module. A snapshot belongs to the request for it, named by its position."""

    def __init__(self, folder: Path, *, leave_free: int = LEAVE_FREE) -> None:
        self._folder = folder
        self._leave_free = leave_free

    def path(self, microservice_id: MicroserviceId, asked: Position) -> Path | None:
        """The file, if the agent sent it and nobody fetched it yet."""
        path = self._file(microservice_id, asked)
        return path if path.is_file() else None

    def waits(self, microservice_id: MicroserviceId, asked: Position) -> bool:
        """Whether the agent still has to send it."""
        path = self._file(microservice_id, asked)
        return not path.exists() and not path.with_suffix(FETCHED).exists()

    async def store(
        self, microservice_id: MicroserviceId, asked: Position, chunks: AsyncIterator[bytes]
    ) -> None:
        """Write what comes, and have it in place when all came. Errors: NoRoom, OSError."""
        descriptor, temporary = await asyncio.to_thread(self._begin)
        try:
            with os.fdopen(descriptor, "wb") as file:
                since_look, waiting = 0, bytearray()
                async for chunk in chunks:
                    waiting += chunk
                    if len(waiting) < CHUNK:
                        continue
                    since_look += len(waiting)
                    if since_look > LOOK_AGAIN:
                        self._check_room()
                        since_look = 0
                    await asyncio.to_thread(file.write, bytes(waiting))
                    waiting.clear()
                await asyncio.to_thread(_end, file, bytes(waiting))
            await asyncio.to_thread(temporary.replace, self._file(microservice_id, asked))
        except BaseException:
            _remove(temporary)
            raise

    def fetched(self, microservice_id: MicroserviceId, asked: Position) -> None:
        """Somebody has it: it goes."""
        path = self._file(microservice_id, asked)
        path.with_suffix(FETCHED).touch(mode=0o600)
        path.unlink(missing_ok=True)

    def _begin(self) -> tuple[int, Path]:
        """A file to write to, in a folder without what waited too long. Errors: NoRoom, OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        oldest = time.time() - KEEP_FOR
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
        self._check_room()
        # mkstemp makes it 0600: there is no moment at which others may open it.
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".arriving-")
        return descriptor, Path(temporary)

    def _check_room(self) -> None:
        if shutil.disk_usage(self._folder).free < self._leave_free:
            raise NoRoom("the controller's disk has no room for an image: free some of it")

    def _file(self, microservice_id: MicroserviceId, asked: Position) -> Path:
        return self._folder / f"{microservice_id}-{asked}{SUFFIX}"


def _end(file: BinaryIO, rest: bytes) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
