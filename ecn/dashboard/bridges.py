"""What leads those who were away for long, or with another controller, to what is in memory here.

Frames folded from the log. After a controller's restart many come back who left off at the same
place: what was made for the first is kept for the others.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from ecn.dashboard.pieces import pieces
from ecn.dashboard.ring import Ring
from events.envelope import Recorded
from events.ids import Position
from projections.live import Live
from projections.past import Past

KEPT = 8
"""Bridges, of some MB each at the most."""


class Bridges:
    """See the module."""

    def __init__(self, live: Live, past: Past) -> None:
        self._live = live
        self._past = past
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[tuple[Position, Position], bytes] = OrderedDict()

    async def lead(self, position: Position, ring: Ring) -> tuple[Position, bytes]:
        """The next place where a piece of the ring begins or ends, and what leads there.

        Errors: LogUnavailable.
        """
        async with self._turn:
            if position >= ring.head or ring.behind(position) is not None:
                return position, b""  # somebody was led there just now
            end = ring.next_end(position)
            bridge = self._kept.get((position, end))
            if bridge is None:
                world = await self._past.world_at(position)
                events = await events_between(self._live, position, end)
                made = await asyncio.to_thread(pieces, world, events)
                bridge = b"".join([each.content for each in made])
                if end == ring.start:
                    ring.prepend(made)
                if ring.behind(position) is None:
                    self._kept[position, end] = bridge
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return end, bridge


async def events_between(live: Live, after: Position, until: Position) -> Sequence[Recorded]:
    """Those behind `after`, up to `until`, which the live world has. Errors: LogUnavailable."""
    found: list[Recorded] = []
    while after < until:
        found += await live.events_after(after, limit=until - after)
        after = found[-1].position
    return found
