"""Events of routes in a few words, for glance.py. Pure."""

from collections.abc import Callable

from events.ids import MicroserviceId
from events.route import DropReason, RouteCreated, RouteDropped, RouteUpdated
from projections.routes import ends_as_written

LONGEST_CONDITION = 200
"""Characters of one that are shown."""

WHY = {
    DropReason.EXPIRED: "nobody took them in their time",
    DropReason.FULL: "its store was full",
    DropReason.GONE: "the route, or a microservice, is no more",
    DropReason.LOST: "they were kept in memory alone",
    DropReason.UNREADABLE: "they could not be read back",
}


def way(event: RouteCreated | RouteUpdated, name_of: Callable[[MicroserviceId], str]) -> str:
    """Where it leads, and when: `from probe to siren where as_number(temp) > 70`."""
    source, destination = ends_as_written(event.ends, name_of)
    text = event.terms.condition
    shown = text if len(text) <= LONGEST_CONDITION else f"{text[:LONGEST_CONDITION]}…"
    return f"from {source} to {destination}{' where ' if shown else ''}{shown}"


def dropped(event: RouteDropped) -> str:
    """How much: `3 messages (120 bytes)`."""
    many = "1 message" if event.messages == 1 else f"{event.messages} messages"
    return f"{many} ({event.size} bytes)"


def why(event: RouteDropped) -> str:
    """As a clause."""
    return WHY[event.reason]
