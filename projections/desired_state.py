"""Per node: what should run there, its revision, and the difference since an earlier one.

The desired state is a pure function of the world. The view here keeps, per node, the position of
the event that last changed it: what an agent's long-poll compares, and what says whom to wake.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from events.application import (
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.edge_resource import (
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.envelope import Recorded
from events.ids import MicroserviceId, NodeId, Position, VolumeId
from events.network import BrokerSet
from events.node import (
    InstructionCarriedOut,
    NodeDeleted,
    NodeDeprovisioned,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeSettings,
    NodeUpdated,
)
from events.route import RouteCreated, RouteDeleted, RouteUpdated
from events.twin import TwinDesiredChanged, TwinEditOverruled
from events.volume import VolumeCreated, VolumeDeleted, VolumeSettings, VolumeUpdated
from projections import consequences, node_routes
from projections.microservices import MicroserviceRow
from projections.view import Drop, Put, Table
from projections.volumes import VolumeRow, mounted_by

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "revisions", 4
OWN_EVENTS = (
    BrokerSet
    | NodeRegistered
    | NodeProvisioned
    | NodeDeprovisioned
    | NodeUpdated
    | NodeInstructed
    | InstructionCarriedOut
    | EdgeResourceUpdated
    | EdgeResourceLinked
    | EdgeResourceUnlinked
    | EdgeResourceDeleted
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | TwinDesiredChanged
    | TwinEditOverruled
    | VolumeCreated
    | VolumeUpdated
    | VolumeDeleted
    | RouteCreated
    | RouteUpdated
    | RouteDeleted
)
EVENTS = OWN_EVENTS | NodeDeleted | consequences.EVENTS


def table() -> Table[NodeId, Position]:
    """An empty table of revisions."""
    return Table({})


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[NodeId, Position] | Drop[NodeId]]:
    """See view.py."""
    gone = event.node_id if isinstance(event, NodeDeleted) else None
    if gone is not None:
        yield Drop(gone)
    for node_id in touched(world, event):
        if node_id != gone:
            yield Put(node_id, recorded.position)


def touched(world: "World", event: EVENTS) -> set[NodeId]:
    """The nodes whose agents have something to do because of the event, and no others."""
    nodes = set(_touched(world, event)) if isinstance(event, OWN_EVENTS) else set()
    if isinstance(event, node_routes.EVENTS):
        nodes |= node_routes.touched(world, event)
    if isinstance(event, consequences.EVENTS):
        for key in consequences.affected(world, event):
            nodes.add(world.microservices[key].node_id)
    return nodes


def _touched(world: "World", event: OWN_EVENTS) -> Iterator[NodeId]:
    """Those that the event is about.

    A changed credential is something to do: an agent that waits with the old one has to hear it.
    """
    match event:
        case (
            NodeRegistered()
            | NodeProvisioned()
            | NodeDeprovisioned()
            | NodeInstructed()
            | InstructionCarriedOut()
            | EdgeResourceLinked()
            | EdgeResourceUnlinked()
            | MicroserviceCreated()
        ):
            yield event.node_id
        case BrokerSet():
            yield from world.nodes
        case NodeUpdated():
            if _for_agent(event.settings) != _for_agent(world.nodes[event.node_id].settings):
                yield event.node_id
        case EdgeResourceUpdated() | EdgeResourceDeleted():
            yield from world.edge_resources[event.edge_resource_id].node_ids
        case MicroserviceMoved():
            yield event.from_node_id
            yield event.to_node_id
        case (
            MicroserviceUpdated()
            | MicroserviceRenamed()
            | MicroserviceRebuilt()
            | MicroserviceStarted()
            | MicroserviceStopped()
            | MicroserviceDeleted()
            | TwinDesiredChanged()
            | TwinEditOverruled()
        ):
            yield world.microservices[event.microservice_id].node_id
        case VolumeCreated():
            yield from event.settings.node_ids
        case VolumeUpdated():
            before = world.volumes[event.volume_id].settings
            yield from before.node_ids
            yield from event.settings.node_ids
            if _mounted(before) != _mounted(event.settings):
                for key in world.microservices.find("volume", event.volume_id):
                    yield world.microservices[key].node_id
        case VolumeDeleted():
            yield from world.volumes[event.volume_id].settings.node_ids
        case RouteCreated() | RouteUpdated() | RouteDeleted():
            pass  # see node_routes.py
        case _:
            assert_never(event)


def _mounted(settings: VolumeSettings) -> tuple[object, ...]:
    """What containers that mount a volume see of it."""
    return settings.files, settings.permissions


def _for_agent(settings: NodeSettings) -> tuple[object, ...]:
    """What an agent is told of its node's settings."""
    return settings.agent, settings.location, settings.latitude, settings.longitude


def revision(world: "World", node_id: NodeId) -> Position:
    """The revision of a node's desired state; 0 when there is no such node."""
    return world.revisions.get(node_id) or Position(0)


def wanted(world: "World", node_id: NodeId) -> dict[MicroserviceId, MicroserviceRow]:
    """All microservices that belong on the node, running or not."""
    return {key: world.microservices[key] for key in world.microservices.find("node", node_id)}


def volumes(world: "World", node_id: NodeId) -> dict[VolumeId, VolumeRow]:
    """All volumes that belong on the node: it is among theirs, or a microservice there mounts
    them."""
    keys = dict.fromkeys(world.volumes.find("node", node_id))
    for microservice in world.microservices.find("node", node_id):
        keys.update(dict.fromkeys(mounted_by(world.microservices[microservice].spec)))
    return {key: world.volumes[key] for key in keys if key in world.volumes}


def volumes_since(world: "World", node_id: NodeId, since: Position) -> dict[VolumeId, VolumeRow]:
    """Those of the node's that it may not have as they are, when what it has is of `since`."""
    fresh = {
        volume
        for key in world.microservices.find("node", node_id)
        if world.microservices[key].mounted > since
        for volume in mounted_by(world.microservices[key].spec)
    }
    return {
        key: row
        for key, row in volumes(world, node_id).items()
        if row.revision > since or key in fresh
    }


def should_run(world: "World", row: MicroserviceRow) -> bool:
    """Whether it is wanted to run, by itself and by its application."""
    return row.started and world.applications[row.application_id].started
