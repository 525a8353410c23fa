"""The microservices that ioFog itself runs on a node: its router, its proxy, and the bridges to
hardware and Bluetooth.

Nobody stores them: they follow from the node's settings, from the network of routers and from the
public ports. Their ids stay the same for as long as the node does. Pure.
"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, Struct, UnsetType

from events.ids import CatalogItemId, MicroserviceId, NodeId
from events.node import DEFAULT_ROUTER, RouterMode, RouterSettings
from projections import catalog_seeds
from projections.catalog import catalog_item
from projections.images import platform_of
from projections.public_ports import proxy_mappings
from projections.routers import Router, network_router, router_ports, upstreams
from projections.world import World

NAMESPACE = UUID("5c0ce7a1-6f3e-4a5f-9d7a-0d3a6a9e4b61")
"""Ours alone, so that no id made here is made for something else."""

ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  # inside the router's container


class Kind(StrEnum):
    """Which of them."""

    ROUTER = "Router"
    PROXY = "Proxy"
    HARDWARE = "Hal"
    BLUETOOTH = "Bluetooth"


ITEMS: dict[Kind, CatalogItemId] = {
    Kind.ROUTER: catalog_seeds.ROUTER,
    Kind.PROXY: catalog_seeds.PROXY,
    Kind.HARDWARE: catalog_seeds.HAL,
    Kind.BLUETOOTH: catalog_seeds.BLUETOOTH,
}


class SystemMicroservice(Struct, frozen=True, kw_only=True):
    """One of them, as its node should run it."""

    microservice_id: MicroserviceId
    kind: Kind
    name: str
    image: str
    config: str
    """JSON."""
    host_network: bool
    ports: list[int]
    """TCP, the same inside and outside."""


class Listener(Struct, frozen=True):
    """Where a router takes connections."""

    role: str
    host: str
    port: int


class Connector(Struct, frozen=True):
    """Where a router connects to."""

    name: str
    role: str
    host: str
    port: int


class RouterConfig(Struct, frozen=True, kw_only=True):
    """What a router's container reads."""

    mode: str
    id: str
    listeners: list[Listener]
    connectors: list[Connector] | UnsetType = UNSET


class NetworkRouter(Struct, frozen=True):
    """Where a proxy sends messages."""

    host: str
    port: int


class ProxyConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a proxy's container reads."""

    mappings: list[str]
    network_router: NetworkRouter | UnsetType = UNSET


def microservice_id(node_id: NodeId, kind: Kind) -> MicroserviceId:
    """Its id on that node: 32 hexadecimal digits."""
    return MicroserviceId(uuid5(NAMESPACE, f"{node_id}/{kind}").hex)


def of_node(world: World, node_id: NodeId) -> list[SystemMicroservice]:
    """All that the node should run of them; only what there is an image of for its platform."""
    row = world.nodes[node_id]
    platform = platform_of(row)
    found = []
    for kind, config, host_network, ports in _wanted(world, node_id):
        item = catalog_item(world, ITEMS[kind])
        image = "" if item is None else item.settings.images.get(platform, "")
        if image:
            found.append(
                SystemMicroservice(
                    microservice_id=microservice_id(node_id, kind),
                    kind=kind,
                    name=kind if kind is Kind.PROXY else f"{kind} for Fog {node_id}",
                    image=image,
                    config=config,
                    host_network=host_network,
                    ports=ports,
                )
            )
    return found


def _wanted(world: World, node_id: NodeId) -> Iterator[tuple[Kind, str, bool, list[int]]]:
    """Which of them, with configuration, whether on the host's network, and ports."""
    settings = world.nodes[node_id].settings
    router = settings.router
    if router is not None and router.mode is not RouterMode.NONE:
        config = _router_config(world, node_id, router)
        yield Kind.ROUTER, config, False, router_ports(router)
    mappings = proxy_mappings(world, node_id)
    if mappings:
        yield Kind.PROXY, _proxy_config(world, node_id, mappings), True, []
    if settings.agent.hardware_abstraction:
        yield Kind.HARDWARE, "{}", True, []
    if settings.agent.bluetooth:
        yield Kind.BLUETOOTH, "{}", True, []


def _router_config(world: World, node_id: NodeId, router: RouterSettings) -> str:
    edge = router.mode is RouterMode.EDGE
    listeners = [Listener("normal", ALL_ADDRESSES, router.messaging_port)]
    for role, port in (("inter-router", router.inter_router_port), ("edge", router.edge_port)):
        if not edge and port is not None:
            listeners.append(Listener(role, ALL_ADDRESSES, port))
    connectors = [
        connector
        for each in upstreams(world, node_id)
        if (connector := _connector(each, edge=edge)) is not None
    ]
    config = RouterConfig(
        mode=router.mode,
        id=node_id,
        listeners=listeners,
        connectors=connectors or UNSET,
    )
    return msgspec.json.encode(config).decode()


def _connector(upstream: Router, *, edge: bool) -> Connector | None:
    """None where the upstream takes no such connection: it became an edge router meanwhile."""
    port = upstream.edge_port if edge else upstream.inter_router_port
    if port is None:
        return None
    return Connector(
        name=upstream.node_id or DEFAULT_ROUTER,
        role="edge" if edge else "inter-router",
        host=upstream.host,
        port=port,
    )


def _proxy_config(world: World, node_id: NodeId, mappings: list[str]) -> str:
    router = network_router(world, node_id)
    config = ProxyConfig(
        mappings=mappings,
        network_router=UNSET
        if router is None
        else NetworkRouter(router.host, router.messaging_port),
    )
    return msgspec.json.encode(config).decode()
