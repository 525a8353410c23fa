"""One blob on its way from a registry to the engine: what is kept of it first, then the rest.

Called by `registry_gateway.py` with a file to keep it in and somebody who opens the registry's
answer from an offset. A connection that breaks is opened again where it broke; a registry without
ranges begins anew, and what was passed on already is skipped. The last piece is held back until the
digest of all is right: the engine never gets the whole of something else.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import Protocol

import structlog
from msgspec import Struct

from agent.errors import RegistryUnreachable
from agent.images.partial_pulls import PartialPull

log = structlog.get_logger()

PIECE = 1 << 16
RETRIES = 6
"""Attempts in a row, after a break, that bring not one byte."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between two attempts, doubling."""


class BlobAnswer(Protocol):
    """A registry's answer to a question for a blob."""

    offset: int
    """Where in the blob it begins: what was asked for, or 0 from one that knows no ranges."""

    def pieces(self) -> AsyncIterator[bytes]:
        """As they come. Errors: RegistryUnreachable."""
        ...


OpenFrom = Callable[[int], AbstractAsyncContextManager[BlobAnswer]]
"""Ask the registry for the blob from this byte on. Errors: EngineError."""


class Blob(Struct, frozen=True, kw_only=True):
    """What is to be relayed."""

    digest: str
    """`sha256:<hex>`."""
    size: int


class Relay:
    """One blob, once. on_bytes: hears of bytes that need not come any more, up to the size."""

    def __init__(
        self,
        blob: Blob,
        kept: PartialPull,
        open_from: OpenFrom,
        take: Callable[[int], Awaitable[None]],
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._blob = blob
        self._kept = kept
        self._open_from = open_from
        self._take = take
        self._on_bytes = on_bytes
        self._hash = sha256()
        self._at = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of the blob.

        Errors: RegistryUnreachable when it can't be had or is another one than was asked for, and
        whatever else the registry says.
        """
        file = self._kept.blob(self._blob.digest)
        last = b""
        with _kept_in(file) as keeping:
            async for piece in self._all(keeping):
                if last:
                    yield last
                last = piece
        if self._hash.hexdigest() != self._blob.digest.partition(":")[2]:
            # Perhaps it was what we kept, over a power cut; then others may be spoilt too.
            self._kept.drop()
            raise RegistryUnreachable(
                f"what came for the blob {self._blob.digest[:19]} is something else: its digest "
                "is wrong; it is fetched anew at the next attempt"
            )
        yield last

    async def _all(self, keeping: FileIO) -> AsyncIterator[bytes]:
        size = self._blob.size
        keeping.seek(0)
        while self._at < size and (piece := keeping.read(min(PIECE, size - self._at))):
            self._seen(piece)
            yield piece
            await asyncio.sleep(0)  # a fast disk must not hold the loop for a whole layer
        if self._at == size > 0:
            keeping.truncate(size)
        failures, writes = 0, True
        while self._at < size:
            before = self._at
            try:
                async for piece in self._rest():
                    # Whatever can't be kept is passed on all the same.
                    writes = writes and self._kept.claim(len(piece)) and _written(keeping, piece)
                    self._seen(piece)
                    yield piece
                if self._at < size:
                    raise RegistryUnreachable("the registry's connection broke off")
            except RegistryUnreachable as error:
                failures = 1 if self._at > before else failures + 1
                if failures > RETRIES:
                    raise
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1))
                log.info(
                    "pull-goes-on", blob=self._blob.digest[:19], at=self._at, of=size,
                    after=str(error), pause=pause,
                )  # fmt: skip
                await asyncio.sleep(pause)

    async def _rest(self) -> AsyncIterator[bytes]:
        """From where we are, as far as one answer goes."""
        async with self._open_from(self._at) as answer:
            skip = self._at - answer.offset
            if skip < 0:
                raise RegistryUnreachable("the registry answered for another part of the blob")
            async for piece in answer.pieces():
                await self._take(len(piece))
                wanted = piece[skip : skip + self._blob.size - self._at]
                skip = max(0, skip - len(piece))
                if wanted:
                    yield wanted
                if self._at >= self._blob.size:
                    return

    def _seen(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._at += len(piece)
        self._on_bytes(self._at)


def _kept_in(file: Path) -> FileIO:
    """Unbuffered: of a write that fails nothing may come later. Nowhere, where nothing can be kept:
    the blob is passed on all the same."""
    try:
        return FileIO(file, "a+")
    except OSError:
        return FileIO(os.devnull, "a+")


def _written(file: FileIO, piece: bytes) -> bool:
    """Whether it is kept; a full disk keeps nothing, and stops nobody."""
    try:
        return file.write(piece) == len(piece)
    except OSError:
        return False
