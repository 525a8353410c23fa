"""The routers that there are, over HTTP. Telemetry: always of now."""

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint
from ecn.api.keys import BROKER, CLOCK, LIVE, ROUTERS, TELEMETRY
from ecn.api.topology import topology
from ecn.api.topology_documents import Routers
from ecn.broker.keeper import State
from events.user import Role


async def list_routers(request: web.Request) -> web.Response:
    """The interior router, those of nodes, and interior proxies."""
    live, telemetry, keeper = (
        request.app[LIVE],
        request.app[TELEMETRY],
        request.app[BROKER],
    )
    await telemetry.look(list(live.world.nodes))
    world = live.world
    state, reason = State.UNKNOWN.value, "this controller was started without --broker"
    if keeper is not None:
        state, reason = keeper.health.state.value, keeper.health.reason
    proxies = request.app[ROUTERS].running(world, request.app[CLOCK]())
    return json_answer(
        Routers(
            position=world.position,
            stale=live.stale,
            items=topology(world, telemetry.status, proxies, state, reason),
        )
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/routers",
        handler=list_routers,
        access=Role.VIEWER,
        tag="network",
        summary="List routers: the interior router, those of nodes, interior proxies; as it is now",
        answer=Routers,
    ),
)
