"""What goes with a user: all that they created and is still there.

Each thing goes as if its own deletion had been asked for, on the world that the ones before
leave; if one of them is refused, nothing happens.
"""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from ecn.commands.application import DeleteApplication
from ecn.commands.catalog import DeleteCatalogItem, DeleteRegistry
from ecn.commands.edge_resource import DeleteEdgeResource
from ecn.commands.node import DeleteNode
from ecn.commands.template import DeleteTemplate
from ecn.commands.together import SingleCommand
from ecn.commands.volume import DeleteVolume
from ecn.deciders.ahead import ahead
from ecn.errors import NodesOnline
from events.envelope import KnownEvent
from projections.nodes import NodeState
from projections.view import Table
from projections.world import World

Decide = Callable[[World, SingleCommand], list[KnownEvent]]


class Created(Protocol):
    """A row that knows who created it."""

    @property
    def created_by(self) -> str:
        """The actor."""
        ...


K = TypeVar("K", bound=str)
R = TypeVar("R", bound=Created)


def everything(world: World, user: str, *, force: bool, decide: Decide) -> Iterator[KnownEvent]:
    """The deletion of all that the user created. decide: what decides single commands.

    Errors: NodesOnline, unless by force; RegistryInUse and the like where what others created
    uses it.
    """
    actor = f"user/{user}"
    online = sorted(
        world.nodes[key].name
        for key in _of(world.nodes, actor)
        if world.nodes[key].state is NodeState.ONLINE
    )
    if online and not force:
        raise NodesOnline(user, online)
    for deletion in list(_deletions(world, actor)):
        events = decide(world, deletion)
        yield from events
        world = ahead(world, events)


def _deletions(world: World, actor: str) -> Iterator[SingleCommand]:
    """What uses other things before those."""
    for application_id in _of(world.applications, actor):
        yield DeleteApplication(application_id=application_id)
    for node_id in _of(world.nodes, actor):
        yield DeleteNode(node_id=node_id, force=True)
    for template_id in _of(world.templates, actor):
        yield DeleteTemplate(template_id=template_id)
    for catalog_item_id in _of(world.catalog, actor):
        yield DeleteCatalogItem(catalog_item_id=catalog_item_id)
    for registry_id in _of(world.registries, actor):
        yield DeleteRegistry(registry_id=registry_id)
    for edge_resource_id in _of(world.edge_resources, actor):
        yield DeleteEdgeResource(edge_resource_id=edge_resource_id)
    for volume_id in _of(world.volumes, actor):
        yield DeleteVolume(volume_id=volume_id)


def _of(table: Table[K, R], actor: str) -> list[K]:
    return sorted(key for key, row in table.items() if row.created_by == actor)
