"""What is decided about registries; about the catalog's items see catalog_item.py."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.catalog import (
    ApplyCatalogItem,
    ApplyRegistry,
    CatalogCommand,
    CreateCatalogItem,
    DeleteCatalogItem,
    DeleteRegistry,
    RestoreRegistry,
    UpdateCatalogItem,
)
from ecn.deciders import catalog_item, find, rules
from ecn.errors import Invalid, RegistryInUse
from events.catalog import RegistryCreated, RegistryDeleted, RegistrySettings, RegistryUpdated
from events.envelope import KnownEvent
from events.ids import RegistryId
from projections.world import World

LONGEST_CERTIFICATE = 64 * 1024


def decide(world: World, command: CatalogCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case ApplyRegistry():
            yield from _apply(world, command)
        case RestoreRegistry():
            yield from _become(world, command.registry_id, command.name, command.settings)
        case DeleteRegistry():
            row = world.registries.get(command.registry_id)
            if row is None:
                return  # a retried delete has already succeeded
            users = sorted(
                find.microservice_name(world, key)
                for key in world.microservices.find("registry", command.registry_id)
            ) + sorted(
                f"catalog item {world.catalog[key].name!r}"
                for key in world.catalog.find("registry", command.registry_id)
            )
            if users:
                raise RegistryInUse(row.name, users)
            yield RegistryDeleted(registry_id=command.registry_id)
        case CreateCatalogItem() | ApplyCatalogItem() | UpdateCatalogItem() | DeleteCatalogItem():
            yield from catalog_item.decide(world, command)
        case _:
            assert_never(command)


def _apply(world: World, command: ApplyRegistry) -> Iterator[KnownEvent]:
    rules.name(command.name)
    rules.registry_url(command.url)
    rules.text(command.username, field="$.username")
    registry_id = world.registries.one("name", command.name)
    present = world.registries[registry_id].settings.password if registry_id is not None else None
    rules.text(command.email, field="$.email")
    if len(command.certificate) > LONGEST_CERTIFICATE or "\x00" in command.certificate:
        raise Invalid("is too long, or has a NUL character", field="$.certificate")
    if command.requires_certificate and not command.certificate:
        raise Invalid("is required, and missing", field="$.certificate")
    settings = RegistrySettings(
        url=command.url,
        username=command.username,
        password=command.password or present,
        email=command.email,
        public=command.public,
        secure=command.secure,
        certificate=command.certificate,
        requires_certificate=command.requires_certificate,
    )
    yield from _become(world, command.registry_id, command.name, settings)


def _become(
    world: World, for_a_new_one: RegistryId, name: str, settings: RegistrySettings
) -> Iterator[KnownEvent]:
    registry_id = world.registries.one("name", name)
    if registry_id is None:
        yield RegistryCreated(registry_id=for_a_new_one, name=name, settings=settings)
    elif settings != world.registries[registry_id].settings:
        yield RegistryUpdated(registry_id=registry_id, settings=settings)
