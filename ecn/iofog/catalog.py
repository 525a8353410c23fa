"""Items of the catalog as ioFog's clients write and see them. Pure.

Items of the category SYSTEM are parts of the network itself: nobody sees them here.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from ecn.errors import NotFound
from ecn.iofog import refusals
from ecn.iofog.fields import NonEmpty
from ecn.iofog.nodes import PLATFORMS
from ecn.iofog.numbers import of_a_row, on_the_wire
from ecn.iofog.registries import FROM_CACHE, registry_id, registry_number
from events.catalog import CatalogItemSettings, DataType
from events.ids import CatalogItemId
from projections.catalog import CatalogItemRow, catalog_item, catalog_items
from projections.catalog_seeds import PUBLISHER, SEEDS, SYSTEM, seed_id
from projections.world import World

TYPES = (1, 2)
"""Of device, that an item has images for."""


class Image(Struct, frozen=True, kw_only=True, rename="camel"):
    """An image for a type of device."""

    container_image: str
    fog_type_id: Annotated[int, Meta(ge=1, le=2)]


class InfoType(Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes in or comes out."""

    info_type: str = ""
    info_format: str = ""


class CreateItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """An item to be made."""

    name: NonEmpty
    registry_id: int
    images: Annotated[list[Image], Meta(min_length=1, max_length=2)]
    description: str = ""
    category: str = ""
    publisher: str = ""
    disk_required: int = 0
    ram_required: int = 0
    picture: str = "images/shared/default.png"
    is_public: bool = False
    config_example: str = "{}"
    input_type: InfoType | None = None
    output_type: InfoType | None = None


class UpdateItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent stays, an image of the other type of device too."""

    name: NonEmpty | UnsetType = UNSET
    registry_id: int | UnsetType = UNSET
    images: Annotated[list[Image], Meta(max_length=2)] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    publisher: str | UnsetType = UNSET
    disk_required: int | UnsetType = UNSET
    ram_required: int | UnsetType = UNSET
    picture: str | UnsetType = UNSET
    is_public: bool | UnsetType = UNSET
    config_example: str | UnsetType = UNSET
    input_type: InfoType | UnsetType | None = UNSET
    output_type: InfoType | UnsetType | None = UNSET


class ShownImage(Struct, frozen=True, kw_only=True, rename="camel"):
    """An image for a type of device, if there is one."""

    container_image: str | None
    fog_type_id: int


class Item(Struct, frozen=True, kw_only=True, rename="camel"):
    """An item."""

    disk_required: int
    ram_required: int
    id: int
    name: str
    description: str
    category: str | None
    config_example: str | None
    publisher: str | None
    picture: str | None
    is_public: bool
    registry_id: int
    images: list[ShownImage]
    input_type: InfoType | None
    output_type: InfoType | None


class Items(Struct, frozen=True, rename="camel"):
    """All of them, by number."""

    catalog_items: list[Item]


def items(world: World) -> Items:
    """All that is not the network's own."""
    rows = catalog_items(world).values()
    return Items([item(world, row) for row in rows if row.settings.category != SYSTEM])


def item(world: World, row: CatalogItemRow) -> Item:
    """One item."""
    settings = row.settings
    return Item(
        disk_required=settings.disk_required,
        ram_required=settings.ram_required,
        id=number(row),
        name=row.name,
        description=settings.description,
        category=settings.category or None,
        config_example=settings.config_example or None,
        publisher=settings.publisher or None,
        picture=settings.picture or None,
        is_public=settings.public,
        registry_id=registry_number(world, settings.registry_id, from_cache=settings.from_cache),
        images=[
            ShownImage(container_image=settings.images.get(PLATFORMS[each]), fog_type_id=each)
            for each in TYPES
        ],
        input_type=_shown(settings.input),
        output_type=_shown(settings.output),
    )


def number(row: CatalogItemRow) -> int:
    """An item's number: what every catalog begins with has its own."""
    return row.number if row.created_by == "" else on_the_wire(row.number)


def item_id(world: World, wire: int, *, field: str = "") -> CatalogItemId:
    """The item of that number, also one of the network's own.

    field: where the number stands in the body, if it does. Errors: NotFound.
    """
    if 1 <= wire <= len(SEEDS):
        return seed_id(wire)
    own = of_a_row(wire)
    found = None if own is None else world.catalog.one("number", own)
    if found is None:
        raise NotFound("catalog-item", str(wire), field=field)
    return found


def seen_item(world: World, wire: int, *, field: str = "") -> tuple[CatalogItemId, CatalogItemRow]:
    """An item that users see. field: as in item_id. Errors: NotFound."""
    key = item_id(world, wire, field=field)
    row = catalog_item(world, key)
    if row is None or row.settings.category == SYSTEM:
        raise NotFound("catalog-item", str(wire), field=field)
    return key, row


def is_seed(key: CatalogItemId) -> bool:
    """Whether every catalog begins with it."""
    return any(seed.catalog_item_id == key for seed in SEEDS)


def created(world: World, said: CreateItem) -> CatalogItemSettings:
    """What is to be made. Errors: Refusal, NotFound."""
    _check_publisher(said.publisher)
    return CatalogItemSettings(
        images=_images(said.images),
        registry_id=registry_id(world, said.registry_id, field="$.registryId"),
        from_cache=said.registry_id == FROM_CACHE,
        description=said.description,
        category=said.category,
        publisher=said.publisher,
        picture=said.picture,
        disk_required=said.disk_required,
        ram_required=said.ram_required,
        public=said.is_public,
        config_example=said.config_example,
        input=_data_type(said.input_type),
        output=_data_type(said.output_type),
    )


def updated(world: World, said: UpdateItem, old: CatalogItemSettings) -> CatalogItemSettings:
    """What it is to become. Errors: Refusal, NotFound."""
    new = old
    if said.registry_id is not UNSET:
        registry = registry_id(world, said.registry_id, field="$.registryId")
        new = replace(new, registry_id=registry, from_cache=said.registry_id == FROM_CACHE)
    if said.images is not UNSET:
        new = replace(new, images={**old.images, **_images(said.images)})
    if said.publisher is not UNSET and said.publisher != old.publisher:
        _check_publisher(said.publisher)
    if said.input_type is not UNSET and said.input_type is not None:
        new = replace(new, input=_data_type(said.input_type))
    if said.output_type is not UNSET and said.output_type is not None:
        new = replace(new, output=_data_type(said.output_type))
    plain = {
        "description": said.description,
        "category": said.category,
        "publisher": said.publisher,
        "picture": said.picture,
        "disk_required": said.disk_required,
        "ram_required": said.ram_required,
        "public": said.is_public,
        "config_example": said.config_example,
    }
    return replace(new, **{key: value for key, value in plain.items() if value is not UNSET})


def _check_publisher(publisher: str) -> None:
    if publisher == PUBLISHER:
        raise refusals.invalid(f"'{PUBLISHER}' can't be the publisher of an item of yours")


def _images(said: list[Image]) -> dict[str, str]:
    """By platform; an empty image is none."""
    return {
        str(PLATFORMS[each.fog_type_id]): each.container_image
        for each in said
        if each.container_image
    }


def _data_type(said: InfoType | None) -> DataType | None:
    return None if said is None else DataType(kind=said.info_type, format=said.info_format)


def _shown(said: DataType | None) -> InfoType | None:
    return None if said is None else InfoType(info_type=said.kind, info_format=said.format)
