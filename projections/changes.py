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
from msgspec.structs import replace

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


class ChangesRow(Struct, frozen=True, kw_only=True, gc=False):
    """What a node's agent has not acknowledged. Stamps are ms since 1970, each its node's alone."""

    stamps: dict[Flag, int] = field(default_factory=dict)
    """By flag, when it went up last."""
    rebuilds: dict[MicroserviceId, int] = field(default_factory=dict)
    """Microservices whose containers are to be made anew, and since when."""
    acknowledged: int = 0
    """The last stamp that the agent did. 0: it never said."""


def table() -> Table[NodeId, ChangesRow]:
    """An empty table of changes."""
    return Table({"polls": lambda row: (True,) if row.acknowledged else ()})


def up(row: ChangesRow) -> frozenset[Flag]:
    """The flags that are up."""
    return frozenset(flag for flag, stamp in row.stamps.items() if stamp > row.acknowledged)


def to_rebuild(row: ChangesRow, microservice_id: MicroserviceId) -> bool:
    """Whether the microservice's container is to be made anew."""
    return row.rebuilds.get(microservice_id, 0) > row.acknowledged


def latest(row: ChangesRow) -> int:
    """The stamp that acknowledges all that is up; also when nothing is."""
    return max(row.acknowledged, *row.stamps.values(), *row.rebuilds.values(), 0)


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[NodeId, ChangesRow] | Drop[NodeId]]:
    """See view.py."""
    if isinstance(event, NodeChangesAcknowledged):
        row = world.changes.get(event.node_id)
        if row is not None:
            yield Put(event.node_id, _acknowledged(row, event.through))
        return
    gathered: dict[NodeId, tuple[set[Flag], set[MicroserviceId]]] = {}
    for node_id, what in reactions.of(world, event):
        flags, rebuilds = gathered.setdefault(node_id, (set(), set()))
        if isinstance(what, Flag):
            flags.add(what)
        else:
            rebuilds.add(what)
    time = -((EPOCH - recorded.time) // MILLISECOND)  # rounded up
    for node_id, (flags, rebuilds) in gathered.items():
        row = world.changes.get(node_id)
        if row is None and isinstance(event, NodeRegistered) and event.node_id == node_id:
            row = ChangesRow()
        if row is None:
            continue  # named, and not there any more
        stamp = max(latest(row) + 1, time)
        taken_up = reactions.AT_PROVISIONING if isinstance(event, NodeProvisioned) else ()
        old = {flag: row.stamps[flag] for flag in row.stamps if flag not in taken_up}
        # In one order for every controller: a row is written and summed as it stands.
        stamps = {**old, **dict.fromkeys(sorted(flags), stamp)}
        kept = {key: row.rebuilds[key] for key in row.rebuilds if not _gone(event, node_id, key)}
        again = {**kept, **dict.fromkeys(sorted(rebuilds), stamp)}
        yield Put(node_id, replace(row, stamps=stamps, rebuilds=again))
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


def _gone(event: object, node_id: NodeId, key: MicroserviceId) -> bool:
    """Whether the event takes the microservice away from the node."""
    match event:
        case MicroserviceDeleted():
            return event.microservice_id == key
        case MicroserviceMoved():
            return event.microservice_id == key and event.from_node_id == node_id
        case _:
            return False
