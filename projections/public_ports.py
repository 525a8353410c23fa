"""Public ports: where each opens, how it is reached, and what the proxies on nodes have to carry.

Pure, and no view of its own: all of it follows from microservices and routers.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from events.application import PortMapping, PublicPort
from events.ids import MicroserviceId, NodeId
from events.node import DEFAULT_ROUTER
from projections.network import value_of
from projections.routers import public_host, system_node

if TYPE_CHECKING:
    from projections.world import World

RANGE = range(6000, 7000)
"""What is chosen from where nobody asks for a number."""
PROXY_HOST = "default-proxy-host"
"""The network setting that names the host of those that open on no node."""
NO_HOST = "undefined-proxy-host"
"""Stands in a link where nobody knows the host."""


def queue_of(microservice_id: MicroserviceId, mapping: PortMapping) -> str:
    """The message address of a public port: 32 hexadecimal digits, always the same for the same
    port of the same microservice."""
    said = f"public-port/{microservice_id}/{mapping.container}/{mapping.protocol}"
    return sha256(said.encode()).hexdigest()[:32]


def hosting_node(world: "World", router: str) -> NodeId | None:
    """The node that a port of that router opens on; None outside all nodes, or nowhere."""
    found = public_host(world, router)
    return None if found is None else found[0]


def host_of(world: "World", router: str) -> str | None:
    """The name or address by which its ports are reached; None where nobody knows it."""
    found = public_host(world, router)
    if found is None:
        return None
    node_id, host = found
    return (host if node_id is not None else value_of(world, PROXY_HOST)) or None


def links(world: "World", public: PublicPort) -> list[str]:
    """Where it is reached, one for each scheme: `https://gate.example:6000`."""
    host = host_of(world, public.router) or NO_HOST
    return [f"{scheme}://{host}:{public.port}" for scheme in public.schemes]


def public_of(
    world: "World", microservice_id: MicroserviceId
) -> Iterator[tuple[PortMapping, PublicPort]]:
    """The public ports of a microservice."""
    for mapping in world.microservices[microservice_id].spec.ports:
        if mapping.public is not None:
            yield mapping, mapping.public


def hosted(world: "World", node_id: NodeId) -> list[tuple[MicroserviceId, PortMapping, PublicPort]]:
    """The public ports that open on the node, by number."""
    routers = [node_id, DEFAULT_ROUTER] if system_node(world) == node_id else [node_id]
    found = {
        (public.port, key): (key, mapping, public)
        for router in routers
        for key in world.microservices.find("public_router", router)
        for mapping, public in public_of(world, key)
        if public.router == router
    }
    return [found[each] for each in sorted(found)]


def opened_at(
    world: "World", node_id: NodeId | None
) -> list[tuple[MicroserviceId, PortMapping, PublicPort]]:
    """The public ports that an interior proxy opens, by number: those of the node, or those of the
    default router, wherever that is."""
    at = node_id or system_node(world)
    if at is not None:
        return hosted(world, at)
    found = {
        (public.port, key): (key, mapping, public)
        for key in world.microservices.find("public_router", DEFAULT_ROUTER)
        for mapping, public in public_of(world, key)
        if public.router == DEFAULT_ROUTER
    }
    return [found[each] for each in sorted(found)]


def proxy_mappings(world: "World", node_id: NodeId) -> list[str]:
    """What the node's proxy carries, sorted; empty where it needs none.

    `amqp:<queue>=>http:<port>` (or tcp) for each public port of its microservices, and
    `http:<public port>=>amqp:<queue>` for each that opens here. Disabled ones are left out.
    """
    here = [
        f"amqp:{public.queue}=>{public.protocol}:{mapping.host}"
        for key in world.microservices.find("node", node_id)
        for mapping, public in public_of(world, key)
        if public.enabled
    ]
    there = [
        f"{public.protocol}:{public.port}=>amqp:{public.queue}"
        for _, _, public in hosted(world, node_id)
        if public.enabled
    ]
    return sorted(here) + there
