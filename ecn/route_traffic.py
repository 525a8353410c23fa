"""What agents last said of the traffic of routes: a part of agent_status.py. Pure, telemetry.

Counts begin anew with each start of an agent; rates are made here, of two reports.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from agent import contract

STATES = ("up", "waiting", "refusing")
LONGEST_REASON = 500
LARGEST = 1 << 53
"""No whole number beyond is exact in JSON."""


class RouteTraffic(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One route on one node."""

    at: datetime
    """When a controller heard it."""
    state: str
    """One of STATES."""
    reason: str = ""
    stored: int = 0
    """Messages, as all that has no unit."""
    stored_bytes: int = 0
    oldest_seconds: float = 0.0
    """How long the oldest had waited then."""
    accepted: int = 0
    delivered: int = 0
    received: int = 0
    dropped: int = 0
    undefined: int = 0
    rate_in: float | None = None
    """Accepted per second between the last two reports; None: there were not two yet."""
    rate_out: float | None = None
    """Delivered, likewise."""


Traffic = Mapping[str, RouteTraffic]
"""By route."""


def heard(
    before: Traffic, said: Iterable[contract.RouteStatus], known: Container[str], now: datetime
) -> dict[str, RouteTraffic]:
    """What is known from now on. known: the routes that there are. Bounded, whatever is said."""
    return {
        each.route_id: _one(before.get(each.route_id), each, now)
        for each in said
        if each.route_id in known and each.state in STATES
    }


def _one(before: RouteTraffic | None, said: contract.RouteStatus, now: datetime) -> RouteTraffic:
    return RouteTraffic(
        at=now,
        state=said.state,
        reason=said.reason.replace("\x00", "")[:LONGEST_REASON],
        stored=_count(said.stored),
        stored_bytes=_count(said.stored_bytes),
        oldest_seconds=max(0.0, min(said.oldest_seconds, float(LARGEST))),
        accepted=_count(said.accepted),
        delivered=_count(said.delivered),
        received=_count(said.received),
        dropped=_count(said.dropped),
        undefined=_count(said.undefined),
        rate_in=None if before is None else _rate(before.accepted, said.accepted, now - before.at),
        rate_out=None
        if before is None
        else _rate(before.delivered, said.delivered, now - before.at),
    )


def _rate(before: int, count: int, passed: timedelta) -> float | None:
    """Per second. A count that fell is of an agent that was started anew: all of it is new."""
    if passed <= timedelta():
        return None
    new = count - before if count >= before else count
    return round(_count(new) / passed.total_seconds(), 3)


def _count(number: int) -> int:
    return max(0, min(number, LARGEST))
