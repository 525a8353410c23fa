"""The catalog: what microservices may be made of, with the seeds that every network begins with.

Seeds are constants, not rows: `catalog_item` finds either. Who changes a seed puts a row over it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.catalog import (
    CatalogItemCreated,
    CatalogItemDeleted,
    CatalogItemEvents,
    CatalogItemSettings,
    CatalogItemUpdated,
)
from events.envelope import Recorded
from events.ids import CatalogItemId, RegistryId
from projections.catalog_seeds import PUBLISHER, SEEDED_AT, SEEDS
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "catalog", 1


class CatalogItemRow(Struct, frozen=True, kw_only=True, gc=False):
    """One item."""

    name: str
    settings: CatalogItemSettings
    number: int
    """The position of the event that made it; 1 to 17 for seeds."""
    created_by: str
    """Its actor, `user/<name>`; empty for seeds."""
    created_at: datetime
    updated_at: datetime


SEEDED: dict[CatalogItemId, CatalogItemRow] = {
    seed.catalog_item_id: CatalogItemRow(
        name=seed.name,
        settings=CatalogItemSettings(
            images=seed.images,
            description=seed.description,
            category=seed.category,
            publisher=PUBLISHER,
            picture=seed.picture,
            public=seed.public,
            config_example=seed.config_example,
        ),
        number=seed.number,
        created_by="",
        created_at=SEEDED_AT,
        updated_at=SEEDED_AT,
    )
    for seed in SEEDS
}
_SEEDED_NAMES = {row.name: key for key, row in SEEDED.items()}


def table() -> Table[CatalogItemId, CatalogItemRow]:
    """An empty table of items: without the seeds."""
    return Table(
        {
            "name": lambda row: (row.name,),
            "number": lambda row: (row.number,),
            "registry": lambda row: (row.settings.registry_id,) if row.settings.registry_id else (),
        }
    )


def catalog_item(world: "World", catalog_item_id: CatalogItemId) -> CatalogItemRow | None:
    """The item as it is, a seed or not; None where there is none."""
    return world.catalog.get(catalog_item_id) or SEEDED.get(catalog_item_id)


def catalog_item_named(world: "World", name: str) -> CatalogItemId | None:
    """The item of that name, a seed or not."""
    found = world.catalog.one("name", name)
    if found is not None:
        return found
    seed = _SEEDED_NAMES.get(name)
    return seed if seed is not None and seed not in world.catalog else None


def catalog_items(world: "World") -> dict[CatalogItemId, CatalogItemRow]:
    """All items: the seeds as they are by now, and the others, by number."""
    every = {**SEEDED, **dict(world.catalog.items())}
    return dict(sorted(every.items(), key=lambda item: item[1].number))


def project(
    world: "World", event: CatalogItemEvents, recorded: Recorded
) -> Iterator[Put[CatalogItemId, CatalogItemRow] | Drop[CatalogItemId]]:
    """See view.py."""
    key, time = event.catalog_item_id, recorded.time
    match event:
        case CatalogItemCreated():
            yield Put(
                key,
                CatalogItemRow(
                    name=event.name,
                    settings=event.settings,
                    number=recorded.position,
                    created_by=recorded.actor,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case CatalogItemUpdated():
            row = world.catalog.get(key) or SEEDED[key]
            yield Put(key, replace(row, name=event.name, settings=event.settings, updated_at=time))
        case CatalogItemDeleted():
            yield Drop(key)
        case _:
            assert_never(event)


def registry_users(world: "World", registry_id: RegistryId) -> Iterator[CatalogItemId]:
    """The items whose images come from that registry."""
    return world.catalog.find("registry", registry_id)
