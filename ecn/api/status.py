"""Whether the controller is well."""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.documents import Status
from ecn.api.endpoint import Access, Endpoint
from ecn.api.keys import CLOCK, LIVE, STARTED_AT
from ecn.version import VERSION
from events.application import ContainerState
from projections.nodes import NodeState


async def status(request: web.Request) -> web.Response:
    """For probes and people. Serves also while the log is away, and says so."""
    live = request.app[LIVE]
    world = live.world
    running = sum(1 for _, each in world.statuses.items() if each.state is ContainerState.RUNNING)
    return json_answer(
        Status(
            status="degraded" if live.stale else "online",
            version=VERSION,
            position=world.position,
            stale=live.stale,
            uptime_seconds=(request.app[CLOCK]() - request.app[STARTED_AT]).total_seconds(),
            nodes=len(world.nodes),
            nodes_online=sum(1 for _, row in world.nodes.items() if row.state is NodeState.ONLINE),
            microservices=len(world.microservices),
            microservices_running=running,
        )
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/status",
        handler=status,
        access=Access.ANYONE,
        tag="status",
        summary="Whether the controller is well",
        answer=Status,
    ),
)
