"""What devices are made of: agents tell what ioFog's hardware abstraction found, users look."""

from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import DEVICE
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty
from ecn.api.iofog.node_refusals import node_of
from ecn.api.keys import TELEMETRY
from ecn.iofog import times
from events.user import Role


class Information(Struct, frozen=True):
    """What was found out about the device."""

    info: str


class Hardware(Struct, frozen=True, rename="camel"):
    """What a device's hardware abstraction found."""

    id: int
    info: str
    created_at: str
    updated_at: str
    iofog_uuid: str


async def show_hardware(request: web.Request) -> web.Response:
    """What the device is made of."""
    return await _hardware(request, "hw")


async def show_usb(request: web.Request) -> web.Response:
    """What is plugged into the device."""
    return await _hardware(request, "usb")


async def _hardware(request: web.Request, kind: str) -> web.Response:
    node_id = node_of(request)
    found = await request.app[TELEMETRY].hardware(node_id, kind)
    if found is None:
        return empty(200)
    return answer(
        Hardware(
            id=found.number,
            info=found.info,
            created_at=times.iso(found.created_at),
            updated_at=times.iso(found.updated_at),
            iofog_uuid=node_id,
        )
    )


async def report_hardware(request: web.Request) -> web.Response:
    """What the device is made of."""
    return await _found(request, "hw")


async def report_usb(request: web.Request) -> web.Response:
    """What is plugged into the device."""
    return await _found(request, "usb")


async def _found(request: web.Request, kind: str) -> web.Response:
    said = await body(request, Information)
    await request.app[TELEMETRY].put_hardware(request[DEVICE].node_id, kind, said.info)
    return empty()


_NODE = "/iofog/{uuid}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_NODE + "/hal/hw",
        handler=show_hardware,
        access=Role.VIEWER,
        tag="nodes",
        summary="What the device is made of; no body while nobody knows",
        answer=Hardware,
        maybe_empty=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_NODE + "/hal/usb",
        handler=show_usb,
        access=Role.VIEWER,
        tag="nodes",
        summary="What is plugged into the device; no body while nobody knows",
        answer=Hardware,
        maybe_empty=True,
        refusals=(404,),
    ),
    Endpoint(
        method="PUT",
        path="/agent/hal/hw",
        handler=report_hardware,
        access=Access.AGENT,
        tag="agent",
        summary="Say what the device is made of",
        body=Information,
        status=204,
        refusals=(400,),
    ),
    Endpoint(
        method="PUT",
        path="/agent/hal/usb",
        handler=report_usb,
        access=Access.AGENT,
        tag="agent",
        summary="Say what is plugged into the device",
        body=Information,
        status=204,
        refusals=(400,),
    ),
)
