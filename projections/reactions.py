"""Which event gives which agents something to do, as flags that they poll for. Pure.

Rather too often than too rarely: a flag makes an agent look again, and looking changes nothing.
Asked with the world before the event. Nodes that it names and that are not there any more may be
among the answers, as may one and the same flag twice.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from events.application import (
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    SnapshotRequested,
    TracingSwitched,
)
from events.catalog import (
    CatalogItemDeleted,
    CatalogItemUpdated,
    RegistryCreated,
    RegistryDeleted,
    RegistryUpdated,
)
from events.edge_resource import (
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.ids import MicroserviceId, NodeId
from events.network import DefaultRouterSet
from events.node import (
    DEFAULT_ROUTER,
    Instruction,
    NodeDeleted,
    NodeFactsReported,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    TunnelClosed,
    TunnelOpened,
)
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteUpdated
from projections.microservices import MicroserviceRow
from projections.routers import public_host

if TYPE_CHECKING:
    from projections.world import World


class Flag(StrEnum):
    """What an agent may have to look at. Named as its agents name them."""

    CONFIG = "config"
    """The node's own settings."""
    VERSION = "version"
    """It is told to upgrade itself, or to go back."""
    REBOOT = "reboot"
    DELETE_NODE = "deleteNode"
    """Never up: an agent without a node is told otherwise."""
    MICROSERVICE_LIST = "microserviceList"
    """Which microservices there are, and what their containers are made from."""
    MICROSERVICE_CONFIG = "microserviceConfig"
    """What microservices are told while they run."""
    ROUTING = "routing"
    REGISTRIES = "registries"
    TUNNEL = "tunnel"
    DIAGNOSTICS = "diagnostics"
    IMAGE_SNAPSHOT = "isImageSnapshot"
    PRUNE = "prune"
    ROUTER_CHANGED = "routerChanged"
    LINKED_EDGE_RESOURCES = "linkedEdgeResources"


EVENTS = (
    NodeRegistered
    | NodeRenamed
    | NodeUpdated
    | NodeProvisioned
    | NodeFactsReported
    | NodeInstructed
    | TunnelOpened
    | TunnelClosed
    | NodeDeleted
    | DefaultRouterSet
    | ApplicationRenamed
    | ApplicationStarted
    | ApplicationStopped
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | RegistryCreated
    | RegistryUpdated
    | RegistryDeleted
    | CatalogItemUpdated
    | CatalogItemDeleted
    | RouteCreated
    | RouteUpdated
    | RouteDeleted
    | EdgeResourceUpdated
    | EdgeResourceLinked
    | EdgeResourceUnlinked
    | EdgeResourceDeleted
)

Reaction = tuple[NodeId, Flag | MicroserviceId]
"""A flag of a node, or a microservice there whose container is to be made anew."""

INSTRUCTED = {
    Instruction.REBOOT: Flag.REBOOT,
    Instruction.PRUNE: Flag.PRUNE,
    Instruction.UPGRADE: Flag.VERSION,
    Instruction.ROLLBACK: Flag.VERSION,
}
AT_FIRST = (
    Flag.CONFIG,
    Flag.MICROSERVICE_LIST,
    Flag.MICROSERVICE_CONFIG,
    Flag.ROUTING,
    Flag.REGISTRIES,
    Flag.LINKED_EDGE_RESOURCES,
    Flag.ROUTER_CHANGED,
)
"""All that a device that becomes a node has to know."""
MICROSERVICES = (Flag.MICROSERVICE_LIST, Flag.MICROSERVICE_CONFIG)
ROUTER = (*MICROSERVICES, Flag.ROUTER_CHANGED)
GUEST = (*ROUTER, Flag.CONFIG)
"""Of a node that uses another's router: its address is in the settings that its agent asks for."""
OWN_ITEMS = "iofog-"
"""How the ids of items begin that no event made: routers and proxies are made of some."""


def of(world: "World", event: EVENTS) -> Iterator[Reaction]:
    """What the event raises, and where."""
    match event:
        case NodeRegistered() | NodeRenamed() | NodeUpdated() | NodeDeleted():
            yield from _of_node(world, event)
        case NodeProvisioned():
            yield from _on(event.node_id, *AT_FIRST)
            yield from _going_on(world, event.node_id)
        case NodeFactsReported():
            row = world.nodes[event.node_id]
            if row.facts.architecture != event.facts.architecture:
                yield from _images(world, event.node_id)
        case NodeInstructed():
            yield event.node_id, INSTRUCTED[event.instruction]
        case TunnelOpened() | TunnelClosed():
            yield event.node_id, Flag.TUNNEL
        case DefaultRouterSet():
            yield from _around(world, {DEFAULT_ROUTER})
        case RegistryCreated() | RegistryUpdated() | RegistryDeleted():
            # Those that poll ask for all registries; others hear of one when they need it.
            for node_id in world.changes.find("polls", True):
                yield node_id, Flag.REGISTRIES
            for key in world.microservices.find("registry", event.registry_id):
                yield from _on(
                    world.microservices[key].node_id, Flag.REGISTRIES, Flag.MICROSERVICE_LIST
                )
        case CatalogItemUpdated() | CatalogItemDeleted():
            if event.catalog_item_id.startswith(OWN_ITEMS):
                for node_id in world.changes.find("polls", True):
                    yield node_id, Flag.MICROSERVICE_LIST
            for key in world.microservices.find("catalog_item", event.catalog_item_id):
                node_id = world.microservices[key].node_id
                yield from _on(node_id, Flag.REGISTRIES, Flag.MICROSERVICE_LIST, key)
        case RouteCreated() | RouteUpdated() | RouteDeleted():
            before = world.routes.get(event.route_id)
            if before is not None:
                yield from _ends(world, before.ends)
            if not isinstance(event, RouteDeleted):
                yield from _ends(world, event.ends)
        case EdgeResourceLinked() | EdgeResourceUnlinked():
            yield event.node_id, Flag.LINKED_EDGE_RESOURCES
        case EdgeResourceUpdated() | EdgeResourceDeleted():
            for node_id in world.edge_resources[event.edge_resource_id].node_ids:
                yield node_id, Flag.LINKED_EDGE_RESOURCES
        case ApplicationRenamed():
            members = list(world.microservices.find("application", event.application_id))
            for key in members:
                old = _names(world, key)
                yield from _naming(world, [old, (event.name, old[-1])])
        case ApplicationStarted() | ApplicationStopped():
            for key in world.microservices.find("application", event.application_id):
                member = world.microservices[key]
                yield from _on(member.node_id, *MICROSERVICES, Flag.ROUTING)
                yield from _centres(world, member.spec)
        case _:
            yield from _of_microservice(world, event)


def _on(node_id: NodeId, *what: Flag | MicroserviceId) -> Iterator[Reaction]:
    for each in what:
        yield node_id, each


def _of_node(
    world: "World", event: NodeRegistered | NodeRenamed | NodeUpdated | NodeDeleted
) -> Iterator[Reaction]:
    node_id = event.node_id
    match event:
        case NodeRegistered():
            yield from _on(node_id, Flag.CONFIG, *MICROSERVICES)
            yield from _routers(world, node_id, None, event.settings)
            yield from _naming(world, [(event.name,)])
        case NodeRenamed():
            yield node_id, Flag.CONFIG
            yield from _naming(world, [(world.nodes[node_id].name,), (event.name,)])
        case NodeUpdated():
            old, new = world.nodes[node_id].settings, event.settings
            yield node_id, Flag.CONFIG
            yield from _routers(world, node_id, old, new)
            if old.host != new.host:
                yield from _naming(
                    world, [(world.nodes[node_id].name,), *_residents(world, node_id)]
                )
            if old.platform != new.platform:
                yield from _images(world, node_id)
            own = "bluetooth", "hardware_abstraction"
            if any(getattr(old.agent, each) != getattr(new.agent, each) for each in own):
                yield from _on(node_id, *MICROSERVICES)
        case NodeDeleted():
            yield from _routers(world, node_id, world.nodes[node_id].settings, None)
            yield from _naming(world, [(world.nodes[node_id].name,)])
        case _:
            assert_never(event)


def _routers(
    world: "World", node_id: NodeId, old: NodeSettings | None, new: NodeSettings | None
) -> Iterator[Reaction]:
    """What follows for a node and those around it when its router becomes another."""
    was, is_ = (
        None if each is None else (each.router, each.host, each.system) for each in (old, new)
    )
    settings = [each for each in (old, new) if each is not None]
    if was == is_ or not any(each.router is not None or each.system for each in settings):
        return
    yield from _on(node_id, *ROUTER)
    default = any(each.system for each in settings)
    yield from _around(world, {node_id, DEFAULT_ROUTER} if default else {node_id})


def _around(world: "World", names: Iterable[str]) -> Iterator[Reaction]:
    """Those that lead to one of these routers, which is another now."""
    for name in names:
        for node_id in world.nodes.find("upstream", name):
            yield from _on(node_id, *ROUTER)
        for node_id in world.nodes.find("network_router", name):
            yield from _on(node_id, *GUEST)
        keys = list(world.microservices.find("public_router", name))
        for key in keys:
            row = world.microservices[key]
            yield from _on(row.node_id, *MICROSERVICES)
            yield from _centres(world, row.spec)
        yield from _naming(world, (_names(world, key) for key in keys))


def _going_on(world: "World", node_id: NodeId) -> Iterator[Reaction]:
    """What a device that becomes the node has to take up."""
    tunnel = world.nodes[node_id].tunnel
    if tunnel is not None and tunnel.open:
        yield node_id, Flag.TUNNEL
    for key in world.microservices.find("node", node_id):
        row = world.microservices[key]
        if row.tracing:
            yield node_id, Flag.DIAGNOSTICS
        if row.snapshot is not None:
            yield node_id, Flag.IMAGE_SNAPSHOT


def _images(world: "World", node_id: NodeId) -> Iterator[Reaction]:
    """The node is of another platform: what is there for every platform is made anew."""
    yield node_id, Flag.MICROSERVICE_LIST
    for key in world.microservices.find("node", node_id):
        spec = world.microservices[key].spec
        if spec.images or spec.catalog_item_id is not None:
            yield node_id, key


def _ends(world: "World", ends: RouteEnds) -> Iterator[Reaction]:
    for key in (ends.source, ends.destination):
        row = world.microservices.get(key)
        if row is not None:
            yield from _on(row.node_id, *MICROSERVICES, Flag.ROUTING, key)


def _of_microservice(
    world: "World",
    event: MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted,
) -> Iterator[Reaction]:
    key = event.microservice_id
    if isinstance(event, MicroserviceCreated):
        yield from _on(event.node_id, *MICROSERVICES, *_registries(event.spec))
        yield from _centres(world, event.spec)
        application = world.applications.get(event.application_id)
        if application is not None:
            yield from _naming(world, [(application.name, event.name)])
        return
    row = world.microservices[key]
    node_id = row.node_id
    match event:
        case MicroserviceUpdated():
            yield from _updated(world, key, row, event.spec)
        case MicroserviceRenamed():
            yield node_id, Flag.MICROSERVICE_LIST
            names = _names(world, key)
            yield from _naming(world, [names, (*names[:-1], event.name)])
        case MicroserviceRebuilt():
            yield from _on(node_id, Flag.MICROSERVICE_LIST, key)
        case TracingSwitched():
            yield node_id, Flag.DIAGNOSTICS
        case SnapshotRequested():
            yield node_id, Flag.IMAGE_SNAPSHOT
        case MicroserviceMoved():
            yield from _on(event.from_node_id, *MICROSERVICES, Flag.ROUTING, Flag.DIAGNOSTICS)
            yield from _on(event.to_node_id, *MICROSERVICES, Flag.ROUTING, *_registries(row.spec))
            if row.tracing:
                yield event.to_node_id, Flag.DIAGNOSTICS
            yield from _centres(world, row.spec)
            yield from _naming(world, [_names(world, key)])
        case MicroserviceStarted() | MicroserviceStopped():
            yield from _on(node_id, *MICROSERVICES)
            yield from _centres(world, row.spec)
        case MicroserviceDeleted():
            yield from _on(node_id, *MICROSERVICES, Flag.ROUTING)
            yield from _centres(world, row.spec)
            yield from _naming(world, [_names(world, key)])
        case _:
            assert_never(event)


def _updated(
    world: "World", key: MicroserviceId, row: MicroserviceRow, spec: MicroserviceSpec
) -> Iterator[Reaction]:
    old, node_id = row.spec, row.node_id
    parts = [part for part in spec.__struct_fields__ if getattr(old, part) != getattr(spec, part)]
    if "config" in parts:
        yield node_id, Flag.MICROSERVICE_CONFIG
    if parts != ["config"]:
        # All but its configuration is in how a container is made.
        yield from _on(node_id, Flag.MICROSERVICE_LIST, key)
    if "registry_id" in parts or "catalog_item_id" in parts:
        yield node_id, Flag.REGISTRIES
    if "ports" in parts:
        yield node_id, Flag.MICROSERVICE_CONFIG
        yield from _centres(world, old)
        yield from _centres(world, spec)
        yield from _naming(world, [_names(world, key)])


def _registries(spec: MicroserviceSpec) -> tuple[Flag, ...]:
    named = spec.registry_id is not None or spec.catalog_item_id is not None
    return (Flag.REGISTRIES,) if named else ()


def _centres(world: "World", spec: MicroserviceSpec) -> Iterator[Reaction]:
    """Where the public ports of a microservice open: the proxies there carry them."""
    for port in spec.ports:
        host = None if port.public is None else public_host(world, port.public.router)
        if host is not None and host[0] is not None:
            yield from _on(host[0], *MICROSERVICES)


def _names(world: "World", key: MicroserviceId) -> tuple[str, ...]:
    """Of the application and the microservice, as templates name them."""
    row = world.microservices[key]
    application = world.applications.get(row.application_id)
    return (row.name,) if application is None else (application.name, row.name)


def _residents(world: "World", node_id: NodeId) -> Iterator[tuple[str, ...]]:
    for key in world.microservices.find("node", node_id):
        yield _names(world, key)


def _naming(world: "World", things: Iterable[tuple[str, ...]]) -> Iterator[Reaction]:
    """Microservices with extra hosts that name one of these things, which is elsewhere now.

    Whoever names something that is merely called alike is told too.
    """
    templates = list(world.microservices.values("host_template"))
    if not templates:
        return
    for names in things:
        for template in templates:
            if all(name in str(template) for name in names):
                for key in world.microservices.find("host_template", template):
                    yield from _on(world.microservices[key].node_id, Flag.MICROSERVICE_LIST, key)
