"""The event log as the rest sees it, and its twin in memory.

`PostgresLog` (postgres_log.py) is the real one; both pass tests/contracts/test_event_log.py.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from events.envelope import GENESIS, Head, Recorded
from events.ids import Position


class LogError(Exception):
    """The log did not do what it was asked."""


class HeadMoved(LogError):
    """Somebody else appended in between; nothing was written. Read on, and decide again."""

    def __init__(self, expected: Position) -> None:
        super().__init__(f"the log has moved beyond position {expected}")
        self.expected = expected


class LogUnavailable(LogError):
    """The log can't be reached, or can't write (a full disk, say); nothing was written."""


class OutcomeUnknown(LogError):
    """The connection broke during an append and the log can't be asked yet whether it took place.

    Whoever appended finds out by reading on from the expected head: the events are there with
    the very hashes that were given, or they never will be.
    """


class EventLog(Protocol):
    """One totally ordered, gapless sequence of events."""

    async def head(self) -> Head:
        """Where the log ends. Errors: LogUnavailable."""
        ...

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        """Add `events`, chained to `expected`, all or none, if the log still ends there.

        No events is a question: does the log still end at `expected`?
        Errors: HeadMoved, LogUnavailable, OutcomeUnknown.
        """
        ...

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """The next events behind `after`, ascending, at most `limit`. Errors: LogUnavailable."""
        ...

    async def wait(self, *, at_most: float) -> None:
        """Return when the log may have grown, or after `at_most` seconds.

        A mere hint: it may come early, late or never, and says nothing of what was appended.
        """
        ...


class MemoryLog:
    """The log of tests and rehearsals: the same promises, gone with the process."""

    def __init__(self) -> None:
        self._events: list[Recorded] = []
        self._grown = asyncio.Event()

    async def head(self) -> Head:
        """See EventLog."""
        return self._events[-1].head if self._events else GENESIS

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        """See EventLog."""
        if (await self.head()).position != expected.position:
            raise HeadMoved(expected.position)
        if events:
            self._events.extend(events)
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """See EventLog."""
        return self._events[after : after + limit]

    async def wait(self, *, at_most: float) -> None:
        """See EventLog."""
        try:
            async with asyncio.timeout(at_most):
                await self._grown.wait()
        except TimeoutError:
            return
