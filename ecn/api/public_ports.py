"""Public ports over HTTP. What interior proxies have open is telemetry: always of now."""

from collections.abc import Sequence

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.endpoint import Endpoint
from ecn.api.keys import CLOCK, LIVE, ROUTERS
from ecn.api.public_port_documents import PublicPortDocument, PublicPorts
from ecn.api.router_documents import ProxyDocument
from ecn.deciders import find
from events.application import PortMapping, PublicPort
from events.ids import MicroserviceId, NodeId
from events.node import DEFAULT_ROUTER
from events.user import Role
from projections.public_ports import hosting_node, links, public_of
from projections.world import World

NOT_HEARD = "no interior proxy that opens it was heard here: ecn router run"


async def list_public_ports(request: web.Request) -> web.Response:
    """All public ports, by number."""
    live = request.app[LIVE]
    world = live.world
    proxies = list(request.app[ROUTERS].running(world, request.app[CLOCK]()))
    return json_answer(
        PublicPorts(position=world.position, stale=live.stale, items=documents(world, proxies))
    )


def documents(world: World, proxies: Sequence[ProxyDocument]) -> list[PublicPortDocument]:
    """All of them, by number and microservice."""
    routers = world.microservices.values("public_router")
    keys = {key for each in routers for key in world.microservices.find("public_router", each)}
    found = [
        _document(world, key, mapping, public, proxies)
        for key in keys
        for mapping, public in public_of(world, key)
    ]
    return sorted(found, key=lambda each: (each.port, each.microservice))


def _document(
    world: World,
    key: MicroserviceId,
    mapping: PortMapping,
    public: PublicPort,
    proxies: Sequence[ProxyDocument],
) -> PublicPortDocument:
    state, reason = _state(world, public, proxies)
    return PublicPortDocument(
        microservice=find.microservice_name(world, key),
        port=public.port,
        protocol=public.protocol.value,
        container=mapping.container,
        node=world.nodes[world.microservices[key].node_id].name,
        router=_name(world, public.router),
        links=links(world, public),
        allow=public.allow,
        longest_idle=public.longest_idle,
        longest=public.longest,
        state=state,
        reason=reason,
    )


def _state(world: World, public: PublicPort, proxies: Sequence[ProxyDocument]) -> tuple[str, str]:
    if not public.enabled:
        return "disabled", ""
    host = hosting_node(world, public.router)
    reports = [each.report for each in proxies if _opens_at(world, each.report.node) == host]
    for report in reports:
        if public.port in report.listening:
            return ("open", "") if report.state == "up" else ("closed", report.reason)
    for report in reports:
        for closed in report.closed:
            if closed.port == public.port:
                return "closed", f"{report.host}: {closed.reason}"
    return "unknown", NOT_HEARD


def _opens_at(world: World, node: str) -> NodeId | None:
    """Whose ports an interior proxy opens that was started for this node, or for none."""
    if not node:
        return hosting_node(world, DEFAULT_ROUTER)
    return NodeId(node) if node in world.nodes else world.nodes.one("name", node)


def _name(world: World, router: str) -> str:
    row = world.nodes.get(NodeId(router))
    return router if row is None else row.name


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/public-ports",
        handler=list_public_ports,
        access=Role.VIEWER,
        tag="network",
        summary="List public ports: where each is reached, and whether it is open now",
        answer=PublicPorts,
    ),
)
