"""How far each agent's numbered reports are in the log, so that none is taken twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from events.application import ContainerReported
from events.envelope import Recorded
from events.ids import NodeId
from events.node import InstructionCarriedOut, NodeDeleted, NodeProvisioned
from events.route import RouteDropped
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "reports", 1
EVENTS = (
    ContainerReported
    | TwinReportedChanged
    | TwinDesiredChanged
    | TwinEditOverruled
    | InstructionCarriedOut
    | RouteDropped
    | NodeProvisioned
    | NodeDeleted
)


def table() -> Table[NodeId, int]:
    """An empty table of sequence numbers."""
    return Table({})


def project(_: "World", event: EVENTS, __: Recorded) -> Iterator[Put[NodeId, int] | Drop[NodeId]]:
    """See view.py."""
    match event:
        case (
            ContainerReported()
            | TwinReportedChanged()
            | TwinEditOverruled()
            | InstructionCarriedOut()
            | RouteDropped()
        ):
            yield Put(event.node_id, event.sequence)
        case TwinDesiredChanged():
            if event.node_id is not None and event.sequence is not None:
                yield Put(event.node_id, event.sequence)
        case NodeProvisioned():
            # A device that is provisioned counts from 1 again.
            yield Put(event.node_id, 0)
        case NodeDeleted():
            yield Drop(event.node_id)
        case _:
            assert_never(event)
