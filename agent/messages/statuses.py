"""How the routes of a node stand, for the controller and for people.

Pure. `router.py` asks when somebody wants to know.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from agent.contract import RouteStatus
from agent.messages.counts import RouteCounts
from agent.messages.lanes import Lane

ASKED_WITHIN = 60_000
"""Milliseconds since it asked last, in which a receiver counts as there."""


class Circumstances(Struct, frozen=True, kw_only=True):
    """What stands in the way, of all routes."""

    now: int
    """Milliseconds since 1970."""
    link: str
    """up, or waiting: the interior router."""
    link_reason: str
    stalled: Mapping[str, str]
    """Why the interior router takes nothing of a route, by its id."""
    refusing: str
    """Why nothing can be stored; empty: it can."""


def status(
    route_id: str,
    lanes: Iterable[Lane],
    counts: RouteCounts,
    around: Circumstances,
    *,
    elsewhere: bool,
    misunderstood: str,
    asked_at: int,
) -> RouteStatus:
    """Of one route.

    lanes: what it brought and is not delivered. elsewhere: it leads off the node. misunderstood:
    why its condition is not. asked_at: when its receiver here asked for messages last.
    """
    lanes = list(lanes)
    stored = sum(lane.waiting for lane in lanes)
    oldest = min((lane.oldest for lane in lanes if lane.oldest), default=0)
    state, reason = "up", ""
    if misunderstood:
        state, reason = "waiting", f"this agent does not understand its condition: {misunderstood}"
    elif around.refusing:
        state, reason = "refusing", around.refusing
    elif elsewhere and around.link != "up":
        state, reason = "waiting", around.link_reason
    elif elsewhere and route_id in around.stalled:
        state, reason = "waiting", around.stalled[route_id]
    elif not elsewhere and stored and around.now - asked_at > ASKED_WITHIN:
        state, reason = "waiting", "its receiver does not ask for messages"
    return RouteStatus(
        route_id=route_id,
        state=state,
        reason=reason,
        stored=stored,
        stored_bytes=sum(lane.waiting_bytes for lane in lanes),
        oldest_seconds=max(0, around.now - oldest) / 1000 if oldest else 0.0,
        accepted=counts.accepted,
        delivered=counts.delivered,
        received=counts.received,
        dropped=counts.dropped,
        undefined=counts.undefined,
    )
