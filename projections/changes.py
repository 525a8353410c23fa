"""What agents that poll for flags have not done yet: per node, which kind of thing changed when.

An ioFog agent asks now and then for flags, does what is up, and says up to which stamp it did. A
flag goes up with a stamp that is higher than all before of that node, and comes down only when
that stamp was acknowledged: whatever happens between an answer and its acknowledgement stays up.
A device that is provisioned takes some of it up by that.
Which event raises what is in reactions.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct, field

from events.application import MicroserviceDeleted, MicroserviceMoved
from events.envelope import EPOCH, Recorded
from events.ids import MicroserviceId, NodeId
from events.node import NodeChangesAcknowledged, NodeDeleted, NodeProvisioned, NodeRegistered
from projections import reactions
from projections.flags import Flag
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "changes", 1
EVENTS = reactions.EVENTS | NodeChangesAcknowledged
MILLISECOND = timedelta(milliseconds=1)


class ChangesRow(Struct, frozen=True, gc=False):
    """What a node's agent has not acknowledged. Stamps are ms since 1970, each its node's alone."""

    stamps: dict[Flag, int] = field(default_factory=dict)
    """By flag, when it went up last."""
    rebuilds: dict[MicroserviceId, int] = field(default_factory=dict)
    """Microservices whose containers are to be made anew, and since when."""
    acknowledged: int = 0
    """The last stamp that the agent did. 0: it never said."""


def table() -> Table[NodeId, ChangesRow]:
    """An empty table of changes."""
    return Table({})


def up(row: ChangesRow) -> frozenset[Flag]:
    """The flags that are up."""
    return frozenset(flag for flag, stamp in row.stamps.items() if stamp > row.acknowledged)


def to_rebuild(row: ChangesRow, microservice_id: MicroserviceId) -> bool:
    """Whether the microservice's container is to be made anew."""
    return row.rebuilds.get(microservice_id, 0) > row.acknowledged


def latest(row: ChangesRow) -> int:
    """The stamp that acknowledges all that is up; also when nothing is."""
    return max(
        row.acknowledged,
        max(row.stamps.values(), default=0),
        max(row.rebuilds.values(), default=0),
    )


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[NodeId, ChangesRow] | Drop[NodeId]]:
    """See view.py."""
    if isinstance(event, NodeChangesAcknowledged):
        row = world.changes.get(event.node_id)
        if row is not None:
            yield Put(event.node_id, _acknowledged(row, event.through))
        return
    gathered: dict[NodeId, set[Flag | MicroserviceId]] = {}
    for node_id, what in reactions.of(world, event):
        there = gathered.get(node_id)
        if there is None:
            gathered[node_id] = {what}
        else:
            there.add(what)
    time = -((EPOCH - recorded.time) // MILLISECOND)  # rounded up
    left = _left(event)
    for node_id, raised in gathered.items():
        row = world.changes.get(node_id)
        if row is None and isinstance(event, NodeRegistered) and event.node_id == node_id:
            row = ChangesRow()
        if row is None:
            continue  # named, and not there any more
        stamp = max(latest(row) + 1, time)
        stamps, rebuilds = row.stamps.copy(), row.rebuilds.copy()
        if isinstance(event, NodeProvisioned):
            # A new device's agent takes these up by itself.
            for flag in reactions.AT_PROVISIONING:
                stamps.pop(flag, None)
        # In one order for every controller: a row is written and summed as it stands.
        for what in sorted(raised):
            if isinstance(what, Flag):
                stamps[what] = stamp
            else:
                rebuilds[what] = stamp
        if left is not None and left[1] in (None, node_id):
            rebuilds.pop(left[0], None)
        yield Put(node_id, ChangesRow(stamps, rebuilds, row.acknowledged))
    if isinstance(event, NodeDeleted):
        yield Drop(event.node_id)


def _acknowledged(row: ChangesRow, through: int) -> ChangesRow:
    """Never beyond what there was to acknowledge, so that no later stamp is taken for done."""
    until = max(row.acknowledged, min(through, latest(row)))
    return ChangesRow(
        stamps={flag: stamp for flag, stamp in row.stamps.items() if stamp > until},
        rebuilds={key: stamp for key, stamp in row.rebuilds.items() if stamp > until},
        acknowledged=until,
    )


def _left(event: EVENTS) -> tuple[MicroserviceId, NodeId | None] | None:
    """The microservice that the event takes away from a node, and that node; None: from any."""
    match event:
        case MicroserviceDeleted():
            return event.microservice_id, None
        case MicroserviceMoved():
            return event.microservice_id, event.from_node_id
        case _:
            return None
