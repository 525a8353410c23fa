"""Routes: which microservice's messages reach which other."""

from typing import ClassVar

from msgspec import Struct

from events.event import Event
from events.ids import ApplicationId, MicroserviceId, RouteId


class RouteEnds(Struct, frozen=True, kw_only=True, gc=False):
    """From where to where. Both in one application; they may be the same."""

    source: MicroserviceId
    destination: MicroserviceId


class RouteEvent(Event, frozen=True, kw_only=True):
    """About one route."""

    KIND: ClassVar[str] = "route"
    route_id: RouteId


class RouteCreated(RouteEvent, frozen=True, kw_only=True, tag="route.created.v1"):
    """Messages go this way."""

    application_id: ApplicationId
    name: str
    ends: RouteEnds


class RouteUpdated(RouteEvent, frozen=True, kw_only=True, tag="route.updated.v1"):
    """It has this name and these ends now."""

    name: str
    ends: RouteEnds


class RouteDeleted(RouteEvent, frozen=True, kw_only=True, tag="route.deleted.v1"):
    """Messages go this way no more."""


RouteEvents = RouteCreated | RouteUpdated | RouteDeleted
