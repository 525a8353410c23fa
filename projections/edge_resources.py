"""Edge resources as they are, each version by itself, and the nodes that are linked to them.

A resource's tags are given to its nodes by the link alone: `tags_of` derives them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceDeleted,
    EdgeResourceEvents,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.envelope import Recorded
from events.ids import EdgeResourceId, NodeId
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "edge_resources", 1


class EdgeResourceRow(Struct, frozen=True, kw_only=True, gc=False):
    """One version of one edge resource."""

    name: str
    version: str
    settings: EdgeResourceSettings
    node_ids: list[NodeId]
    """The nodes linked to it, in the order of their linking."""
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
    created_at: datetime
    updated_at: datetime


def table() -> Table[EdgeResourceId, EdgeResourceRow]:
    """An empty table of edge resources."""
    return Table(
        {
            "name": lambda row: (row.name,),
            "name_version": lambda row: ((row.name, row.version),),
            "node": lambda row: tuple(row.node_ids),
        }
    )


def linked(world: "World", node_id: NodeId) -> dict[EdgeResourceId, EdgeResourceRow]:
    """The resources that the node is linked to, the oldest first."""
    found = {key: world.edge_resources[key] for key in world.edge_resources.find("node", node_id)}
    return dict(sorted(found.items(), key=lambda item: item[1].number))


def tags_of(world: "World", node_id: NodeId) -> list[str]:
    """The tags that the node has from its links, each once."""
    tags = (tag for row in linked(world, node_id).values() for tag in row.settings.tags)
    return list(dict.fromkeys(tags))


def project(
    world: "World", event: EdgeResourceEvents, recorded: Recorded
) -> Iterator[Put[EdgeResourceId, EdgeResourceRow] | Drop[EdgeResourceId]]:
    """See view.py."""
    time = recorded.time
    key = event.edge_resource_id
    if isinstance(event, EdgeResourceCreated):
        yield Put(
            key,
            EdgeResourceRow(
                name=event.name,
                version=event.version,
                settings=event.settings,
                node_ids=[],
                number=recorded.position,
                created_by=recorded.actor,
                created_at=time,
                updated_at=time,
            ),
        )
        return
    row = world.edge_resources[key]
    match event:
        case EdgeResourceUpdated():
            yield Put(key, replace(row, name=event.name, settings=event.settings, updated_at=time))
        case EdgeResourceLinked():
            yield Put(key, replace(row, node_ids=[*row.node_ids, event.node_id]))
        case EdgeResourceUnlinked():
            yield Put(key, replace(row, node_ids=_without(row.node_ids, event.node_id)))
        case EdgeResourceDeleted():
            yield Drop(key)
        case _:
            assert_never(event)


def _without(node_ids: list[NodeId], node_id: NodeId) -> list[NodeId]:
    return [each for each in node_ids if each != node_id]
