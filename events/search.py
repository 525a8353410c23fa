"""A page of a search, found in bounded steps: however long the log is, no statement takes long.

What the log has an index for is found at once; anything else (a type, an actor, a word) is looked
for in one stretch of the log after the other, as large as takes a moment. Called by the API.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import EPOCH, Recorded
from events.filter import EventFilter
from events.ids import START, Position
from events.log import EventLog

FIRST_STEP = 50_000
LARGEST_STEP = 3_200_000
"""Positions that are looked through in one statement."""

QUICK, SLOW = 0.1, 0.5
"""Seconds that a step takes when the next one may be larger, or should be smaller."""


class Page(Struct, frozen=True):
    """What was found."""

    events: list[Recorded]
    next: Position | None
    """Behind this (before it, when descending) the search goes on; None when it is at its end."""


async def search(
    log: EventLog,
    wanted: EventFilter,
    *,
    after: Position = START,
    before: Position,
    limit: int,
    descending: bool = False,
    within: float,
    clock: Callable[[], float] = monotonic,
) -> Page:
    """At most `limit` of the wanted events between the positions, both excluded.

    within: seconds after which no further step begins: the page is then what was found so far,
            which may be nothing, and says where to go on.
    Errors: LogUnavailable.
    """
    if wanted.since is not None:
        after = max(after, await _last_before(log, wanted.since))
    if wanted.until is not None:
        before = min(before, Position(await _last_before(log, wanted.until) + 1))
    wanted = replace(wanted, since=None, until=None)
    found: list[Recorded] = []
    step, ends = FIRST_STEP, clock() + within
    while after + 1 < before:
        low = max(after, Position(before - 1 - step)) if descending else after
        high = before if descending else min(before, Position(after + step + 1))
        began = clock()
        # One more than fits tells whether there is another page.
        left = limit + 1 - len(found)
        found += await log.search(wanted, after=low, before=high, limit=left, descending=descending)
        now = clock()
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].position)
        if descending:
            before = Position(low + 1)
        else:
            after = Position(high - 1)
        if now > ends and after + 1 < before:
            return Page(found, before if descending else after)
        if now - began < QUICK:
            step = min(step * 4, LARGEST_STEP)
        elif now - began > SLOW:
            step = max(step // 4, 1)
    return Page(found, None)


async def _last_before(log: EventLog, instant: datetime) -> Position:
    """The last position before an instant."""
    if instant <= EPOCH:
        return START  # nothing is older, and there may be no instant before it
    return await log.position_at(instant - timedelta(microseconds=1))
