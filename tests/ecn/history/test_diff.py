"""Differences of two worlds: as a patch they lead from the one to the other, and back."""

import json

import jsonpatch
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.api import offer_views, views
from ecn.api.history_documents import Change, Difference, FieldChange
from ecn.history.diff import differences
from ecn.history.patch import patch
from ecn.history.trees import KINDS
from events.application import (
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceMoved,
    MicroserviceUpdated,
)
from events.catalog import RegistrySettings, RegistryUpdated, SealedSecret
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId, Position, RegistryId, UserId
from events.node import NodeDeleted, NodeRenamed
from projections.catalog import SEEDED, catalog_items
from projections.things import subject_of, table_of
from projections.world import World, fold
from tests.builders import (
    EAST,
    HUB,
    NOW,
    SHOP,
    WEB,
    WEST,
    application,
    history,
    key_issued,
    microservice,
    registered,
    registry,
    spec,
    told,
    world_after,
)
from tests.ecn.deciders.histories import History, histories
from tests.ecn.history.whole import diff, document, tree

often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

BEGINNING: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    registry(),
    application(),
    microservice(),
)


def between(*events: KnownEvent) -> list[Difference]:
    """What differs when these happened after the beginning."""
    return diff(world_after(*BEGINNING), world_after(*BEGINNING, *events))


def plain(value: object) -> object:
    """As JSON carries it."""
    return json.loads(msgspec.json.encode(value))


def patched(before: World, after: World) -> object:
    """The tree of the one with the patch to the other applied."""
    operations = msgspec.json.encode(list(patch(diff(before, after)))).decode()
    document = json.loads(msgspec.json.encode(tree(before, later(before, after).names)))
    applied: object = jsonpatch.apply_patch(document, operations)
    return applied


def later(one: World, other: World) -> World:
    return max(one, other, key=lambda world: world.position)


def cut(history: History, place: int) -> World:
    return fold(World(), history.log[:place])


@often
@given(histories(), st.data())
def test_the_patch_of_a_difference_leads_from_one_tree_to_the_other(
    history: History, data: st.DataObject
) -> None:
    places = st.integers(0, len(history.log))
    before, after = cut(history, data.draw(places)), cut(history, data.draw(places))
    assert patched(before, after) == plain(tree(after, later(before, after).names))


@often
@given(histories())
def test_from_each_event_to_the_next_a_patch_leads_too(history: History) -> None:
    world = World()
    for recorded in history.log:
        before, world = world, fold(world, [recorded])
        assert patched(before, world) == plain(tree(world))


@often
@given(histories())
def test_a_moment_does_not_differ_from_itself(history: History) -> None:
    assert diff(history.world, history.world) == []
    assert diff(history.world, fold(World(), history.log)) == []


@often
@given(histories(), st.data())
def test_the_other_way_round_everything_is_mirrored(history: History, data: st.DataObject) -> None:
    places = st.integers(0, len(history.log))
    before, after = cut(history, data.draw(places)), cut(history, data.draw(places))
    there = {each.subject: each for each in diff(before, after)}
    back = {each.subject: each for each in diff(after, before)}
    assert there.keys() == back.keys()
    for subject, one in there.items():
        assert mirrored(one) == essence(back[subject])


Essence = tuple[Change, object, set[tuple[str, str, str, str]]]


def essence(difference: Difference) -> Essence:
    return difference.change, difference.document, {told_as(each) for each in difference.fields}


def mirrored(difference: Difference) -> Essence:
    opposite = {Change.CREATED: Change.DELETED, Change.DELETED: Change.CREATED}
    swapped = {
        told_as(replace(each, before=each.after, after=each.before)) for each in difference.fields
    }
    return opposite.get(difference.change, Change.CHANGED), difference.document, swapped


def told_as(field: FieldChange) -> tuple[str, str, str, str]:
    return field.path, field.aspect, repr(field.before), repr(field.after)


@often
@given(histories())
def test_everything_there_is_was_created_since_the_beginning(history: History) -> None:
    created = diff(World(), history.world)
    seeds = {f"catalog-item/{key}" for key in SEEDED}
    assert {each.change for each in created if each.subject not in seeds} <= {Change.CREATED}
    assert {each.change for each in created if each.subject in seeds} <= {Change.CHANGED}
    there = {subject_of(kind, str(key)) for kind in KINDS for key in table_of(history.world, kind)}
    same = {each for each in seeds & there if each not in {one.subject for one in created}}
    assert {each.subject for each in created} == there - same
    order = [(KINDS.index(each.subject.partition("/")[0]), each.name) for each in created]
    assert order == sorted(order)


ELSEWHERE = {"password", "credential", "node_id", "twin_desired", "twin_reported"}
"""Fields that the API's documents have in another form, or elsewhere: see trees.py."""


@often
@given(histories())
def test_fields_are_those_of_the_documents_of_the_api(history: History) -> None:
    world = history.world
    documents: dict[str, msgspec.Struct] = {
        **{f"node/{key}": views.node(world, NodeId(key), None) for key in world.nodes},
        **{
            f"application/{key}": views.application(world, ApplicationId(key))
            for key in world.applications
        },
        **{
            f"microservice/{key}": views.microservice(world, MicroserviceId(key))
            for key in world.microservices
        },
        **{f"registry/{key}": views.registry(world, RegistryId(key)) for key in world.registries},
        **{f"user/{key}": views.user(world, UserId(key)) for key in world.users},
        **{f"route/{key}": offer_views.route(world, key) for key in world.routes},
        **{f"template/{key}": offer_views.template(world, key) for key in world.templates},
        **{
            f"catalog-item/{key}": offer_views.catalog_item(world, key)
            for key in catalog_items(world)
        },
        **{
            f"edge-resource/{key}": offer_views.edge_resource(world, key)
            for key in world.edge_resources
        },
    }
    for subject, shown in documents.items():
        said = json.loads(msgspec.json.encode(shown))
        kind, _, key = subject.partition("/")
        for name, value in document(world, kind, key).items():
            if name in ELSEWHERE:
                continue
            if name == "status":
                for part in ("at", "revision"):
                    del said["status"][part]
            assert said[name] == json.loads(msgspec.json.encode(value)), (subject, name)


@often
@given(histories(), st.data())
def test_of_one_subject_just_its_own_difference_is_told(
    history: History, data: st.DataObject
) -> None:
    before = cut(history, data.draw(st.integers(0, len(history.log))))
    whole = diff(before, history.world)
    for each in whole:
        portions = differences(before, history.world, subject=each.subject)
        assert [one for portion in portions for one in portion] == [each]


def test_a_changed_field_is_told_with_what_it_was_and_is() -> None:
    updated = MicroserviceUpdated(
        microservice_id=WEB, spec=spec(image="shop/web:2", env={"A/B": "1"})
    )
    (found,) = between(updated)
    assert (found.subject, found.name, found.change) == (
        f"microservice/{WEB}",
        "shop/web",
        Change.CHANGED,
    )
    assert [(each.path, each.before, each.after) for each in found.fields] == [
        ("/image", "shop/web:1", "shop/web:2"),
        ("/env/A~1B", msgspec.UNSET, "1"),
    ]


def test_a_moved_one_names_the_nodes() -> None:
    (found,) = between(MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST))
    assert [(each.path, each.before, each.after) for each in found.fields] == [
        ("/node_id", EAST, WEST)
    ]
    assert found.names == {f"node/{EAST}": "east", f"node/{WEST}": "west"}


def test_a_renamed_node_is_no_difference_of_what_runs_on_it() -> None:
    (found,) = between(NodeRenamed(node_id=EAST, name="north"))
    assert found.subject == f"node/{EAST}"
    assert [each.path for each in found.fields] == ["/name"]


def test_what_devices_told_is_told_apart_and_times_and_revisions_are_not() -> None:
    status = ContainerStatus(
        state=ContainerState.RUNNING, revision=Position(5), container_id="c", at=NOW
    )
    reported = ContainerReported(microservice_id=WEB, node_id=EAST, sequence=1, status=status)
    (found,) = between(reported)
    assert [(each.path, each.aspect) for each in found.fields] == [
        ("/status/state", "reported"),
        ("/status/container_id", "reported"),
    ]
    assert between(ApplicationStopped(application_id=SHOP))[0].name == "shop"
    assert len(between(ApplicationStopped(application_id=SHOP))) == 1


def test_a_report_that_says_the_same_again_is_no_difference() -> None:
    assert diff(world_after(*BEGINNING, told(1)), world_after(*BEGINNING, told(1), told(2))) == []


def test_what_follows_from_nothing_is_no_difference() -> None:
    assert between(key_issued()) == []


def test_a_secret_that_was_replaced_shows_and_tells_nothing() -> None:
    sealed = SealedSecret(secret_id="one", ciphertext=b"very secret")
    settings_ = RegistrySettings(url="registry.example:5000", password=sealed)
    (found,) = between(RegistryUpdated(registry_id=HUB, settings=settings_))
    (field,) = found.fields
    assert (field.path, field.before) == ("/password", None)
    assert str(field.after).startswith("sealed:")
    assert b"secret" not in msgspec.json.encode(found)


def test_a_thing_made_anew_under_its_old_name_is_another_thing() -> None:
    again = between(NodeDeleted(node_id=WEST), registered(NodeId("node-other"), "west"))
    assert [(each.name, each.change) for each in again] == [
        ("west", Change.CREATED),
        ("west", Change.DELETED),
    ]


def test_true_is_not_taken_for_one() -> None:
    before = world_after(*BEGINNING[:-1], microservice(made_from=spec(config='{"a":1}')))
    after = world_after(*BEGINNING[:-1], microservice(made_from=spec(config='{"a":true}')))
    ((field,),) = [each.fields for each in diff(before, after)]
    assert (field.path, field.before, field.after) == ("/config/a", 1, True)


def test_the_whole_is_looked_at_in_portions() -> None:
    events = [registered(NodeId(f"node-{number:04}")) for number in range(1000)]
    world = fold(World(), history(*events))
    portions = list(differences(World(), world))
    assert max(map(len, portions)) <= 50
    assert sum(map(len, portions)) == 1000
