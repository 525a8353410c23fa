"""Whether the controller is well."""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.documents import Status
from ecn.api.endpoint import Access, Endpoint
from ecn.api.interior_status import interior_router
from ecn.api.keys import BROKER, CLOCK, LIVE, STARTED_AT
from ecn.api.moments import asked
from ecn.version import VERSION
from events.application import ContainerState
from projections.nodes import NodeState


async def status(request: web.Request) -> web.Response:
    """For probes and people. Serves also while the log is away, and says so.

    Of the past it tells what the network was; how the controller is, is always of now.
    """
    about = asked(request)
    world = about.world
    running = sum(1 for _, each in world.statuses.items() if each.state is ContainerState.RUNNING)
    return json_answer(
        Status(
            status="degraded" if request.app[LIVE].stale else "online",
            version=VERSION,
            position=world.position,
            time=world.head.time if world.position else None,
            stale=about.stale,
            uptime_seconds=(request.app[CLOCK]() - request.app[STARTED_AT]).total_seconds(),
            nodes=len(world.nodes),
            nodes_online=sum(1 for _, row in world.nodes.items() if row.state is NodeState.ONLINE),
            microservices=len(world.microservices),
            microservices_running=running,
            interior_router=interior_router(world, request.app[BROKER]),
        )
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/status",
        handler=status,
        access=Access.ANYONE,
        tag="status",
        summary="Whether the controller is well; of the past (with a token) what the network was",
        answer=Status,
        at=True,
        refusals=(401,),
    ),
)
