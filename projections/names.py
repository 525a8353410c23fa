"""The last name of every subject there ever was, so that history speaks of what is gone by name."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from events.application import ApplicationCreated, MicroserviceCreated
from events.catalog import RegistryCreated
from events.envelope import Recorded
from events.node import NodeRegistered, NodeRenamed
from events.user import UserCreated
from events.volume import VolumeCreated
from projections.view import Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "names", 1
EVENTS = (
    NodeRegistered
    | NodeRenamed
    | ApplicationCreated
    | MicroserviceCreated
    | RegistryCreated
    | UserCreated
    | VolumeCreated
)


def table() -> Table[str, str]:
    """An empty table of names, keyed by subject."""
    return Table({})


def project(world: "World", event: EVENTS, recorded: Recorded) -> Iterator[Put[str, str]]:
    """See view.py. Grows with history, never shrinks: two short strings for each thing."""
    name = event.name
    if isinstance(event, MicroserviceCreated):
        name = f"{world.applications[event.application_id].name}/{name}"
    yield Put(recorded.subject, name)
