"""A revert leaves things as they were, all or none, and twice is once."""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec import structs

from ecn.commands.together import (
    ApplicationStanding,
    CatalogItemStanding,
    MicroserviceStanding,
    Standing,
    Subject,
)
from ecn.deciders.decide import decide
from ecn.deciders.standing import KINDS, standing
from ecn.errors import (
    Invalid,
    NameTaken,
    NotFound,
    NotRestorable,
    PortTaken,
    Refused,
    RevisionMoved,
)
from ecn.planning.restoring import Then
from ecn.planning.revert import Revert, revert, subject
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationRenamed,
    ApplicationStopped,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceUpdated,
)
from events.catalog import (
    RegistryCreated,
    RegistryDeleted,
    RegistrySettings,
    RegistryUpdated,
    SealedSecret,
)
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId, RouteId
from events.node import NodeDeleted, NodeRegistered, NodeRenamed, NodeSettings
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteUpdated
from projections.catalog import catalog_item
from projections.things import subject_of, table_of
from projections.world import World, fold
from tests.builders import (
    BANK,
    CACHE,
    EAST,
    HUB,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    key_issued,
    microservice,
    provisioned,
    registered,
    registry,
    spec,
    user,
    world_after,
)
from tests.ecn.deciders.histories import histories

often = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Case(NamedTuple):
    """Two worlds of one history, and what is to be restored."""

    now: World
    then: World
    subjects: list[Subject]
    lost: frozenset[str]


def all_subjects(world: World) -> set[Subject]:
    """Of everything in it."""
    texts = [subject_of(kind, str(key)) for kind in KINDS for key in table_of(world, kind)]
    return {subject(world, world, each) for each in texts}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    history = draw(histories(longest=25))
    then = history.steps[draw(st.integers(6, len(history.steps) - 1))].world
    there = sorted(
        all_subjects(then) | all_subjects(history.world), key=lambda each: (each.kind, each.key)
    )
    subjects = there if draw(st.booleans()) else draw(st.lists(st.sampled_from(there), min_size=1))
    lost = draw(st.sets(st.sampled_from("abc"), max_size=1))
    return Case(history.world, then, subjects, frozenset(lost))


def reverted(case: Case) -> Revert:
    return revert(case.now, Then(case.then, case.lost), case.subjects)


def after(world: World, events: list[KnownEvent]) -> World:
    return fold(world, chained(world.head, *events, now=world.head.time))


def by_name(world: World, of: Standing | None) -> object:
    """It, with what it refers to by name: another of that name is as good."""
    match of:
        case ApplicationStanding():
            members = {name: by_name(world, each) for name, each in of.microservices.items()}
            rest = (of.name, of.description, of.labels, of.started, of.system, of.routes)
            return rest, members
        case MicroserviceStanding(spec=spec_):
            return of.name, of.started, spec_by_name(world, spec_)
        case CatalogItemStanding(settings=item):
            registry_id = item.registry_id
            named = world.registries[registry_id].name if registry_id else None
            return of.name, named, structs.replace(item, registry_id=None)
    return of


def spec_by_name(world: World, of: MicroserviceSpec) -> object:
    registry_id, item_id = of.registry_id, of.catalog_item_id
    registry_name = world.registries[registry_id].name if registry_id else None
    item = catalog_item(world, item_id) if item_id else None
    rest = structs.replace(of, registry_id=None, catalog_item_id=None)
    return registry_name, item and item.name, rest


def nodes_of(world: World, of: Standing | None) -> list[set[str]]:
    """The nodes of microservices, by id and by name."""
    members = list(of.microservices.values()) if isinstance(of, ApplicationStanding) else [of]
    return [
        {each.node_id, world.nodes[each.node_id].name}
        for each in members
        if isinstance(each, MicroserviceStanding)
    ]


@often
@given(cases())
def test_what_is_not_refused_is_then_as_it_was(case: Case) -> None:
    result = reverted(case)
    refused = [each for each in result.decided if each.refused is not None]
    decided = decide(case.now, result.command)
    assert decided == [each for done in result.decided for each in done.events]
    world = after(case.now, decided)
    restored = {part.about for part in result.command.parts}
    event(f"refused {bool(refused)}, events {bool(decided)}")
    for each in case.subjects:
        name = case.now.names.get(f"{each.kind}/{each.key}") or each.key
        if f"{each.kind}/{name}" not in restored:
            continue
        was, is_ = standing(case.then, each), standing(world, each)
        assert by_name(world, is_) == by_name(case.then, was)
        for one, other in zip(nodes_of(case.then, was), nodes_of(world, is_), strict=True):
            assert one & other


@often
@given(cases())
def test_reverting_twice_does_nothing_the_second_time(case: Case) -> None:
    result = reverted(case)
    world = after(case.now, decide(case.now, result.command))
    done = {part.about for part in result.command.parts}
    again = revert(world, Then(case.then, case.lost), case.subjects)
    assert not [each for each in again.decided if each.about in done and each.events]


@often
@given(cases())
def test_every_subject_is_restored_or_refused_with_a_next_step(case: Case) -> None:
    result = reverted(case)
    assert len(result.decided) == len(set(case.subjects))
    for each in result.decided:
        assert each.refused is None or each.refused.next_step
    for word, count in Counter(type(each.refused).__name__ for each in result.decided).items():
        event(f"{word}: {min(count, 1)}")


@often
@given(cases())
def test_to_where_it_is_nothing_is_to_be_done(case: Case) -> None:
    result = revert(case.now, Then(case.now), case.subjects)
    assert all(not each.events and each.refused is None for each in result.decided)


# --- examples ---------------------------------------------------------------------------------

BEFORE: list[KnownEvent] = [
    registered(),
    registered(WEST),
    registry(),
    application(),
    microservice("web", 8080),
]
THERE = RouteId("route-there")
ENDS = RouteEnds(source=WEB, destination=CACHE)
OLD, NEW = (SealedSecret(secret_id=each, ciphertext=b"sealed") for each in ("old", "new"))


def route(name: str) -> RouteCreated:
    return RouteCreated(route_id=THERE, application_id=SHOP, name=name, ends=ENDS)


def restoring(
    *since: KnownEvent,
    of: str = "application/shop",
    before: list[KnownEvent] | None = None,
    lost: str = "",
) -> Revert:
    """What brings it back to before these events."""
    began = BEFORE if before is None else before
    then, now = world_after(*began), world_after(*began, *since)
    wanted = [subject(now, then, each) for each in of.split()]
    return revert(now, Then(then, frozenset([lost])), wanted)


def events_of(result: Revert) -> list[KnownEvent]:
    """All of them, none refused."""
    assert [each.refused for each in result.decided if each.refused] == []
    return [event for each in result.decided for event in each.events]


def refusal_of(result: Revert) -> Refused:
    """The only one."""
    [refused] = [each.refused for each in result.decided if each.refused is not None]
    return refused


def test_a_changed_microservice_gets_its_old_description() -> None:
    since = MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2"))
    [event_] = events_of(restoring(since, of="microservice/shop/web"))
    assert event_ == MicroserviceUpdated(microservice_id=WEB, spec=spec(8080))


def test_a_deleted_application_comes_back_under_its_old_ids() -> None:
    since: list[KnownEvent] = [
        MicroserviceDeleted(microservice_id=WEB),
        ApplicationDeleted(application_id=SHOP),
    ]
    assert events_of(restoring(*since)) == [application(), microservice("web", 8080)]


def test_a_stopped_application_is_stopped_again() -> None:
    stopped = [*BEFORE, ApplicationStopped(application_id=SHOP)]
    since: list[KnownEvent] = [
        MicroserviceDeleted(microservice_id=WEB),
        ApplicationDeleted(application_id=SHOP),
    ]
    events = events_of(restoring(*since, before=stopped))
    assert events[-1] == ApplicationStopped(application_id=SHOP)


def test_what_was_not_there_goes() -> None:
    events = events_of(restoring(microservice("cache"), of="microservice/shop/cache"))
    assert events == [MicroserviceDeleted(microservice_id=CACHE)]
    everything: list[KnownEvent] = [application(), microservice("web")]
    events = events_of(restoring(*everything, before=[registered()]))
    assert [type(each) for each in events] == [MicroserviceDeleted, ApplicationDeleted]
    assert events_of(restoring(registry(), before=[], of="registry/hub")) == [
        RegistryDeleted(registry_id=HUB)
    ]


def test_a_microservice_whose_application_is_gone_says_what_to_revert() -> None:
    since: list[KnownEvent] = [
        MicroserviceDeleted(microservice_id=WEB),
        ApplicationDeleted(application_id=SHOP),
    ]
    refused = refusal_of(restoring(*since, of="microservice/shop/web"))
    assert isinstance(refused, NotRestorable)
    assert "application/shop" in refused.next_step


def test_a_microservice_returns_to_its_node_also_when_that_was_renamed() -> None:
    since: list[KnownEvent] = [
        NodeRenamed(node_id=EAST, name="orient"),
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
    ]
    assert events_of(restoring(*since)) == [
        MicroserviceMoved(microservice_id=WEB, from_node_id=WEST, to_node_id=EAST)
    ]


def test_a_microservice_returns_to_another_node_of_the_name_that_its_own_had() -> None:
    other = NodeId("node-other")
    since: list[KnownEvent] = [
        MicroserviceDeleted(microservice_id=WEB),
        NodeDeleted(node_id=EAST),
        registered(other, "east"),
    ]
    [event_] = events_of(restoring(*since))
    assert isinstance(event_, MicroserviceCreated)
    assert (event_.node_id, event_.microservice_id) == (other, WEB)


def test_a_node_that_is_gone_is_named() -> None:
    since: list[KnownEvent] = [MicroserviceDeleted(microservice_id=WEB), NodeDeleted(node_id=EAST)]
    refused = refusal_of(restoring(*since))
    assert isinstance(refused, NotFound)
    assert "'east'" in refused.detail


def test_a_node_and_what_ran_on_it_come_back_in_an_order_that_works() -> None:
    since: list[KnownEvent] = [MicroserviceDeleted(microservice_id=WEB), NodeDeleted(node_id=EAST)]
    result = restoring(*since, of="application/shop node/east")
    assert events_of(result) == [registered(), microservice("web", 8080)]


def test_a_port_that_moved_from_one_to_the_other_is_freed_first() -> None:
    bank = microservice("m", 8081, application_id=BANK)
    began: list[KnownEvent] = [*BEFORE, application(BANK), bank]
    since: list[KnownEvent] = [
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8082)),
        MicroserviceUpdated(microservice_id=bank.microservice_id, spec=spec(8080)),
    ]
    both = "application/shop application/bank"
    assert events_of(restoring(*since, before=began, of=both)) == [
        MicroserviceUpdated(microservice_id=bank.microservice_id, spec=spec(8081)),
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8080)),
    ]
    # Each has the port that the other one had: there is no order in which that can be undone.
    swapped = [*since, MicroserviceUpdated(microservice_id=WEB, spec=spec(8081))]
    result = restoring(*swapped, before=began, of=both)
    assert [type(each.refused) for each in result.decided] == [PortTaken, PortTaken]


def test_a_deleted_node_comes_back_without_its_device_and_says_so() -> None:
    began: list[KnownEvent] = [registered(), key_issued(), provisioned()]
    result = restoring(NodeDeleted(node_id=EAST), before=began, of="node/east")
    assert events_of(result) == [NodeRegistered(node_id=EAST, name="east", settings=NodeSettings())]
    [caution] = result.cautions
    assert (caution.code, caution.next_step) == ("needs-a-key", "ecn provision-key east")


def test_a_node_that_was_not_there_is_not_deleted() -> None:
    refused = refusal_of(restoring(registered(), before=[], of="node/east"))
    assert isinstance(refused, NotRestorable)
    assert refused.next_step.endswith("ecn delete node east")


def test_a_name_that_means_two_nodes_is_refused_with_their_ids() -> None:
    other = NodeId("node-other")
    since: list[KnownEvent] = [NodeDeleted(node_id=EAST), registered(other, "east")]
    with pytest.raises(NotRestorable) as refused:
        restoring(*since, before=[registered()], of="node/east")
    assert EAST in refused.value.next_step
    assert other in refused.value.next_step


def sealed(password: SealedSecret | None) -> RegistrySettings:
    return RegistrySettings(url="registry.example:5000", password=password)


def test_a_password_returns_while_it_can_be_opened_and_is_refused_when_not() -> None:
    began: list[KnownEvent] = [RegistryCreated(registry_id=HUB, name="hub", settings=sealed(OLD))]
    since = RegistryUpdated(registry_id=HUB, settings=sealed(NEW))
    result = restoring(since, before=began, of="registry/hub")
    assert events_of(result) == [RegistryUpdated(registry_id=HUB, settings=sealed(OLD))]
    assert [each.code for each in result.cautions] == ["password-destroyed"]
    refused = refusal_of(restoring(since, before=began, of="registry/hub", lost="old"))
    assert isinstance(refused, NotRestorable)
    assert "password_from" in refused.next_step


def test_a_registry_that_had_no_password_has_none_again() -> None:
    began: list[KnownEvent] = [RegistryCreated(registry_id=HUB, name="hub", settings=sealed(None))]
    since = RegistryUpdated(registry_id=HUB, settings=sealed(NEW))
    [event_] = events_of(restoring(since, before=began, of="registry/hub"))
    assert event_ == RegistryUpdated(registry_id=HUB, settings=sealed(None))


def test_users_are_not_rolled_back() -> None:
    with pytest.raises(NotRestorable):
        restoring(before=[user()], of="user/anna")


@pytest.mark.parametrize("text", ["shop", "application/", "planet/earth"])
def test_what_names_nothing_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        restoring(of=text)


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        restoring(of="application/bank")


def test_a_revert_is_of_what_was_seen() -> None:
    since = MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2"))
    result = restoring(since)
    moved = world_after(*BEFORE, since, microservice("cache"))
    with pytest.raises(RevisionMoved):
        decide(moved, result.command)
    elsewhere = world_after(*BEFORE, since, registered(NodeId("node-north")))
    assert decide(elsewhere, result.command) == events_of(result)


def test_a_revert_of_a_rename_waits_for_the_name() -> None:
    began: list[KnownEvent] = [registered(), registered(WEST)]
    since: list[KnownEvent] = [
        NodeRenamed(node_id=EAST, name="old"),
        NodeRenamed(node_id=WEST, name="east"),
    ]
    result = restoring(*since, before=began, of=f"node/{EAST} node/{WEST}")
    assert events_of(result) == [
        NodeRenamed(node_id=WEST, name="west"),
        NodeRenamed(node_id=EAST, name="east"),
    ]


# --- names that move ----------------------------------------------------------------------------


def test_a_renamed_application_is_found_by_either_name_and_gets_the_old_one() -> None:
    since: list[KnownEvent] = [
        ApplicationRenamed(application_id=SHOP, name="store"),
        MicroserviceRenamed(microservice_id=WEB, name="www"),
    ]
    for of in ("application/store", "application/shop", f"application/{SHOP}"):
        assert events_of(restoring(*since, of=of)) == [
            ApplicationRenamed(application_id=SHOP, name="shop"),
            MicroserviceRenamed(microservice_id=WEB, name="web"),
        ]


def test_a_renamed_microservice_gets_its_name_and_its_description_back() -> None:
    since: list[KnownEvent] = [
        MicroserviceRenamed(microservice_id=WEB, name="www"),
        MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2")),
    ]
    assert events_of(restoring(*since, of="microservice/shop/www")) == [
        MicroserviceUpdated(microservice_id=WEB, spec=spec(8080)),
        MicroserviceRenamed(microservice_id=WEB, name="web"),
    ]


@often
@given(
    st.lists(
        st.tuples(
            st.sampled_from([WEB, CACHE, MicroserviceId("ms-till")]),
            st.sampled_from(["web", "cache", "till", "x"]),
        ),
        max_size=8,
    )
)
def test_however_names_moved_each_gets_its_own_back_and_none_is_made_anew(
    moves: list[tuple[MicroserviceId, str]],
) -> None:
    till = microservice("till")
    began = [*BEFORE, microservice("cache"), structs.replace(till, microservice_id="ms-till")]
    then = world_after(*began)
    since = list[KnownEvent]()
    names = {key: row.name for key, row in then.microservices.items()}
    for key, name in moves:
        if name not in names.values():
            names[key] = name
            since.append(MicroserviceRenamed(microservice_id=key, name=name))
    events = events_of(restoring(*since, before=began))
    assert {type(each) for each in events} <= {MicroserviceRenamed}
    world = world_after(*began, *since, *events)
    assert {key: row.name for key, row in world.microservices.items()} == {
        key: row.name for key, row in then.microservices.items()
    }


def test_names_that_were_swapped_are_swapped_back() -> None:
    began = [*BEFORE, microservice("cache")]
    since: list[KnownEvent] = [
        MicroserviceRenamed(microservice_id=WEB, name="x"),
        MicroserviceRenamed(microservice_id=CACHE, name="web"),
        MicroserviceRenamed(microservice_id=WEB, name="cache"),
    ]
    result = restoring(*since, before=began)
    world = world_after(*began, *since, *events_of(result))
    names = {key: world.microservices[key].name for key in (WEB, CACHE)}
    assert names == {WEB: "web", CACHE: "cache"}


def test_a_route_gets_its_old_name_and_the_application_its_old_routes() -> None:
    began = [*BEFORE, microservice("cache"), route("there")]
    since: list[KnownEvent] = [
        RouteUpdated(route_id=THERE, name="thither", ends=ENDS),
    ]
    back = RouteUpdated(route_id=THERE, name="there", ends=ENDS)
    assert events_of(restoring(*since, before=began)) == [back]
    assert events_of(restoring(*since, before=began, of="route/shop/thither")) == [back]
    gone = RouteDeleted(route_id=THERE)
    for of in ("application/shop", "route/shop/there"):
        assert events_of(restoring(gone, before=began, of=of)) == [route("there")]


def test_another_thing_that_took_the_name_is_not_overwritten() -> None:
    since: list[KnownEvent] = [
        ApplicationRenamed(application_id=SHOP, name="store"),
        ApplicationCreated(application_id=BANK, name="shop"),
    ]
    refused = refusal_of(restoring(*since, of=f"application/{SHOP}"))
    assert isinstance(refused, NameTaken)
    with pytest.raises(NotRestorable) as two:
        restoring(*since)
    assert SHOP in two.value.next_step
    assert BANK in two.value.next_step
