"""What ioFog's agents are to run and watch: microservices, registries, edge resources, traces."""

import structlog
from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import DEVICE
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, answer, world
from ecn.api.keys import REBUILDS, VAULT
from ecn.errors import NotFound
from ecn.iofog import agent_view, edge_resource_views, refusals
from ecn.iofog.numbers import on_the_wire
from ecn.vault import SecretLost
from events.ids import MicroserviceId
from projections import changes
from projections.changes import ChangesRow
from projections.flags import Flag

log = structlog.get_logger()


class Microservices(Struct, frozen=True):
    """All that the device should run."""

    microservices: list[agent_view.Microservice]


class OneMicroservice(Struct, frozen=True):
    """One of them."""

    microservice: agent_view.Microservice


class Registries(Struct, frozen=True):
    """Where images come from."""

    registries: list[agent_view.AgentRegistry]


class EdgeResources(Struct, frozen=True, rename="camel"):
    """What the device's microservices may use."""

    edge_resources: list[edge_resource_views.Resource]


class Trace(Struct, frozen=True, rename="camel"):
    """Whether one microservice's system calls are traced."""

    microservice_uuid: str
    strace_run: bool


class Traces(Struct, frozen=True, rename="camel"):
    """Of which microservices."""

    strace_values: list[Trace]


async def list_microservices(request: web.Request) -> web.Response:
    """All that the device should run."""
    anew = request.app[REBUILDS].due
    items = agent_view.microservices(world(request), request[DEVICE].node_id, anew)
    return answer(Microservices(items))


async def show_microservice(request: web.Request) -> web.Response:
    """One of them."""
    uuid = MicroserviceId(request.match_info["uuid"])
    found = agent_view.microservice(world(request), request[DEVICE].node_id, uuid)
    if found is None:
        raise NotFound("microservice", uuid)
    return answer(OneMicroservice(found))


async def list_registries(request: web.Request) -> web.Response:
    """All registries, with passwords."""
    now, passwords = world(request), dict[int, str]()
    for registry_id, row in now.registries.items():
        sealed = row.settings.password
        if sealed is None:
            continue
        try:
            passwords[on_the_wire(row.number)] = await request.app[VAULT].open(sealed)
        except SecretLost as e:
            # Its pulls will be refused, and that the agent reports; the others must not suffer.
            log.error("registry_password_lost", registry_id=registry_id, reason=str(e))
    return answer(Registries(agent_view.registries_with(now, passwords)))


async def list_edge_resources(request: web.Request) -> web.Response:
    """The resources that the node is linked to."""
    found = edge_resource_views.for_agent(world(request), request[DEVICE].node_id)
    return answer(EdgeResources(found))


async def list_traces(request: web.Request) -> web.Response:
    """Which microservices are to be traced, and which no more."""
    now, node_id = world(request), request[DEVICE].node_id
    changed = now.changes.get(node_id) or ChangesRow()
    # Who is not traced any more is named as long as the agent was not told.
    news = Flag.DIAGNOSTICS in changes.up(changed)
    found = [
        Trace(key, now.microservices[key].tracing)
        for key in sorted(now.microservices.find("node", node_id))
        if news or now.microservices[key].tracing
    ]
    if not found and not news:
        raise refusals.not_found("Strace not found")
    return answer(Traces(found))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/agent/microservices",
        handler=list_microservices,
        access=Access.AGENT,
        tag="agent",
        summary="All that the device should run; what is left out it removes",
        answer=Microservices,
    ),
    Endpoint(
        method="GET",
        path="/agent/microservices/{uuid}",
        handler=show_microservice,
        access=Access.AGENT,
        tag="agent",
        summary="One microservice that the device should run",
        answer=OneMicroservice,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/agent/registries",
        handler=list_registries,
        access=Access.AGENT,
        tag="agent",
        summary="All registries, with passwords",
        answer=Registries,
    ),
    Endpoint(
        method="GET",
        path="/agent/edgeResources",
        handler=list_edge_resources,
        access=Access.AGENT,
        tag="agent",
        summary="The edge resources that the node is linked to",
        answer=EdgeResources,
    ),
    Endpoint(
        method="GET",
        path="/agent/strace",
        handler=list_traces,
        access=Access.AGENT,
        tag="agent",
        summary="Whose system calls are to be traced, and whose no more",
        answer=Traces,
        refusals=(404,),
    ),
)
