"""The golden story goes on: routes from anywhere and upstream, with terms; messages are dropped.
Append to the end only."""

from datetime import UTC, datetime

from events.envelope import KnownEvent
from events.ids import RouteId
from events.route import (
    DropReason,
    RouteCreated,
    RouteDeleted,
    RouteDropped,
    RouteEnds,
    RouteTerms,
    RouteUpdated,
)
from tests.events.golden.offers import GATE, PARK, SIGN
from tests.events.golden.routers import LEAF

UP, ALARM, GONE = (RouteId(f"{n:032x}") for n in (0x12, 0x13, 0x14))

WAYS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        RouteCreated(
            route_id=UP,
            application_id=PARK,
            name="up",
            ends=RouteEnds(source=None, destination=None),
            terms=RouteTerms(webhook="https://hook.example/park", ttl=0, durable=False),
        ),
    ),
    (
        "user/anna",
        RouteCreated(
            route_id=ALARM,
            application_id=PARK,
            name="alarm",
            ends=RouteEnds(source=GATE, destination=SIGN),
            terms=RouteTerms(
                output="temp", condition="as_number(temp) > 70", input="in", priority=9
            ),
        ),
    ),
    (
        "user/anna",
        RouteCreated(
            route_id=GONE,
            application_id=PARK,
            name="twins",
            ends=RouteEnds(source=None, destination=SIGN),
            terms=RouteTerms(twin_changes=True),
        ),
    ),
    (
        "user/anna",
        RouteUpdated(
            route_id=ALARM,
            name="alarm",
            ends=RouteEnds(source=GATE, destination=SIGN),
            terms=RouteTerms(condition="$body.t > 70", priority=0, ttl=1800),
        ),
    ),
    ("user/anna", RouteDeleted(route_id=GONE)),
    (
        f"node/{LEAF}",
        RouteDropped(
            route_id=ALARM,
            node_id=LEAF,
            sequence=40,
            reason=DropReason.EXPIRED,
            messages=3,
            size=120,
            since=datetime(2026, 1, 15, 12, 0, tzinfo=UTC),
            at=datetime(2026, 1, 15, 12, 0, 30, tzinfo=UTC),
        ),
    ),
    (
        f"node/{LEAF}",
        RouteDropped(
            route_id=GONE,
            node_id=LEAF,
            sequence=41,
            reason=DropReason.GONE,
            messages=1,
            size=9,
            since=datetime(2026, 1, 15, 12, 1, tzinfo=UTC),
            at=datetime(2026, 1, 15, 12, 1, tzinfo=UTC),
        ),
    ),
)
