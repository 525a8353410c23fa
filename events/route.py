"""Routes: which microservice's messages reach which other."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from events.event import Event
from events.ids import ApplicationId, MicroserviceId, NodeId, RouteId

ANY_SOURCE = "*"
"""What people write for no source."""
UPSTREAM = "$upstream"
"""What people write for no destination."""


class RouteEnds(Struct, frozen=True, kw_only=True, gc=False):
    """From where to where, in one application. Both ends may be the same."""

    source: MicroserviceId | None
    """None: any microservice of the application."""
    destination: MicroserviceId | None
    """None: upstream, out of the network."""


class RouteTerms(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Which messages go this way, and how."""

    output: str = ""
    """Only those that were sent by that output of the source; empty: all."""
    twin_changes: bool = False
    """What changed in twins' reported properties, rather than messages."""
    condition: str = ""
    """Of the route language, without WHERE; empty: always."""
    input: str = ""
    """By which the destination gets them."""
    priority: int | None = None
    """0 to 9; 0 is the most urgent, None less urgent than 9."""
    ttl: int | None = None
    """Seconds that an undelivered message is kept; 0: for ever; None: as its node says."""
    durable: bool = True
    """False: kept in memory alone, and lost with it."""
    webhook: str = ""
    """A URL that what goes upstream is posted to; empty: none."""


class DropReason(StrEnum):
    """Why messages were dropped."""

    EXPIRED = "expired"
    FULL = "full"
    GONE = "gone"
    """The route, or a microservice, is no more."""
    LOST = "lost"
    """They were kept in memory alone."""
    UNREADABLE = "unreadable"


class RouteEvent(Event, frozen=True, kw_only=True):
    """About one route."""

    KIND: ClassVar[str] = "route"
    route_id: RouteId


class RouteCreated(RouteEvent, frozen=True, kw_only=True, tag="route.created.v1"):
    """Messages go this way."""

    application_id: ApplicationId
    name: str
    ends: RouteEnds
    terms: RouteTerms = RouteTerms()


class RouteUpdated(RouteEvent, frozen=True, kw_only=True, tag="route.updated.v1"):
    """It has this name and these ends now."""

    name: str
    ends: RouteEnds
    terms: RouteTerms = RouteTerms()


class RouteDeleted(RouteEvent, frozen=True, kw_only=True, tag="route.deleted.v1"):
    """Messages go this way no more."""


class RouteDropped(RouteEvent, frozen=True, kw_only=True, tag="route.dropped.v1"):
    """Messages that had been taken did not arrive, and will not."""

    node_id: NodeId
    sequence: int
    """Of the words of its agent."""
    reason: DropReason
    messages: int
    size: int
    """Bytes."""
    since: datetime
    """The device's clock, at the first of them, and at the last."""
    at: datetime


RouteEvents = RouteCreated | RouteUpdated | RouteDeleted | RouteDropped
