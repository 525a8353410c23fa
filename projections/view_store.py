"""Where rows of views are kept with their checkpoint, as their writer and readers see it.

`PostgresViews` (postgres_views.py) is the real one; both pass tests/ecn/test_view_writer.py.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from msgspec import Struct

from events.envelope import GENESIS
from events.log import EventLog
from projections.generation import Kept, Row

PAGE = 1000
"""Rows that are read, and worked on, in one go: some 3 ms."""


class CheckpointMoved(Exception):
    """Somebody else wrote, or doubts the rows; nothing was written. Compare them all."""


class Change(Struct, frozen=True, kw_only=True):
    """From one checkpoint to another."""

    before: Kept | None
    """What is kept, as the writer believes. None: nothing."""
    after: Kept
    puts: Sequence[Row]
    drops: Sequence[tuple[str, str]]
    compared: bool = False
    """Made by looking at all rows, so that no doubt is left."""


class ViewReading(Protocol):
    """Rows and checkpoint of one instant."""

    kept: Kept | None
    """None: nothing is kept yet."""
    log_agrees: bool
    """The log has that very event at that position."""
    doubted: bool

    def rows(self) -> AsyncIterator[Sequence[Row]]:
        """All of them, in no particular order. Errors: StoreUnavailable."""
        ...


class ViewStore(Protocol):
    """The rows of one generation."""

    fingerprint: str

    def reading(self) -> AbstractAsyncContextManager[ViewReading]:
        """What is kept. Errors: StoreUnavailable."""
        ...

    async def write(self, change: Change) -> None:
        """All of it or nothing. Errors: CheckpointMoved, StoreUnavailable."""
        ...

    async def doubt(self) -> None:
        """Say that a row was found wrong: whoever writes looks at all of them.

        Errors: StoreUnavailable.
        """
        ...

    async def tend(self) -> None:
        """Say that the generation is looked after, let people see it if they see one that is not
        any more, and remove what nobody needs.

        Errors: CheckpointMoved when somebody doubts the rows, or they are gone; StoreUnavailable.
        """
        ...


class MemoryReading:
    """See ViewReading."""

    def __init__(
        self, kept: Kept | None, rows: Sequence[Row], *, log_agrees: bool, doubted: bool
    ) -> None:
        self.kept = kept
        self.log_agrees = log_agrees
        self.doubted = doubted
        self._rows = rows

    async def rows(self) -> AsyncIterator[Sequence[Row]]:
        """See ViewReading."""
        for start in range(0, len(self._rows), PAGE):
            yield self._rows[start : start + PAGE]


class MemoryViews:
    """Rows in memory. For tests and rehearsals."""

    def __init__(self, log: EventLog, fingerprint: str = "memory") -> None:
        self.fingerprint = fingerprint
        self.kept: Kept | None = None
        self.by_key: dict[tuple[str, str], bytes] = {}
        self.doubted = False
        self._log = log

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ViewReading]:
        """See ViewStore."""
        kept = self.kept
        rows = [(view, key, row) for (view, key), row in self.by_key.items()]
        doubted, agrees = self.doubted, False
        if kept is not None:
            position = kept.head.position
            events = await self._log.read(GENESIS.position, limit=position)
            ends = events[-1].head if events else GENESIS
            agrees = (ends.position, ends.hash) == (position, kept.head.hash)
        yield MemoryReading(kept, rows, log_agrees=agrees, doubted=doubted)

    async def write(self, change: Change) -> None:
        """See ViewStore."""
        if self.kept != change.before or (self.doubted and not change.compared):
            raise CheckpointMoved
        for view, key, row in change.puts:
            self.by_key[view, key] = row
        for view, key in change.drops:
            self.by_key.pop((view, key), None)
        self.kept, self.doubted = change.after, False

    async def doubt(self) -> None:
        """See ViewStore."""
        self.doubted = True

    async def tend(self) -> None:
        """See ViewStore. There is nobody else."""
        if self.doubted or self.kept is None:
            raise CheckpointMoved
