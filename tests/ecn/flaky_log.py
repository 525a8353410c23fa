"""A log that fails on demand, holds its breath on demand, and counts what is asked of it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from events.envelope import Head, Recorded
from events.ids import Position
from events.log import LogUnavailable, MemoryLog, OutcomeUnknown


class Fault(Enum):
    """What goes wrong with an append."""

    NONE = auto()
    UNAVAILABLE = auto()
    """It can't be reached; nothing is written."""
    LANDED = auto()
    """The connection breaks behind the commit."""
    NOT_LANDED = auto()
    """The connection breaks before the commit."""


class FlakyLog(MemoryLog):
    """Faults are used up one per append, in order; then all goes well."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: deque[Fault] = deque()
        self.appends: list[int] = []
        """How many events each append brought that went well."""
        self.pages: list[int] = []
        """How many events each read brought."""
        self.readable = True
        self.gate = asyncio.Event()
        self.gate.set()
        """While cleared, appends wait just before they write."""
        self.waiting = 0
        """How many do."""

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        """See EventLog."""
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        fault = self.faults.popleft() if self.faults else Fault.NONE
        if fault is Fault.UNAVAILABLE:
            raise LogUnavailable("out of reach")
        if fault is Fault.NOT_LANDED:
            raise OutcomeUnknown("broken before the commit")
        await super().append(events, expected=expected)
        self.appends.append(len(events))
        if fault is Fault.LANDED:
            raise OutcomeUnknown("broken behind the commit")

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """See EventLog."""
        if not self.readable:
            raise LogUnavailable("out of reach")
        page = await super().read(after, limit=limit)
        self.pages.append(len(page))
        await asyncio.sleep(0)  # as the real one, it lets others run before it answers
        return page
