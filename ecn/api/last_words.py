"""What agents said last, for handlers that show it beside the world: telemetry of now.

It says nothing about the past: a request with `at` gets none of it.
"""

from collections.abc import Callable, Iterable

from aiohttp import web

from ecn.agent_status import AgentStatus
from ecn.api import route_status
from ecn.api.documents import RouteStatusDocument
from ecn.api.keys import TELEMETRY
from ecn.api.moments import asked
from ecn.api.views import Usage
from events.application import ContainerState
from events.ids import MicroserviceId, NodeId, RouteId


async def of_nodes(
    request: web.Request, node_ids: Iterable[NodeId]
) -> Callable[[NodeId], AgentStatus | None]:
    """Of these, whichever controller heard it."""
    if asked(request).past:
        return lambda _: None
    telemetry = request.app[TELEMETRY]
    await telemetry.look(node_ids)
    return telemetry.status


async def of_pulls(request: web.Request, keys: Iterable[MicroserviceId]) -> Usage:
    """Of those of these microservices whose image is pulled: the only ones that anybody asks."""
    about = asked(request)
    if about.past:
        return lambda *_: None
    world, telemetry = about.world, request.app[TELEMETRY]
    pulling = {
        world.microservices[key].node_id
        for key in keys
        if (status := world.statuses.get(key)) is not None
        and status.state is ContainerState.PULLING
    }
    await telemetry.look(pulling)
    return telemetry.usage


RouteStatuses = Callable[[RouteId], RouteStatusDocument | None]


async def of_routes(request: web.Request, keys: Iterable[RouteId]) -> RouteStatuses:
    """How these are now."""
    about = asked(request)
    if about.past:
        return lambda _: None
    world = about.world
    nodes = {node_id for key in keys for node_id in route_status.nodes_of(world, key)}
    said = await of_nodes(request, nodes)
    return lambda key: route_status.status(world, key, said)
