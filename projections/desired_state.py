"""Per node: what should run there, its revision, and the difference since an earlier one.

The desired state is a pure function of the world. The view here keeps, per node, the position of
the event that last changed it: what an agent's long-poll compares, and what says whom to wake.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from events.application import (
    ApplicationStarted,
    ApplicationStopped,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.catalog import RegistryUpdated
from events.envelope import Recorded
from events.ids import MicroserviceId, NodeId, Position
from events.node import (
    NodeDeleted,
    NodeDeprovisioned,
    NodeProvisioned,
    NodeRegistered,
)
from projections.microservices import MicroserviceRow
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "revisions", 1
EVENTS = (
    NodeRegistered
    | NodeProvisioned
    | NodeDeprovisioned
    | NodeDeleted
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | ApplicationStarted
    | ApplicationStopped
    | RegistryUpdated
)


def table() -> Table[NodeId, Position]:
    """An empty table of revisions."""
    return Table({})


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[NodeId, Position] | Drop[NodeId]]:
    """See view.py."""
    if isinstance(event, NodeDeleted):
        yield Drop(event.node_id)
        return
    for node_id in set(_touched(world, event)):
        yield Put(node_id, recorded.position)


def _touched(world: "World", event: EVENTS) -> Iterator[NodeId]:
    """The nodes whose agents have something to do because of the event, and no others.

    A changed credential is something to do: an agent that waits with the old one has to hear it.
    """
    match event:
        case (
            NodeRegistered()
            | NodeProvisioned()
            | NodeDeprovisioned()
            | NodeDeleted()
            | MicroserviceCreated()
        ):
            yield event.node_id
        case MicroserviceMoved():
            yield event.from_node_id
            yield event.to_node_id
        case (
            MicroserviceUpdated()
            | MicroserviceStarted()
            | MicroserviceStopped()
            | MicroserviceDeleted()
        ):
            yield world.microservices[event.microservice_id].node_id
        case ApplicationStarted() | ApplicationStopped():
            for key in world.microservices.find("application", event.application_id):
                row = world.microservices[key]
                if row.started:
                    yield row.node_id
        case RegistryUpdated():
            for key in world.microservices.find("registry", event.registry_id):
                yield world.microservices[key].node_id
        case _:
            assert_never(event)


def revision(world: "World", node_id: NodeId) -> Position:
    """The revision of a node's desired state; 0 when there is no such node."""
    return world.revisions.get(node_id) or Position(0)


def wanted(world: "World", node_id: NodeId) -> dict[MicroserviceId, MicroserviceRow]:
    """All microservices that belong on the node, running or not."""
    return {key: world.microservices[key] for key in world.microservices.find("node", node_id)}


def should_run(world: "World", row: MicroserviceRow) -> bool:
    """Whether it is wanted to run, by itself and by its application."""
    return row.started and world.applications[row.application_id].started
