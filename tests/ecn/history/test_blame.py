"""Blame: before its event a field was otherwise, and since then it is not."""

import pytest
from hypothesis import HealthCheck, given, settings

from ecn.api.history_documents import Blame, BlamedField, keys_of, pointer
from ecn.history.blame import blame
from ecn.history.fields import leaves, same
from ecn.history.trees import KINDS, wanted
from events.application import (
    ApplicationStopped,
    MicroserviceMoved,
    MicroserviceUpdated,
)
from events.envelope import KnownEvent
from events.node import NodeRenamed, NodeSettings, NodeUpdated
from projections.things import row_key, row_of, subject_of, table_of
from projections.world import World, fold
from tests.builders import (
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    history,
    microservice,
    registered,
    registry,
    spec,
    told,
)
from tests.ecn.deciders.histories import History, histories
from tests.ecn.history.answering import answered

often = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def blamed(subject: str, *events: KnownEvent) -> dict[str, BlamedField]:
    """By path, in a log of just these events."""
    log = history(*events)
    answer = answered(log, blame(fold(World(), log), subject))
    return {each.path: each for each in answer.fields}


def subjects(world: World) -> list[str]:
    return [subject_of(kind, str(key)) for kind in KINDS for key in table_of(world, kind)]


def value_at(world: World, end: World, subject: str, path: str) -> object:
    """What stood at a path of a manifest. `end`: the world in which the path was told."""
    kind, _, key = subject.partition("/")
    keys = keys_of(path)
    if kind == "application" and keys[0] == "microservices":
        # By its id: another one of that name may have been there before.
        member = next(
            each
            for each in end.microservices.find("application", key)
            if end.microservices[each].name == keys[1]
        )
        return value_at(world, end, f"microservice/{member}", pointer(*keys[2:]))
    if kind == "microservice" and path == "/node":
        path = "/node_id"
    if row_key(kind, key) not in table_of(world, kind):
        return ...  # also of what the catalog has from the beginning, which no event said
    row = row_of(world, kind, key)
    assert row is not None
    # By the names of the end, as blame tells it: that what is named was renamed is of that.
    return dict(leaves(wanted(row, end.names))).get(path, ...)


@often
@given(histories(longest=25))
def test_before_its_event_a_field_was_otherwise_and_since_then_it_stays(history: History) -> None:
    worlds = [World()]
    for recorded in history.log:
        worlds.append(fold(worlds[-1], [recorded]))
    end = worlds[-1]
    for subject in subjects(end):
        for each in answered(history.log, blame(end, subject)).fields:
            now = value_at(end, end, subject, each.path)
            position = each.event.position
            before = value_at(worlds[position - 1], end, subject, each.path)
            assert before is ... or not same(before, now), (subject, each)
            for later in worlds[position:]:
                assert same(value_at(later, end, subject, each.path), now), (subject, each)


@often
@given(histories(longest=25))
def test_each_field_is_blamed_on_somebody(history: History) -> None:
    world = history.world
    for subject in subjects(world):
        kind, _, key = subject.partition("/")
        row = row_of(world, kind, key)
        assert row is not None
        expected = {path for path, _ in leaves(wanted(row, world.names))}
        if kind == "microservice":
            expected = {"/node" if path == "/node_id" else path for path in expected}
        if kind in ("microservice", "route"):
            expected.remove("/application")
        told = {each.path for each in answered(history.log, blame(world, subject)).fields}
        # An application's members are told with it.
        own = {each for each in told if not each.startswith(("/microservices/", "/routes/"))}
        assert own == expected


@often
@given(histories(longest=25))
def test_blame_of_then_does_not_know_what_came_later(history: History) -> None:
    """Asked of an earlier world, with the whole log at hand, it answers as it would have then."""
    half = history.log[: len(history.log) // 2]
    then = fold(World(), half)
    for subject in subjects(then):
        assert answered(history.log, blame(then, subject)) == answered(half, blame(then, subject))


BEGINNING: tuple[KnownEvent, ...] = (registered(), registered(WEST), registry(), application())


def test_an_image_is_blamed_on_its_update_and_the_rest_stays_with_the_creation() -> None:
    fields = blamed(
        f"microservice/{WEB}",
        *BEGINNING,
        microservice(made_from=spec(env={"A": "1", "B": "2"})),
        MicroserviceUpdated(
            microservice_id=WEB, spec=spec(image="shop/web:2", env={"A": "1", "B": "3"})
        ),
        told(1),
    )
    positions = {path: each.event.position for path, each in fields.items()}
    assert (positions["/image"], positions["/env/B"]) == (6, 6)
    assert (positions["/env/A"], positions["/name"], positions["/restart"]) == (5, 5, 5)
    assert fields["/image"].value == "shop/web:2"
    assert fields["/restart"].is_default
    assert not fields["/env/A"].is_default


def test_a_field_that_was_reset_is_blamed_on_who_reset_it() -> None:
    fields = blamed(
        f"microservice/{WEB}",
        *BEGINNING,
        microservice(made_from=spec(env={"A": "1"})),
        MicroserviceUpdated(microservice_id=WEB, spec=spec()),
    )
    assert (fields["/env"].value, fields["/env"].event.position) == ({}, 6)
    assert fields["/env"].is_default


def test_the_node_is_blamed_on_the_move_and_not_on_a_renaming() -> None:
    fields = blamed(
        f"microservice/{WEB}",
        *BEGINNING,
        microservice(),
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST),
        NodeRenamed(node_id=WEST, name="north"),
    )
    assert (fields["/node"].value, fields["/node"].event.position) == ("north", 6)


def test_an_application_is_blamed_with_its_microservices() -> None:
    fields = blamed(
        f"application/{SHOP}",
        *BEGINNING,
        microservice(),
        ApplicationStopped(application_id=SHOP),
        MicroserviceUpdated(microservice_id=WEB, spec=spec(image="shop/web:2")),
    )
    assert (fields["/started"].value, fields["/started"].event.position) == (False, 6)
    assert fields["/microservices/web/image"].event.position == 7
    assert fields["/microservices/web/node"].value == "east"


@pytest.mark.parametrize("label", ["site", "a/b", "a~b", ""])
def test_each_label_of_a_node_stands_by_itself(label: str) -> None:
    fields = blamed(
        f"node/{EAST}",
        registered(),
        NodeUpdated(node_id=EAST, settings=NodeSettings(labels={label: "1"})),
        NodeUpdated(node_id=EAST, settings=NodeSettings(labels={label: "1", "other": "2"})),
    )
    assert fields[pointer("settings", "labels", label)].event.position == 2
    assert fields["/settings/labels/other"].event.position == 3


def test_an_answer_says_for_which_position_it_is_valid() -> None:
    log = history(*BEGINNING, microservice())
    answer = answered(log, blame(fold(World(), log), f"microservice/{WEB}"))
    assert isinstance(answer, Blame)
    assert (answer.position, answer.name) == (5, "shop/web")
