"""What is decided about items of the catalog, the seeds included."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.catalog import (
    ApplyCatalogItem,
    CreateCatalogItem,
    DeleteCatalogItem,
    UpdateCatalogItem,
)
from ecn.deciders import find, rules
from ecn.errors import (
    CatalogItemInUse,
    ImagesFrozen,
    Invalid,
    NameTaken,
    NotFound,
    RevisionMoved,
    SeedKept,
)
from events.application import ContainerState
from events.catalog import (
    CatalogItemCreated,
    CatalogItemDeleted,
    CatalogItemSettings,
    CatalogItemUpdated,
)
from events.envelope import KnownEvent
from events.ids import CatalogItemId, MicroserviceId
from projections.catalog import SEEDED, CatalogItemRow, catalog_item, catalog_item_named
from projections.catalog_seeds import PUBLISHER
from projections.world import World

CatalogItemCommand = CreateCatalogItem | ApplyCatalogItem | UpdateCatalogItem | DeleteCatalogItem


def decide(world: World, command: CatalogItemCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case CreateCatalogItem():
            _check(world, command.name, command.settings, None)
            _free(world, command.name)
            yield _created(command)
        case ApplyCatalogItem():
            present = catalog_item_named(world, command.name)
            if present is None:
                _check(world, command.name, command.settings, None)
                yield _created(command)
            else:
                yield from _become(world, present, command.name, command.settings)
        case UpdateCatalogItem():
            row = catalog_item(world, command.catalog_item_id)
            if row is None:
                raise NotFound("catalog-item", command.catalog_item_id)
            if row.settings != command.seen:
                raise RevisionMoved("catalog-item", row.name)
            if command.name != row.name:
                _free(world, command.name)
            yield from _become(world, command.catalog_item_id, command.name, command.settings)
        case DeleteCatalogItem():
            row = catalog_item(world, command.catalog_item_id)
            if row is None:
                return  # a retried delete has already succeeded
            if command.catalog_item_id in SEEDED:
                raise SeedKept(row.name)
            users = _users(world, command.catalog_item_id, running=False)
            if users:
                raise CatalogItemInUse(row.name, users)
            yield CatalogItemDeleted(catalog_item_id=command.catalog_item_id)
        case _:
            assert_never(command)


def _created(command: CreateCatalogItem | ApplyCatalogItem) -> CatalogItemCreated:
    return CatalogItemCreated(
        catalog_item_id=command.catalog_item_id, name=command.name, settings=command.settings
    )


def _become(
    world: World, key: CatalogItemId, name: str, settings: CatalogItemSettings
) -> Iterator[KnownEvent]:
    row = catalog_item(world, key)
    if row is None or (row.name, row.settings) == (name, settings):
        return
    _check(world, name, settings, row)
    if settings.images != row.settings.images:
        users = _users(world, key, running=True)
        if users:
            raise ImagesFrozen(row.name, users)
    yield CatalogItemUpdated(catalog_item_id=key, name=name, settings=settings)


def _users(world: World, key: CatalogItemId, *, running: bool) -> list[str]:
    """The microservices that are made of it, or those of them that run."""
    return sorted(
        find.microservice_name(world, each)
        for each in world.microservices.find("catalog_item", key)
        if not running or _runs(world, each)
    )


def _runs(world: World, key: MicroserviceId) -> bool:
    status = world.statuses.get(key)
    return status is not None and status.state is ContainerState.RUNNING


def _free(world: World, name: str) -> None:
    if catalog_item_named(world, name) is not None:
        raise NameTaken("catalog-item", name)


def _check(
    world: World, name: str, settings: CatalogItemSettings, present: CatalogItemRow | None
) -> None:
    rules.title(name)
    if not settings.images:
        raise Invalid("names no image", field="$.images")
    rules.item_images(settings.images, field="$.images")
    for part in ("description", "category", "publisher", "picture"):
        rules.text(getattr(settings, part), field=f"$.{part}")
    if settings.publisher == PUBLISHER and (
        present is None or present.settings.publisher != PUBLISHER
    ):
        raise Invalid(f"publisher {PUBLISHER!r} is kept for what is its own", field="$.publisher")
    for part in ("disk_required", "ram_required"):
        if not 0 <= getattr(settings, part) < 1 << 53:
            raise Invalid("is below 0, or absurd", field=f"$.{part}")
    if len(settings.config_example) > rules.LONGEST_CONFIG or "\x00" in settings.config_example:
        raise Invalid("is too long, or has a NUL character", field="$.config_example")
    for part in ("input", "output"):
        kind = getattr(settings, part)
        if kind is not None:
            rules.text(kind.kind, field=f"$.{part}.kind")
            rules.text(kind.format, field=f"$.{part}.format")
    if settings.registry_id is not None:
        if settings.from_cache:
            raise Invalid("is either pulled from a registry or never", field="$.registry")
        find.registry(world, settings.registry_id, field="$.registry")
