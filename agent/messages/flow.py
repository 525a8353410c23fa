"""Which messages may go to the interior router now, so that each route keeps its order.

Pure: `sending.py` does what this says. As long as all goes well any number of a route is in
flight. When the interior router does not take one (the receiver's queue is full, or there is none
yet) nothing more of that route is sent; once the last one in flight is answered, all that were not
taken go back to their places, and after a pause one is tried alone, and with it the rest. Other
routes go on meanwhile.

What was in flight behind a message that was refused may be taken before it, when its queue gets
room in that very moment; RabbitMQ makes room only once a fifth of a queue is free, so that this
takes a receiver that empties a fifth of its queue within one round trip.
"""

from collections.abc import Callable
from random import uniform

from msgspec import Struct, field

from agent.messages.routing import Outgoing

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
"""Seconds; each lies somewhere within a window that doubles with each failure in a row."""


class _Lane(Struct):
    """What is known of a route that has something in flight, or had bad luck."""

    in_flight: int = 0
    back: list[Outgoing] = field(default_factory=list)
    """Not taken, or not tried because of that."""
    failed: bool = False
    """Since the last pause."""
    failures: int = 0
    until: float = 0.0
    """Nothing of it is sent before."""
    alone: bool = False
    """One is tried, and no other until that is answered."""
    reason: str = ""


class Flow:
    """Of one connection. Times are seconds of one clock."""

    def __init__(self, spread: Callable[[float, float], float] = uniform) -> None:
        self._spread = spread
        self._lanes: dict[str, _Lane] = {}
        self._told: dict[str, str] = {}
        """Reasons that `reasons` has not given yet."""

    def waiting(self, now: float) -> set[str]:
        """Ids of the routes of which nothing may be sent now."""
        return {route_id for route_id, lane in self._lanes.items() if _waits(lane, now)}

    def next_change(self, now: float) -> float | None:
        """When the first of those that wait may be tried again; None: not by time alone."""
        times = (lane.until for lane in self._lanes.values() if lane.until > now)
        return min(times, default=None)

    def offer(self, outgoing: Outgoing, now: float) -> bool:
        """Whether to send it, after which it is in flight until `taken` or `not_taken`. Otherwise
        `going_back` gives it."""
        lane = self._lanes.setdefault(outgoing.route_id, _Lane())
        if _waits(lane, now):
            lane.back.append(outgoing)
            return False
        lane.in_flight += 1
        return True

    def taken(self, outgoing: Outgoing) -> None:
        """The interior router has it."""
        lane = self._lanes[outgoing.route_id]
        lane.in_flight -= 1
        if not lane.failed:
            lane.alone = False
            lane.failures = 0
            self._say(outgoing.route_id, lane, "")
            if not lane.in_flight and not lane.back:
                del self._lanes[outgoing.route_id]

    def not_taken(self, outgoing: Outgoing, why: str) -> None:
        """It has not."""
        lane = self._lanes[outgoing.route_id]
        lane.in_flight -= 1
        lane.back.append(outgoing)
        lane.failed = True
        self._say(outgoing.route_id, lane, why)

    def going_back(self, now: float) -> list[Outgoing]:
        """Those that go back to their places now: none of their routes is in flight any more."""
        back: list[Outgoing] = []
        for lane in self._lanes.values():
            if not lane.back or lane.in_flight:
                continue
            back += lane.back
            lane.back = []
            if lane.failed:
                window = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(lane.failures, 10))
                lane.failures += 1
                lane.until = now + self._spread(window / 2, window)
                lane.failed, lane.alone = False, True
        return back

    def reasons(self) -> dict[str, str]:
        """Why routes have to wait, by their ids, as far as that changed; empty: they go again."""
        told, self._told = self._told, {}
        return told

    def stalled(self) -> list[str]:
        """Ids of the routes that have a reason to wait."""
        return [route_id for route_id, lane in self._lanes.items() if lane.reason]

    def _say(self, route_id: str, lane: _Lane, reason: str) -> None:
        if lane.reason != reason:
            lane.reason = reason
            self._told[route_id] = reason


def _waits(lane: _Lane, now: float) -> bool:
    return lane.failed or lane.until > now or (lane.alone and lane.in_flight > 0)
