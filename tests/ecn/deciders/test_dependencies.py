"""Who waits for whom: names that lead somewhere, no circles, and what follows a change of them."""

import pytest
from hypothesis import given as given_
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands.application import (
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    RenameMicroservice,
)
from ecn.commands.node import DeleteNode
from ecn.deciders.dependencies import Waiting, check
from ecn.errors import DependedOn, Invalid, NotFound
from events.application import (
    Condition,
    Dependency,
    MicroserviceDeleted,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceUpdated,
)
from events.ids import MicroserviceId
from events.node import NodeDeleted
from tests.builders import (
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    manifest,
    microservice,
    placement,
    registered,
    spec,
)

BOTH = (registered(EAST), registered(WEST), application())


def after(*names: str, condition: Condition = Condition.STARTED) -> MicroserviceSpec:
    """Of one that waits for these."""
    waits = [Dependency(microservice=name, condition=condition) for name in names]
    return replace(spec(), depends_on=waits)


WAITING = (
    *BOTH,
    microservice("cache"),
    microservice("web", made_from=after("cache", condition=Condition.HEALTHY)),
)


def test_all_of_a_manifest_are_looked_at_together() -> None:
    asked = manifest(placement("web", made_from=after("cache")), placement("cache"))
    world = given(registered(EAST)).when(asked).then_world()
    assert world.microservices[WEB].spec.depends_on == [Dependency(microservice="cache")]


def test_a_name_that_nobody_has_is_not_found() -> None:
    asked = manifest(placement("cache"), placement("web", made_from=after("cache", "till")))
    refused = given(registered(EAST)).when(asked).raises(NotFound)
    assert "'shop/till'" in refused.detail
    assert refused.field == "$.microservices[1].depends_on[1].microservice"


def test_what_a_manifest_leaves_out_is_not_there_to_wait_for() -> None:
    asked = manifest(placement("web", made_from=after("cache")))
    given(*WAITING).when(asked).raises(NotFound)
    world = given(*WAITING).when(manifest(placement("web"))).then_world()
    assert CACHE not in world.microservices


def test_nobody_waits_for_itself() -> None:
    asked = manifest(placement("web", made_from=after("web")))
    assert "itself" in given(registered(EAST)).when(asked).raises(Invalid).detail


def test_a_circle_is_named() -> None:
    asked = manifest(
        placement("a", made_from=after("b")),
        placement("b", made_from=after("c")),
        placement("c", made_from=after("a")),
    )
    refused = given(registered(EAST)).when(asked).raises(Invalid)
    assert any(
        circle in refused.detail
        for circle in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    )
    assert refused.field.endswith("depends_on")


def test_a_circle_over_what_is_there_is_seen() -> None:
    there = given(*BOTH, microservice("web", made_from=after()), microservice("cache"))
    asked = CreateMicroservice(
        application_id=SHOP, placement=placement("till", made_from=after("nobody"))
    )
    there.when(asked).raises(NotFound)


def test_a_rename_is_followed() -> None:
    given(*WAITING).when(RenameMicroservice(microservice_id=CACHE, name="store")).then(
        MicroserviceRenamed(microservice_id=CACHE, name="store"),
        MicroserviceUpdated(microservice_id=WEB, spec=after("store", condition=Condition.HEALTHY)),
    )


def test_what_somebody_waits_for_is_not_deleted_alone() -> None:
    there = given(*WAITING)
    refused = there.when(DeleteMicroservice(microservice_id=CACHE)).raises(DependedOn)
    assert "shop/web" in refused.detail
    there.when(DeleteMicroservice(microservice_id=WEB)).then(
        MicroserviceDeleted(microservice_id=WEB)
    )


def test_an_application_goes_as_a_whole() -> None:
    world = given(*WAITING).when(DeleteApplication(application_id=SHOP)).then_world()
    assert not len(world.microservices)


def test_who_is_left_when_a_node_goes_waits_for_nothing_on_it() -> None:
    there = given(
        *BOTH,
        microservice("cache", node_id=WEST),
        microservice("db"),
        microservice("web", made_from=after("cache", "db")),
    )
    there.when(DeleteNode(node_id=WEST, force=True)).then(
        MicroserviceDeleted(microservice_id=CACHE),
        MicroserviceUpdated(microservice_id=WEB, spec=after("db")),
        NodeDeleted(node_id=WEST),
    )


def test_a_dependency_on_another_node_is_let_be() -> None:
    asked = manifest(placement("web", made_from=after("cache")), placement("cache", node="west"))
    world = given(registered(EAST), registered(WEST)).when(asked).then_world()
    assert world.microservices[MicroserviceId("microservice-cache")].node_id == WEST


names = st.sampled_from("abcdef")
graphs = st.dictionaries(names, st.lists(names, unique=True, max_size=3), min_size=1)


def ends(graph: dict[str, list[str]]) -> bool:
    """Written apart: whether everybody comes to an end along what is waited for."""
    left = {name: set(waits) for name, waits in graph.items()}
    while free := [name for name, waits in left.items() if not waits & set(left)]:
        for name in free:
            del left[name]
    return not left


@given_(graphs, st.integers(0, 6))
def test_just_what_ends_somewhere_and_has_no_circle_is_good(
    graph: dict[str, list[str]], cut: int
) -> None:
    # What is there already is good by itself: those that are placed come on top of it.
    old = {
        name: [each for each in waits if each < name] for name, waits in sorted(graph.items())[:cut]
    }
    old = {name: [each for each in waits if each in old] for name, waits in old.items()}
    new = dict(sorted(graph.items())[cut:])
    placed = [
        Waiting(name, [Dependency(microservice=each) for each in waits], f"$.{name}")
        for name, waits in new.items()
    ]
    whole = {**old, **new}
    known = all(each in whole for waits in new.values() for each in waits)
    if known and ends(whole):
        check("shop", placed, old)
    else:
        with pytest.raises((Invalid, NotFound)):
            check("shop", placed, old)
