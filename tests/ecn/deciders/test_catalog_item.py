"""Items of the catalog: one name each, kept while they are used, seeds among them."""

import pytest
from msgspec.structs import replace

from ecn.commands.application import CreateMicroservice
from ecn.commands.catalog import (
    ApplyCatalogItem,
    CreateCatalogItem,
    DeleteCatalogItem,
    DeleteRegistry,
    UpdateCatalogItem,
)
from ecn.errors import (
    CatalogItemInUse,
    ImagesFrozen,
    Invalid,
    NameTaken,
    NoImage,
    NotFound,
    RegistryInUse,
    RevisionMoved,
    SeedKept,
)
from events.application import ContainerState, MicroserviceSpec
from events.catalog import (
    CatalogItemCreated,
    CatalogItemDeleted,
    CatalogItemSettings,
    CatalogItemUpdated,
)
from events.envelope import KnownEvent
from events.ids import CatalogItemId, RegistryId
from events.node import NodeSettings, NodeUpdated, Platform
from projections.catalog import SEEDED, catalog_item, catalog_item_named, catalog_items
from projections.world import World
from tests.builders import (
    EAST,
    HUB,
    SHOP,
    WEB,
    application,
    given,
    microservice,
    placement,
    registered,
    registry,
    told,
)

CAMERA, DEMO = CatalogItemId("item-camera"), CatalogItemId("iofog-5")
BOTH = CatalogItemSettings(images={"x86": "camera:1", "arm": "camera:1-arm"})
MADE = CatalogItemCreated(catalog_item_id=CAMERA, name="camera", settings=BOTH)
OF_CAMERA = MicroserviceSpec(catalog_item_id=CAMERA)
USED: tuple[KnownEvent, ...] = (
    registered(),
    application(),
    MADE,
    microservice(made_from=OF_CAMERA),
)


def create(name: str = "camera", settings: CatalogItemSettings = BOTH) -> CreateCatalogItem:
    return CreateCatalogItem(catalog_item_id=CAMERA, name=name, settings=settings)


def update(
    settings: CatalogItemSettings,
    name: str = "camera",
    *,
    seen: CatalogItemSettings = BOTH,
    key: CatalogItemId = CAMERA,
) -> UpdateCatalogItem:
    return UpdateCatalogItem(catalog_item_id=key, name=name, settings=settings, seen=seen)


def test_one_is_made_changed_and_deleted() -> None:
    other = replace(BOTH, description="looks")
    made = given().when(create()).then(MADE)
    changed = made.when(update(other, "eye")).then(
        CatalogItemUpdated(catalog_item_id=CAMERA, name="eye", settings=other)
    )
    delete = DeleteCatalogItem(catalog_item_id=CAMERA)
    changed.when(delete).then(CatalogItemDeleted(catalog_item_id=CAMERA)).when(delete).then()


def test_applied_it_is_made_or_changed_by_its_name() -> None:
    apply = ApplyCatalogItem(catalog_item_id=CAMERA, name="camera", settings=BOTH)
    again = replace(
        apply, catalog_item_id=CatalogItemId("fresh"), settings=replace(BOTH, public=True)
    )
    given().when(apply).then(MADE).when(again).then(
        CatalogItemUpdated(catalog_item_id=CAMERA, name="camera", settings=again.settings)
    )


@pytest.mark.parametrize("name", ["camera", "Hello Web Demo"])
def test_names_are_unique_the_seeds_included(name: str) -> None:
    given(MADE).when(create(name)).raises(NameTaken)
    other = CatalogItemCreated(catalog_item_id=CatalogItemId("other"), name="other", settings=BOTH)
    given(MADE, other).when(update(BOTH, name, key=CatalogItemId("other"))).raises(NameTaken)


def test_a_renamed_seeds_name_is_free() -> None:
    renamed = CatalogItemUpdated(catalog_item_id=DEMO, name="Hello", settings=BOTH)
    given(renamed).when(create("Hello Web Demo")).then(replace(MADE, name="Hello Web Demo"))
    given(renamed).when(create("Hello")).raises(NameTaken)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"images": {}}, "$.images"),
        ({"images": {"mips": "camera:1"}}, "$.images"),
        ({"images": {"x86": ""}}, "$.images.x86"),
        ({"publisher": "Eclipse ioFog"}, "$.publisher"),
        ({"disk_required": -1}, "$.disk_required"),
        ({"registry_id": RegistryId("nobody")}, "$.registry"),
        ({"registry_id": HUB, "from_cache": True}, "$.registry"),
        ({"description": "a\x00b"}, "$.description"),
    ],
)
def test_its_settings_keep_the_rules(bad: dict[str, object], field: str) -> None:
    refused = given(registry()).when(create(settings=replace(BOTH, **bad)))
    kind = NotFound if bad.get("registry_id") == "nobody" else Invalid
    assert refused.raises(kind).field == field


def test_a_change_of_what_changed_in_between_is_refused() -> None:
    given(MADE).when(update(BOTH, seen=replace(BOTH, public=True))).raises(RevisionMoved)


def test_what_is_used_is_not_deleted() -> None:
    refused = given(*USED).when(DeleteCatalogItem(catalog_item_id=CAMERA)).raises(CatalogItemInUse)
    assert refused.microservices == ["shop/web"]


def test_images_stay_while_they_run() -> None:
    newer = replace(BOTH, images={"x86": "camera:2", "arm": "camera:2-arm"})
    changed = CatalogItemUpdated(catalog_item_id=CAMERA, name="camera", settings=newer)
    given(*USED).when(update(newer)).then(changed)
    given(*USED, told(1)).when(update(newer)).raises(ImagesFrozen)
    given(*USED, told(1, state=ContainerState.STOPPED)).when(update(newer)).then(changed)
    given(*USED, told(1)).when(update(replace(BOTH, public=True))).then_world()


def test_a_seed_is_changed_and_never_deleted() -> None:
    seed = SEEDED[DEMO]
    settings = replace(seed.settings, images={"x86": "hello:1"})
    after = given().when(update(settings, seed.name, seen=seed.settings, key=DEMO))
    world = after.then(CatalogItemUpdated(catalog_item_id=DEMO, name=seed.name, settings=settings))
    row = catalog_item(world.world, DEMO)
    assert row is not None
    assert (row.number, row.settings) == (5, settings)
    world.when(DeleteCatalogItem(catalog_item_id=DEMO)).raises(SeedKept)
    given().when(DeleteCatalogItem(catalog_item_id=DEMO)).raises(SeedKept)


def test_seeds_are_numbered_from_one_to_seventeen() -> None:
    assert [row.number for row in catalog_items(World()).values()] == list(range(1, 18))
    assert all(key == f"iofog-{row.number}" for key, row in SEEDED.items())
    assert catalog_item_named(World(), "Router") == "iofog-15"


def test_a_registry_stays_while_an_item_names_it() -> None:
    pulled = CatalogItemCreated(
        catalog_item_id=CAMERA, name="camera", settings=replace(BOTH, registry_id=HUB)
    )
    refused = given(registry(), pulled).when(DeleteRegistry(registry_id=HUB)).raises(RegistryInUse)
    assert "catalog item 'camera'" in str(refused)


@pytest.mark.parametrize("ref", ["camera", CAMERA, DEMO, "Hello Web Demo"])
def test_a_microservice_names_it_by_name_or_id(ref: str) -> None:
    made_from = MicroserviceSpec(catalog_item_id=CatalogItemId(ref))
    world = (
        given(registered(), application(), MADE, registry())
        .when(
            CreateMicroservice(
                application_id=SHOP, placement=placement(made_from=made_from, registry="hub")
            )
        )
        .then_world()
    )
    spec = world.microservices[WEB].spec
    assert spec.catalog_item_id in {CAMERA, DEMO}
    assert spec.registry_id is None, "the item says where its images come from"


def test_a_microservice_names_one_that_is_there() -> None:
    made_from = MicroserviceSpec(catalog_item_id=CatalogItemId("nobody"))
    wanted = CreateMicroservice(application_id=SHOP, placement=placement(made_from=made_from))
    assert given(registered(), application()).when(wanted).raises(NotFound).field == (
        "$.catalog_item"
    )


def test_an_item_without_an_image_for_the_platform_is_refused() -> None:
    arm_only = CatalogItemCreated(
        catalog_item_id=CAMERA, name="camera", settings=CatalogItemSettings(images={"arm": "c:1"})
    )
    x86 = NodeUpdated(node_id=EAST, settings=NodeSettings(platform=Platform.X86))
    wanted = CreateMicroservice(application_id=SHOP, placement=placement(made_from=OF_CAMERA))
    given(registered(), application(), arm_only, x86).when(wanted).raises(NoImage)
    given(registered(), application(), arm_only).when(wanted).then_world()
