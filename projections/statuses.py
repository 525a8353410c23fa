"""What agents last said of their containers. No row: nothing was heard since it was placed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from events.application import (
    ContainerReported,
    ContainerStatus,
    MicroserviceDeleted,
    MicroserviceMoved,
)
from events.envelope import Recorded
from events.ids import MicroserviceId
from events.node import NodeDeprovisioned, NodeProvisioned
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "statuses", 1
EVENTS = (
    ContainerReported
    | MicroserviceMoved
    | MicroserviceDeleted
    | NodeProvisioned
    | NodeDeprovisioned
)


def table() -> Table[MicroserviceId, ContainerStatus]:
    """An empty table of statuses."""
    return Table({})


def project(
    world: "World", event: EVENTS, _: Recorded
) -> Iterator[Put[MicroserviceId, ContainerStatus] | Drop[MicroserviceId]]:
    """See view.py."""
    match event:
        case ContainerReported():
            yield Put(event.microservice_id, event.status)
        case MicroserviceMoved() | MicroserviceDeleted():
            yield Drop(event.microservice_id)
        case NodeProvisioned() | NodeDeprovisioned():
            # What ran on the device before says nothing of what runs there from now on.
            for microservice_id in world.microservices.find("node", event.node_id):
                yield Drop(microservice_id)
        case _:
            assert_never(event)
