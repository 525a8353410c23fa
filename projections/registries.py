"""Registries as they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.catalog import (
    RegistryCreated,
    RegistryDeleted,
    RegistryEvents,
    RegistrySettings,
    RegistryUpdated,
)
from events.envelope import Recorded
from events.ids import RegistryId
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "registries", 2


class RegistryRow(Struct, frozen=True, kw_only=True, gc=False):
    """One registry."""

    name: str
    settings: RegistrySettings
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
    created_at: datetime
    updated_at: datetime


def table() -> Table[RegistryId, RegistryRow]:
    """An empty table of registries."""
    return Table({"name": lambda row: (row.name,), "number": lambda row: (row.number,)})


def project(
    world: "World", event: RegistryEvents, recorded: Recorded
) -> Iterator[Put[RegistryId, RegistryRow] | Drop[RegistryId]]:
    """See view.py."""
    time = recorded.time
    match event:
        case RegistryCreated():
            yield Put(
                event.registry_id,
                RegistryRow(
                    name=event.name,
                    settings=event.settings,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case RegistryUpdated():
            row = world.registries[event.registry_id]
            yield Put(event.registry_id, replace(row, settings=event.settings, updated_at=time))
        case RegistryDeleted():
            yield Drop(event.registry_id)
        case _:
            assert_never(event)
