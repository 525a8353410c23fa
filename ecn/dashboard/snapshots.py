"""All that the dashboard shows, at one moment."""

import asyncio

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint
from ecn.api.moments import asked
from ecn.dashboard import rows
from ecn.dashboard.documents import Snapshot
from ecn.version import VERSION
from events.user import Role


async def dashboard_snapshot(request: web.Request) -> web.Response:
    """Everything, now or then."""
    about = asked(request)
    world = about.world
    return json_answer(
        Snapshot(
            position=about.position,
            time=world.head.time if world.position else None,
            put=await asyncio.to_thread(rows.everything, world),
            stale=about.stale,
            version=VERSION,
        )
    )


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
