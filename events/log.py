"""The event log as the rest sees it, and its twin in memory.

`PostgresLog` (postgres_log.py) is the real one; both pass tests/contracts/test_event_log.py.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

from events.envelope import GENESIS, Bare, Head, Recorded, bare
from events.filter import EventFilter
from events.ids import START, Position


class StoreUnavailable(Exception):
    """What is kept in the database can't be reached, or can't be written, for now."""


class LogError(Exception):
    """The log did not do what it was asked."""


class HeadMoved(LogError):
    """Somebody else appended in between; nothing was written. Read on, and decide again."""

    def __init__(self, expected: Position) -> None:
        super().__init__(f"the log has moved beyond position {expected}")
        self.expected = expected


class LogUnavailable(LogError, StoreUnavailable):
    """The log can't be reached, or can't write (a full disk, say); nothing was written."""


class DiskFull(LogUnavailable):
    """The disk that the log is kept on takes no more; nothing was written."""


class LogDamaged(LogUnavailable):
    """An event that this version should know does not read: it was edited, or its disk is bad."""

    def __init__(self, position: Position, reason: str) -> None:
        super().__init__(
            f"event {position} does not read ({reason}): the log was edited or is damaged; "
            "ecn verify says from where on"
        )
        self.position = position


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
        Errors: HeadMoved, LogUnavailable, OutcomeUnknown; ValueError as from `check_appendable`,
        which is a mistake of the caller.
        """
        ...

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """The next events behind `after`, ascending, at most `limit`. Errors: LogUnavailable."""
        ...

    async def read_bare(self, after: Position, *, limit: int = 5000) -> Sequence[Bare]:
        """As `read`, for whoever only folds. Errors: LogUnavailable."""
        ...

    async def wait(self, *, at_most: float, beyond: Position | None = None) -> Position:
        """Return when the log may have grown, or after `at_most` seconds.

        A mere hint: it may come early, late or never, and says nothing of what was appended.
        Returns how far the log goes by what was heard; 0 when that is not known.
        beyond: where the caller has read to; what came in since then is not waited for again.
        """
        ...

    async def search(
        self,
        wanted: EventFilter,
        *,
        after: Position = START,
        before: Position | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> list[Recorded]:
        """At most `limit` of the wanted events between the positions, both excluded.

        The oldest first, or the newest. The last one's position is where the next page begins.
        Errors: LogUnavailable.
        """
        ...

    async def position_at(self, time: datetime) -> Position:
        """The last position at or before an instant; 0 before the first event.

        Errors: LogUnavailable.
        """
        ...

    async def times(self, positions: Sequence[Position]) -> list[tuple[Position, datetime]]:
        """When these events were recorded, ascending; those that there are. A cheap look at each.

        Errors: LogUnavailable.
        """
        ...


def check_appendable(events: Sequence[Recorded], expected: Head) -> None:
    """Refuse a batch that was not chained to `expected`, or that has NUL where text is expected.

    Postgres has no NUL in text, and every log shall refuse what one of them does.
    Errors: ValueError.
    """
    position, digest = expected.position, expected.hash
    for event in events:
        if event.position != position + 1 or event.previous_hash != digest:
            raise ValueError(f"event {event.position} does not follow position {position}")
        for text in (
            event.subject,
            event.actor,
            event.command_id,
            event.correlation_id,
            event.causation_id,
        ):
            if "\0" in text:
                raise ValueError(f"event {event.position} has NUL in its envelope: {text!r}")
        position, digest = event.position, event.hash


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
        check_appendable(events, expected)
        head = await self.head()
        if (head.position, head.hash) != (expected.position, expected.hash):
            raise HeadMoved(expected.position)
        if events:
            self._events.extend(events)
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """See EventLog."""
        return self._events[after : after + limit]

    async def read_bare(self, after: Position, *, limit: int = 5000) -> Sequence[Bare]:
        """See EventLog."""
        return [bare(each) for each in await self.read(after, limit=limit)]

    async def wait(self, *, at_most: float, beyond: Position | None = None) -> Position:
        """See EventLog."""
        if beyond is None or len(self._events) <= beyond:
            try:
                async with asyncio.timeout(at_most):
                    await self._grown.wait()
            except TimeoutError:
                return START
        return Position(len(self._events))

    async def search(
        self,
        wanted: EventFilter,
        *,
        after: Position = START,
        before: Position | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> list[Recorded]:
        """See EventLog."""
        between = self._events[after : None if before is None else max(before - 1, 0)]
        ordered = reversed(between) if descending else iter(between)
        return list(islice(filter(wanted.matches, ordered), limit))

    async def position_at(self, time: datetime) -> Position:
        """See EventLog."""
        return Position(bisect_right(self._events, time, key=lambda event: event.time))

    async def times(self, positions: Sequence[Position]) -> list[tuple[Position, datetime]]:
        """See EventLog."""
        end = len(self._events)
        return [
            (each, self._events[each - 1].time) for each in sorted(positions) if 0 < each <= end
        ]
