"""How a pure question about history asks for the events that it needs.

A question is a generator: it yields a search, is sent what was found, and returns its answer.
Which search comes next may depend on what an earlier one found; the generator has the world and
the events alone, and whoever runs it (ecn/api/history.py, a test) does the reading.
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

from msgspec import Struct

from events.envelope import Recorded
from events.filter import EventFilter
from events.ids import START, Position

PAGE = 1000
"""Events asked for at once where all are needed."""

T = TypeVar("T")


class Search(Struct, frozen=True, kw_only=True):
    """What is asked of the log; the fields mean what they do for EventLog.search."""

    wanted: EventFilter
    after: Position = START
    before: Position
    limit: int = PAGE
    descending: bool = False


Question = Generator[Search, Sequence[Recorded], T]


def every(wanted: EventFilter, *, upto: Position) -> Question[list[Recorded]]:
    """All events like that up to a position, ascending."""
    found: list[Recorded] = []
    after = START
    while True:
        page = yield Search(wanted=wanted, after=after, before=Position(upto + 1))
        found += page
        if len(page) < PAGE:
            return found
        after = page[-1].position


def latest(
    wanted: EventFilter, *, upto: Position, limit: int, after: Position = START
) -> Question[Sequence[Recorded]]:
    """The newest events like that up to a position, the newest first."""
    return (
        yield Search(
            wanted=wanted,
            after=after,
            before=Position(upto + 1),
            limit=limit,
            descending=True,
        )
    )


def last(wanted: EventFilter, *, upto: Position) -> Question[Recorded | None]:
    """The newest event like that up to a position."""
    found = yield from latest(wanted, upto=upto, limit=1)
    return found[0] if found else None


def at(position: Position) -> Question[Recorded | None]:
    """The event in that place."""
    found = yield from latest(
        EventFilter(), upto=position, limit=1, after=Position(max(position - 1, 0))
    )
    return found[0] if found else None
