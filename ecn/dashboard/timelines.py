"""The whole log as a line of points, for all who ask: what lies behind never changes."""

from collections import OrderedDict

from ecn.dashboard.documents import Mark, Timeline
from events.ids import Position
from events.log import EventLog
from projections.live import Live

KEPT = 4
"""Numbers of points that are remembered: pages ask for one or two."""


class Timelines:
    """Made anew when the log has grown by a whole step; until then, its end is all that is new."""

    def __init__(self, live: Live, log: EventLog) -> None:
        self._live = live
        self._log = log
        self._known: OrderedDict[int, list[Mark]] = OrderedDict()

    async def get(self, points: int) -> Timeline:
        """Of at most so many points, at least three. Errors: LogUnavailable."""
        head = self._live.world.head
        known = self._known.get(points, [])
        last = known[-1].position if known else 0
        if head.position - last >= max(1, head.position // points):
            times = await self._log.times(evenly(head.position, points - 1))
            known = [Mark(position=position, time=time) for position, time in times]
            self._known[points] = known
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            last = known[-1].position
        now = [Mark(position=head.position, time=head.time)] if head.position > last else []
        return Timeline(
            position=head.position,
            first_time=known[0].time if known else None,
            points=known + now,
        )


def evenly(end: Position, points: int) -> list[Position]:
    """At most so many positions of a log that ends there: its first, its last, and between."""
    if end <= points:
        return [Position(each) for each in range(1, end + 1)]
    return [Position(1 + (end - 1) * each // (points - 1)) for each in range(points)]
