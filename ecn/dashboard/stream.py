"""What happens, as server-sent events: frames of changes, telemetry, and how the controller is."""

import asyncio

from aiohttp import web

from ecn.api.endpoint import Endpoint, Query, whole_number
from ecn.api.keys import BROADCAST, LIVE
from ecn.api.standing import check_still_allowed
from ecn.errors import Invalid
from events.ids import Position
from events.user import Role

SLOWEST_READER = 30.0
"""Seconds that a client may take for what it is sent; then it has to come back and resume."""

RESET = b"event: reset\ndata: {}\n\n"


async def dashboard_stream(request: web.Request) -> web.StreamResponse:
    """All that happens behind a position, for ever."""
    after = _after(request)
    broadcast = request.app[BROADCAST]
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type, response.charset = "text/event-stream", "utf-8"
    with broadcast.listening():
        joined = await broadcast.join(after)
        await response.prepare(request)
        if joined is None:
            await response.write(RESET)
            return response
        # So that a client that is cut off before the first change resumes from here.
        begin = b"retry: 1000\nid: %d\n\n" % after
        begin += broadcast.status() + joined.missed + broadcast.telemetry()
        await _send(request, response, begin)
        async for told in broadcast.follow(joined):
            await _send(request, response, told)
    return response


async def _send(request: web.Request, response: web.StreamResponse, content: bytes) -> None:
    """Errors: BadCredentials, NotAllowed; TimeoutError."""
    check_still_allowed(request, Role.VIEWER)
    async with asyncio.timeout(SLOWEST_READER):
        await response.write(content)


def _after(request: web.Request) -> Position:
    """Where the client left off. Errors: Invalid."""
    resumed = request.headers.get("Last-Event-ID", "")
    if resumed:
        if not (resumed.isascii() and resumed.isdecimal() and len(resumed) <= 18):
            raise Invalid(f"{resumed!r} is no position", field="Last-Event-ID")
        return Position(int(resumed))
    given = whole_number(request, "after")
    return request.app[LIVE].world.position if given is None else Position(given)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/dashboard/stream",
        handler=dashboard_stream,
        access=Role.VIEWER,
        tag="dashboard",
        summary="What happens, as server-sent events that a dashboard obeys",
        media="text/event-stream",
        queries=(Query("after", "go on behind that position; `Last-Event-ID` says the same", int),),
    ),
)
