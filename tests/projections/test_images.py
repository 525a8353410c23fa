"""Which image runs where: one for all, one by platform, or the catalog's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.application import MicroserviceSpec, PullPolicy
from events.catalog import CatalogItemCreated, CatalogItemSettings
from events.ids import CatalogItemId, NodeId
from events.node import NodeFacts, NodeFactsReported, NodeRegistered, NodeSettings, Platform
from projections.images import ARCHITECTURES, image_for, platform, pull_for, registry_for
from projections.world import World
from tests.builders import EAST, HUB, registry, world_after

ITEM = CatalogItemId("item")
PLATFORMS = st.sampled_from([Platform.X86, Platform.ARM])
BY_PLATFORM = st.dictionaries(PLATFORMS.map(str), st.sampled_from(["a:1", "b:1"]), min_size=1)


def node(said: Platform = Platform.UNSPECIFIED, architecture: str = "") -> World:
    """A world with one node."""
    return world_after(
        NodeRegistered(node_id=EAST, name="east", settings=NodeSettings(platform=said)),
        NodeFactsReported(node_id=EAST, facts=NodeFacts(architecture=architecture)),
        registry(),
        CatalogItemCreated(
            catalog_item_id=ITEM,
            name="camera",
            settings=CatalogItemSettings(images={"arm": "camera:arm"}, registry_id=HUB),
        ),
    )


def runs(world: World, spec: MicroserviceSpec) -> str | None:
    return image_for(world, spec, world.nodes[NodeId(EAST)])


@given(st.sampled_from(list(Platform)), st.sampled_from([*ARCHITECTURES, "riscv64", ""]))
def test_a_single_image_runs_everywhere(said: Platform, architecture: str) -> None:
    assert runs(node(said, architecture), MicroserviceSpec(image="a:1")) == "a:1"


@given(PLATFORMS, BY_PLATFORM)
def test_the_image_of_the_platform_runs_and_no_other(
    said: Platform, images: dict[str, str]
) -> None:
    assert runs(node(said), MicroserviceSpec(images=images)) == images.get(said)


@given(BY_PLATFORM)
def test_where_nobody_knows_the_platform_nothing_is_guessed(images: dict[str, str]) -> None:
    assert runs(node(), MicroserviceSpec(images=images)) is None


@given(PLATFORMS, st.sampled_from(list(ARCHITECTURES)))
def test_operators_know_better_than_devices(said: Platform, architecture: str) -> None:
    facts = NodeFacts(architecture=architecture)
    assert platform(NodeSettings(platform=said), facts) is said
    assert platform(NodeSettings(), facts) is ARCHITECTURES[architecture]


@pytest.mark.parametrize(
    ("architecture", "image"),
    [("aarch64", "camera:arm"), ("ARM64", "camera:arm"), ("x86_64", None), ("riscv64", None)],
)
def test_an_items_image_runs_where_it_suits(architecture: str, image: str | None) -> None:
    world = node(architecture=architecture)
    assert runs(world, MicroserviceSpec(catalog_item_id=ITEM)) == image


def test_a_seeds_image_runs_too() -> None:
    spec = MicroserviceSpec(catalog_item_id=CatalogItemId("iofog-5"))
    assert runs(node(Platform.X86), spec) == "iofog/hello-web"


def test_an_item_brings_its_registry_and_its_pull_policy() -> None:
    made_of_it = MicroserviceSpec(catalog_item_id=ITEM, pull=PullPolicy.ALWAYS)
    world = node()
    assert registry_for(world, made_of_it) == HUB
    assert pull_for(world, made_of_it) is PullPolicy.ALWAYS
    cached = world_after(
        CatalogItemCreated(
            catalog_item_id=ITEM,
            name="camera",
            settings=CatalogItemSettings(images={"arm": "a:1"}, from_cache=True),
        )
    )
    assert registry_for(cached, made_of_it) is None
    assert pull_for(cached, made_of_it) is PullPolicy.NEVER
