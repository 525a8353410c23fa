"""Withdrawn credentials: whose device a dead credential was, so that its agent can be told.

An agent whose node was deprovisioned or deleted still asks with the old credential. It is
answered 410 and removes its containers; an unknown credential is merely refused, since removing
anything on the word of somebody else's controller would be a way to empty a device.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from events.envelope import Recorded
from events.ids import NodeId
from events.node import NodeDeleted, NodeDeprovisioned, NodeEvents
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "withdrawn_credentials", 1


class WithdrawnRow(Struct, frozen=True, kw_only=True, gc=False):
    """A credential that once spoke for a node, by its hash."""

    node_id: NodeId


def table() -> Table[str, WithdrawnRow]:
    """An empty table of withdrawn credentials."""
    return Table({})


def project(
    world: "World", event: NodeEvents, _: Recorded
) -> Iterator[Put[str, WithdrawnRow] | Drop[str]]:
    """See view.py. A credential replaced by a new provisioning is just dead, not withdrawn:
    the containers on that device may already be the new agent's."""
    if not isinstance(event, NodeDeprovisioned | NodeDeleted):
        return
    credential = world.nodes[event.node_id].credential_hash
    if credential is not None:
        yield Put(credential, WithdrawnRow(node_id=event.node_id))
