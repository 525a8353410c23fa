"""References: an id, or the name that people use."""

from collections.abc import Callable

import pytest

from ecn.deciders import find
from ecn.errors import NotFound
from events.ids import NodeId
from events.node import NodeRenamed
from projections.world import World
from tests.builders import (
    ANNA,
    EAST,
    HUB,
    SHOP,
    WEB,
    WEST,
    application,
    microservice,
    registered,
    registry,
    user,
    world_after,
)

WORLD = world_after(
    registered(), registered(WEST), registry(), user(), application(), microservice()
)
FINDERS: list[tuple[Callable[[World, str], str], str, str, str]] = [
    (find.node, "node", EAST, "east"),
    (find.application, "application", SHOP, "shop"),
    (find.microservice, "microservice", WEB, "shop/web"),
    (find.registry, "registry", HUB, "hub"),
    (find.user, "user", ANNA, "anna"),
]


@pytest.mark.parametrize(("finder", "kind", "key", "name"), FINDERS)
def test_a_thing_is_found_by_id_and_by_name(
    finder: Callable[[World, str], str], kind: str, key: str, name: str
) -> None:
    assert finder(WORLD, key) == finder(WORLD, name) == key
    with pytest.raises(NotFound) as refused:
        finder(WORLD, "no/such")
    assert refused.value.kind in (kind, "application")
    assert refused.value.next_step.startswith("List what there is: ecn get ")


def test_the_next_step_names_the_things_in_the_plural() -> None:
    assert NotFound("registry", "x").next_step.endswith("ecn get registries")
    assert NotFound("node", "x").next_step.endswith("ecn get nodes")


def test_a_microservice_is_not_found_by_its_bare_name() -> None:
    with pytest.raises(NotFound):
        find.microservice(WORLD, "web")
    with pytest.raises(NotFound):
        find.microservice(WORLD, "shop/cache")


def test_a_microservice_is_found_by_its_applications_id_too() -> None:
    assert find.microservice(WORLD, f"{SHOP}/web") == WEB


def test_an_id_is_tried_before_a_name() -> None:
    """Somebody named a node like another one's id: the id still means the other one."""
    world = world_after(registered(), registered(WEST), NodeRenamed(node_id=WEST, name=EAST))
    assert find.node(world, EAST) == EAST
    assert find.node(world, NodeId(WEST)) == WEST


def test_a_microservice_is_called_by_its_applications_name() -> None:
    assert find.microservice_name(WORLD, WEB) == "shop/web"
