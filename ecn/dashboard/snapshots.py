"""All that the dashboard shows, at one moment."""

import asyncio

from aiohttp import web

from ecn.api.endpoint import AT_LEAST, Endpoint, whole_number
from ecn.api.keys import DASHBOARD_SNAPSHOT
from ecn.api.moments import asked
from ecn.dashboard.documents import Snapshot
from ecn.dashboard.packed import Packed, packed
from events.ids import Position
from events.user import Role


async def dashboard_snapshot(request: web.Request) -> web.Response:
    """Everything, now or then."""
    about = asked(request)
    if about.past:
        return await _answer(
            request, await asyncio.to_thread(packed, about.world, None, stale=False)
        )
    least = whole_number(request, AT_LEAST.name) or 0
    return await _answer(request, await request.app[DASHBOARD_SNAPSHOT].get(Position(least)))


async def _answer(request: web.Request, snapshot: Packed) -> web.Response:
    headers = {"ECN-Position": str(snapshot.position), "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = snapshot.content
    else:
        content = await asyncio.to_thread(snapshot.unpacked)
    return web.Response(body=content, content_type="application/json", headers=headers)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/dashboard/snapshot",
        handler=dashboard_snapshot,
        access=Role.VIEWER,
        tag="dashboard",
        summary="All that the dashboard shows, now or then",
        answer=Snapshot,
        at=True,
    ),
)
