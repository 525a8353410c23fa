"""The log as it is stored, for those who prove or copy it: nothing decoded, nothing believed.

`PostgresStored` (postgres_stored.py) is the real one; both pass tests/contracts/test_stored_log.py.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from msgspec import Struct

from events.chaining import Place, Stored
from events.envelope import microseconds_of, stored_of
from events.ids import Position
from events.log import EventLog

READERS = 2
"""Who may walk through the log at a time: each has a connection, and takes the loop's time."""


class TooManyReaders(Exception):
    """So many walk through the log already that one more has to wait."""


class Extent(Struct, frozen=True):
    """How far the stored log reaches, and where it says that it ends, both of one instant."""

    noted: Place | None
    """None if that is not said, or said twice: only damage can bring that about."""
    first: int | None
    """The least of all positions; None where there are none."""
    last: int
    """The greatest of them, or 0."""


class StoredReader(Protocol):
    """One walk through the log."""

    async def extent(self) -> Extent:
        """How far there is to go. Errors: LogUnavailable."""
        ...

    async def between(self, after: int, up_to: int) -> list[Stored]:
        """All that is stored there, `up_to` included, ascending. Errors: LogUnavailable."""
        ...


class StoredLog(Protocol):
    """Where a walk begins."""

    def reading(self) -> AbstractAsyncContextManager[StoredReader]:
        """A walk through the log. Errors: TooManyReaders, LogUnavailable."""
        ...


class MemoryStored:
    """What a log in memory would have stored. For tests and rehearsals."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._readers = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["StoredReader"]:
        """See StoredLog."""
        if self._readers >= READERS:
            raise TooManyReaders
        self._readers += 1
        try:
            yield self
        finally:
            self._readers -= 1

    async def extent(self) -> Extent:
        """See StoredReader."""
        head = await self._log.head()
        noted = Place(head.position, head.hash, microseconds_of(head.time))
        return Extent(noted, 1 if head.position else None, head.position)

    async def between(self, after: int, up_to: int) -> list[Stored]:
        """See StoredReader."""
        events = await self._log.read(Position(after), limit=max(up_to - after, 0))
        return [stored_of(each) for each in events]
