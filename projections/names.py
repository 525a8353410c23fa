"""The last name of every subject there ever was, so that history speaks of what is gone by name."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from events.application import (
    ApplicationCreated,
    ApplicationRenamed,
    MicroserviceCreated,
    MicroserviceRenamed,
)
from events.catalog import CatalogItemCreated, CatalogItemUpdated, RegistryCreated
from events.edge_resource import EdgeResourceCreated, EdgeResourceUpdated
from events.envelope import Recorded
from events.ids import ApplicationId
from events.node import NodeRegistered, NodeRenamed
from events.route import RouteCreated, RouteUpdated
from events.template import TemplateCreated, TemplateUpdated
from events.user import UserCreated
from events.volume import VolumeCreated
from projections.view import Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "names", 2
EVENTS = (
    NodeRegistered
    | NodeRenamed
    | ApplicationCreated
    | ApplicationRenamed
    | MicroserviceCreated
    | MicroserviceRenamed
    | RegistryCreated
    | CatalogItemCreated
    | CatalogItemUpdated
    | RouteCreated
    | RouteUpdated
    | TemplateCreated
    | TemplateUpdated
    | EdgeResourceCreated
    | EdgeResourceUpdated
    | UserCreated
    | VolumeCreated
)


def table() -> Table[str, str]:
    """An empty table of names, keyed by subject."""
    return Table({})


def project(world: "World", event: EVENTS, recorded: Recorded) -> Iterator[Put[str, str]]:
    """See view.py. Grows with history, never shrinks: two short strings for each thing."""
    name = event.name
    match event:
        case MicroserviceCreated() | RouteCreated():
            name = f"{_application(world, event.application_id)}/{name}"
        case MicroserviceRenamed():
            row = world.microservices[event.microservice_id]
            name = f"{_application(world, row.application_id)}/{name}"
        case RouteUpdated():
            route = world.routes[event.route_id]
            name = f"{_application(world, route.application_id)}/{name}"
        case EdgeResourceCreated():
            name = f"{name}@{event.version}"
        case EdgeResourceUpdated():
            name = f"{name}@{world.edge_resources[event.edge_resource_id].version}"
        case ApplicationRenamed():
            # What is in it is called otherwise, too.
            for key in world.microservices.find("application", event.application_id):
                yield Put(f"microservice/{key}", f"{name}/{world.microservices[key].name}")
            for route_id in world.routes.find("application", event.application_id):
                yield Put(f"route/{route_id}", f"{name}/{world.routes[route_id].name}")
        case _:
            pass
    yield Put(recorded.subject, name)


def _application(world: "World", application_id: ApplicationId) -> str:
    return world.applications[application_id].name
