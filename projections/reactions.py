"""Which event gives which agents something to do, as flags that they poll for. Pure.

Rather too often than too rarely: a flag makes an agent look again, and looking changes nothing.
Asked with the world before the event. Nodes that it names and that are not there any more may be
among the answers, as may one and the same flag twice.

What is made otherwise because of something that it names is in consequences.py, for the agents
that poll for flags as for those that wait; the rest is here and in microservice_reactions.py.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeGuard, assert_never, get_args

from events.application import ApplicationRenamed, ApplicationStarted, ApplicationStopped
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
from events.ids import NodeId
from events.network import DefaultRouterSet
from events.node import (
    DEFAULT_ROUTER,
    Instruction,
    NodeDeleted,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    TunnelClosed,
    TunnelOpened,
)
from projections import consequences, microservice_reactions
from projections.catalog_seeds import BLUETOOTH, HAL, PROXY, ROUTER
from projections.flags import MICROSERVICES, Flag, Reaction, on
from projections.microservice_reactions import centres

if TYPE_CHECKING:
    from projections.world import World

OWN_EVENTS = (
    NodeRegistered
    | NodeRenamed
    | NodeUpdated
    | NodeProvisioned
    | NodeInstructed
    | TunnelOpened
    | TunnelClosed
    | NodeDeleted
    | DefaultRouterSet
    | RegistryCreated
    | RegistryUpdated
    | RegistryDeleted
    | CatalogItemUpdated
    | CatalogItemDeleted
    | EdgeResourceUpdated
    | EdgeResourceLinked
    | EdgeResourceUnlinked
    | EdgeResourceDeleted
)
EVENTS = OWN_EVENTS | microservice_reactions.EVENTS | consequences.EVENTS

INSTRUCTED = {
    Instruction.REBOOT: Flag.REBOOT,
    Instruction.PRUNE: Flag.PRUNE,
    Instruction.UPGRADE: Flag.VERSION,
    Instruction.ROLLBACK: Flag.VERSION,
}
AT_FIRST = (Flag.CONFIG, *MICROSERVICES, Flag.REGISTRIES, Flag.LINKED_EDGE_RESOURCES)
"""What a device that becomes a node has to know, and may not have got when it was provisioned."""
AT_PROVISIONING = frozenset({Flag.ROUTING, Flag.ROUTER_CHANGED})
"""What a device that becomes a node takes up by itself. It must not be told again: the Java Agent
acknowledges nothing, and does nothing else, until it has reached the router that these are about,
which may be a microservice that it has yet to start."""
SYSTEM = (HAL, BLUETOOTH, ROUTER, PROXY)
"""Items that the system's own microservices are made of."""
NEIGHBOUR = (*MICROSERVICES, Flag.ROUTER_CHANGED)
GUEST = (*NEIGHBOUR, Flag.CONFIG)
"""Of a node that uses another's router: its address is in the settings that its agent asks for."""


def of(world: "World", event: EVENTS) -> Iterator[Reaction]:
    """What the event raises, and where."""
    if _is_own(event):
        yield from _of(world, event)
    if _is_of_microservice(event):
        yield from microservice_reactions.of(world, event)
    if _has_consequences(event):
        yield from _consequences(world, event)


_OWN = frozenset(get_args(OWN_EVENTS))
_OF_MICROSERVICES = frozenset(get_args(microservice_reactions.EVENTS))
_CONSEQUENTIAL = frozenset(get_args(consequences.EVENTS))
"""Asked for every event of a replay: looking through a union one by one would cost a fifth."""


def _is_own(event: EVENTS) -> TypeGuard[OWN_EVENTS]:
    return type(event) in _OWN


def _is_of_microservice(event: EVENTS) -> TypeGuard[microservice_reactions.EVENTS]:
    return type(event) in _OF_MICROSERVICES


def _has_consequences(event: EVENTS) -> TypeGuard[consequences.EVENTS]:
    return type(event) in _CONSEQUENTIAL


def _of(world: "World", event: OWN_EVENTS) -> Iterator[Reaction]:
    match event:
        case NodeRegistered():
            yield from on(event.node_id, Flag.CONFIG, *MICROSERVICES)
            yield from _routers(world, event.node_id, None, event.settings)
        case NodeRenamed():
            yield event.node_id, Flag.CONFIG
        case NodeUpdated():
            yield from _updated(world, event.node_id, event.settings)
        case NodeDeleted():
            yield from _routers(world, event.node_id, world.nodes[event.node_id].settings, None)
        case NodeProvisioned():
            yield from on(event.node_id, *AT_FIRST)
            yield from _going_on(world, event.node_id)
        case NodeInstructed():
            yield event.node_id, INSTRUCTED[event.instruction]
        case TunnelOpened() | TunnelClosed():
            yield event.node_id, Flag.TUNNEL
        case DefaultRouterSet():
            yield from _around(world, [DEFAULT_ROUTER])
        case RegistryCreated() | RegistryUpdated() | RegistryDeleted():
            # Those that poll know all registries; others hear of one when they need it.
            for node_id in _polling(world):
                yield node_id, Flag.REGISTRIES
        case CatalogItemUpdated() | CatalogItemDeleted():
            if event.catalog_item_id in SYSTEM:
                for node_id in _polling(world):
                    yield node_id, Flag.MICROSERVICE_LIST
        case EdgeResourceLinked() | EdgeResourceUnlinked():
            yield event.node_id, Flag.LINKED_EDGE_RESOURCES
        case EdgeResourceUpdated() | EdgeResourceDeleted():
            for node_id in world.edge_resources[event.edge_resource_id].node_ids:
                yield node_id, Flag.LINKED_EDGE_RESOURCES
        case _:
            assert_never(event)


def _polling(world: "World") -> Iterator[NodeId]:
    """The nodes whose agents have acknowledged anything: they poll. Looks at all, and seldom."""
    return (node_id for node_id, row in world.changes.items() if row.acknowledged)


def _consequences(world: "World", event: consequences.EVENTS) -> Iterator[Reaction]:
    """What names something that is otherwise now is made anew, unless only who may pull its image
    or whether it runs is otherwise."""
    keys = consequences.affected(world, event)
    if not keys:
        return
    same = isinstance(event, ApplicationStarted | ApplicationStopped | RegistryUpdated)
    registries = isinstance(event, RegistryUpdated | CatalogItemUpdated)
    for key in keys:
        row = world.microservices[key]
        yield row.node_id, Flag.MICROSERVICE_LIST
        if registries:
            yield row.node_id, Flag.REGISTRIES
        if same or (isinstance(event, ApplicationRenamed) and not row.spec.extra_hosts):
            continue  # the name of its application is nothing to a container
        yield row.node_id, key


def _updated(world: "World", node_id: NodeId, new: NodeSettings) -> Iterator[Reaction]:
    old = world.nodes[node_id].settings
    yield node_id, Flag.CONFIG
    yield from _routers(world, node_id, old, new)
    # Microservices of the system's own come and go with these, and have images by platform.
    own = (
        (each.platform, each.agent.bluetooth, each.agent.hardware_abstraction)
        for each in (old, new)
    )
    if len(set(own)) > 1:
        yield from on(node_id, *MICROSERVICES)


def _routers(
    world: "World", node_id: NodeId, old: NodeSettings | None, new: NodeSettings | None
) -> Iterator[Reaction]:
    """What follows for a node and those around it when its router becomes another."""
    settings = [each for each in (old, new) if each is not None]
    if (
        old is not None
        and new is not None
        and (old.router, old.host, old.system) == (new.router, new.host, new.system)
    ) or not any(each.router is not None or each.system for each in settings):
        return
    yield from on(node_id, *NEIGHBOUR)
    default = any(each.system for each in settings)
    yield from _around(world, [node_id, DEFAULT_ROUTER] if default else [node_id])


def _around(world: "World", names: Iterable[str]) -> Iterator[Reaction]:
    """Those that lead to one of these routers, which is another now."""
    for name in names:
        for node_id in world.nodes.find("upstream", name):
            yield from on(node_id, *NEIGHBOUR)
        for node_id in world.nodes.find("network_router", name):
            yield from on(node_id, *GUEST)
        for key in world.microservices.find("public_router", name):
            yield from on(world.microservices[key].node_id, *MICROSERVICES)
            yield from centres(world, world.microservices[key].spec)


def _going_on(world: "World", node_id: NodeId) -> Iterator[Reaction]:
    """What a device that becomes the node has to take up."""
    tunnel = world.nodes[node_id].tunnel
    if tunnel is not None and tunnel.open:
        yield node_id, Flag.TUNNEL
    if any(world.microservices[key].tracing for key in world.microservices.find("node", node_id)):
        yield node_id, Flag.DIAGNOSTICS
