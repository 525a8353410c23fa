"""What anybody may ask of a controller: whether it is there, and what it is able to do."""

from datetime import datetime

from aiohttp import web
from msgspec import Struct

from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, answer, empty
from ecn.api.keys import CLOCK, STARTED_AT
from ecn.iofog.fog_types import FOG_TYPES, FogType
from ecn.version import VERSION

IOFOG_VERSION = "3.0.4"
"""The version of ioFog's controller whose API this is. Its clients split it into three numbers, and
leave some requests out where the last of them is less than 2."""

VIEWER_VERSION = "3.0.2"
"""Of the pages that go with it, for whoever compares the two."""


class Versions(Struct, frozen=True, rename="camel"):
    """Which API this is, and of which program."""

    controller: str
    ecn_viewer: str
    ecn: str


class Status(Struct, frozen=True, rename="camel"):
    """It answers."""

    status: str
    timestamp: int
    """Milliseconds since 1970."""
    uptime_sec: float
    versions: Versions


class EmailActivation(Struct, frozen=True, rename="camel"):
    """Whether a new user has to follow a link in a mail."""

    is_email_activation_enabled: bool


class FogTypes(Struct, frozen=True, rename="camel"):
    """All types of device."""

    fog_types: tuple[FogType, ...]


async def status(request: web.Request) -> web.Response:
    """Also while the log is away."""
    now: datetime = request.app[CLOCK]()
    return answer(
        Status(
            status="online",
            timestamp=int(now.timestamp() * 1000),
            uptime_sec=(now - request.app[STARTED_AT]).total_seconds(),
            versions=Versions(controller=IOFOG_VERSION, ecn_viewer=VIEWER_VERSION, ecn=VERSION),
        )
    )


async def email_activation(_: web.Request) -> web.Response:
    """Never: no mail is sent."""
    return answer(EmailActivation(is_email_activation_enabled=False))


async def fog_types(_: web.Request) -> web.Response:
    """All types of device."""
    return answer(FogTypes(FOG_TYPES))


async def capable(_: web.Request) -> web.Response:
    """Yes."""
    return empty()


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/status",
        handler=status,
        access=Access.ANYONE,
        tag="general",
        summary="Whether the controller is there, and its versions",
        answer=Status,
    ),
    Endpoint(
        method="GET",
        path="/email-activation",
        handler=email_activation,
        access=Access.ANYONE,
        tag="general",
        summary="Whether new users are sent a mail",
        answer=EmailActivation,
    ),
    Endpoint(
        method="GET",
        path="/fog-types",
        handler=fog_types,
        access=Access.ANYONE,
        tag="general",
        summary="The types of device",
        answer=FogTypes,
    ),
    Endpoint(
        method="HEAD",
        path="/capabilities/edgeResources",
        handler=capable,
        access=Access.ANYONE,
        tag="general",
        summary="Whether there can be edge resources",
        status=204,
    ),
    Endpoint(
        method="HEAD",
        path="/capabilities/applicationTemplates",
        handler=capable,
        access=Access.ANYONE,
        tag="general",
        summary="Whether there can be application templates",
        status=204,
    ),
)
