"""Twins: what the centre may ask for, and what becomes of a device's changes under each rule."""

import json
from datetime import datetime

import pytest
from hypothesis import given as given_all
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from agent.local.merge_patch import Document, changed, decoded, leaves, same
from ecn.commands.node import ReportNode, TwinReport
from ecn.commands.twin import PatchTwin, ReplaceTwin
from ecn.deciders.decide import decide
from ecn.deciders.twin import LIMITS, MOVED
from ecn.errors import Invalid, NotFound, TwinMoved
from events.application import ConflictRule, MicroserviceDeleted, MicroserviceMoved
from events.envelope import KnownEvent
from events.ids import MicroserviceId
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged, TwinSection
from projections import twins
from projections.twins import twin_of
from projections.world import World, fold
from tests.agent.test_merge_patch import documents, patches
from tests.builders import (
    EAST,
    NOW,
    SECOND,
    WEB,
    WEST,
    Given,
    application,
    chained,
    given,
    key_issued,
    microservice,
    provisioned,
    registered,
    report,
    seen,
    spec,
    told,
    world_after,
)

RULES = list(ConflictRule)


def raw(document: object) -> Raw:
    return Raw(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())


def network(rule: ConflictRule = ConflictRule.MERGE) -> list[KnownEvent]:
    """A web shop on a device that is online, with two nodes."""
    made_from = replace(spec(), twin_conflicts=rule)
    return [
        *(registered(), registered(WEST), key_issued(), provisioned(), application()),
        microservice(made_from=made_from),
    ]


def patch(document: object, seen: int | None = None) -> PatchTwin:
    return PatchTwin(microservice_id=WEB, patch=raw(document), seen=seen)


def edit(document: object, *, base: int = 0, sequence: int = 1, at: datetime = NOW) -> TwinReport:
    """A change of desired properties that was made on the device."""
    return TwinReport(
        sequence=sequence,
        microservice_id=WEB,
        section=TwinSection.DESIRED,
        patch=raw(document),
        whole=raw({}),
        base=base,
        at=at,
    )


def said(whole: object, *, base: int = 0, sequence: int = 1) -> TwinReport:
    """What the microservice reports."""
    return TwinReport(
        sequence=sequence,
        microservice_id=WEB,
        section=TwinSection.REPORTED,
        patch=raw({}),
        whole=raw(whole),
        base=base,
        at=NOW,
    )


def from_device(*reports: TwinReport) -> ReportNode:
    return replace(report(), twins=list(reports))


def twin_events(world: World, command: ReportNode) -> list[KnownEvent]:
    """What it leads to for twins."""
    kinds = (TwinDesiredChanged, TwinReportedChanged, TwinEditOverruled)
    return [each for each in decide(world, command) if isinstance(each, kinds)]


def after(world: World, *commands: PatchTwin | ReplaceTwin | ReportNode) -> World:
    for command in commands:
        actor = f"node/{EAST}" if isinstance(command, ReportNode) else "user/anna"
        world = fold(world, chained(world.head, *decide(world, command), actor=actor))
    return world


def desired(world: World) -> object:
    return decoded(twin_of(world, WEB).desired)


# --- from the centre


def test_a_patch_says_what_it_changed_and_what_came_of_it() -> None:
    (
        given(*network())
        .when(patch({"a": 1, "net": {"mtu": 1500}}))
        .then(
            TwinDesiredChanged(
                microservice_id=WEB,
                version=1,
                patch=raw({"a": 1, "net": {"mtu": 1500}}),
                desired=raw({"a": 1, "net": {"mtu": 1500}}),
            )
        )
        .when(patch({"a": 1, "b": 2, "net": {"mtu": None}, "gone": None}))
        .then(
            TwinDesiredChanged(
                microservice_id=WEB,
                version=2,
                patch=raw({"b": 2, "net": {"mtu": None}}),
                desired=raw({"a": 1, "b": 2, "net": {}}),
            )
        )
    )


def test_nothing_happens_when_all_is_so_already() -> None:
    world = given(*network()).when(patch({"a": 1})).then_world()
    Given(world).when(patch({"a": 1, "b": None})).then()
    Given(world).when(ReplaceTwin(microservice_id=WEB, desired=raw({"a": 1}))).then()


def test_a_replacement_removes_what_it_does_not_name() -> None:
    world = given(*network()).when(patch({"a": 1, "b": {"c": 1, "d": 2}})).then_world()
    wanted = {"b": {"d": 2}, "e": []}
    Given(world).when(ReplaceTwin(microservice_id=WEB, desired=raw(wanted))).then(
        TwinDesiredChanged(
            microservice_id=WEB,
            version=2,
            patch=raw({"a": None, "b": {"c": None}, "e": []}),
            desired=raw(wanted),
        )
    )


def test_a_version_that_is_named_has_to_be_the_present_one() -> None:
    world = given(*network()).when(patch({"a": 1}, seen=0)).then_world()
    refused = Given(world).when(patch({"a": 2}, seen=0)).raises(TwinMoved)
    assert (refused.seen, refused.version) == (0, 1)
    # Also where nothing would change: who asks believes in another state.
    Given(world).when(patch({"a": 1}, seen=2)).raises(TwinMoved)
    assert desired(after(world, patch({"a": 2}, seen=1))) == {"a": 2}


@pytest.mark.parametrize(
    ("content", "field"),
    [(b"[]", "$"), (b'{"a":{"b\\u0001":1}}', "$.a"), (b'{"a":"' + b"x" * 40_000 + b'"}', "$")],
)
def test_what_is_no_twin_is_refused(content: bytes, field: str) -> None:
    command = PatchTwin(microservice_id=WEB, patch=Raw(content))
    assert given(*network()).when(command).raises(Invalid).field == field
    replacement = ReplaceTwin(microservice_id=WEB, desired=Raw(content))
    assert given(*network()).when(replacement).raises(Invalid).field == field


def test_a_replacement_says_no_null() -> None:
    command = ReplaceTwin(microservice_id=WEB, desired=raw({"a": None}))
    assert given(*network()).when(command).raises(Invalid).field == "$.a"


def test_what_is_gone_has_no_twin() -> None:
    nobody = PatchTwin(microservice_id=MicroserviceId("nobody"), patch=raw({}))
    given(*network()).when(nobody).raises(NotFound)
    world = given(*network()).when(patch({"a": 1})).then_world()
    world = fold(world, chained(world.head, MicroserviceDeleted(microservice_id=WEB)))
    assert len(world.twins) == 0


# --- from the device, while nobody else changed anything


@pytest.mark.parametrize("rule", RULES)
def test_what_only_the_device_changed_is_so(rule: ConflictRule) -> None:
    world = after(world_after(*network(rule)), patch({"a": 1, "b": 1}))
    assert twin_events(world, from_device(edit({"a": 2, "b": None}, base=1, sequence=7))) == [
        TwinDesiredChanged(
            microservice_id=WEB,
            version=2,
            patch=raw({"a": 2, "b": None}),
            desired=raw({"a": 2}),
            node_id=EAST,
            base=1,
            at=NOW,
            sequence=7,
        )
    ]


@pytest.mark.parametrize("rule", RULES)
def test_a_devices_own_earlier_change_is_no_conflict(rule: ConflictRule) -> None:
    world = after(world_after(*network(rule)), patch({"a": 1}))
    edits = [edit({"a": n}, base=1, sequence=n, at=NOW - n * SECOND) for n in (2, 3, 4)]
    assert desired(after(world, from_device(*edits))) == {"a": 4}
    one_by_one = [from_device(each) for each in edits]
    assert desired(after(world, *one_by_one)) == {"a": 4}


def test_each_change_of_a_report_is_decided_on_what_the_one_before_leaves() -> None:
    edits = [edit({"a": 1}, sequence=1), edit({"b": 1}, sequence=2), edit({"a": None}, sequence=3)]
    events = twin_events(world_after(*network()), from_device(*edits))
    assert [each.version for each in events if isinstance(each, TwinDesiredChanged)] == [1, 2, 3]
    assert desired(after(world_after(*network()), from_device(*edits))) == {"b": 1}


@pytest.mark.parametrize("rule", RULES)
def test_what_both_sides_made_the_same_is_told_and_no_new_version(rule: ConflictRule) -> None:
    world = after(world_after(*network(rule)), patch({"a": 1}))
    (event,) = twin_events(world, from_device(edit({"a": 1, "b": None})))
    assert isinstance(event, TwinDesiredChanged)
    assert (event.version, event.patch, event.desired) == (1, raw({}), raw({"a": 1}))


# --- from the device, while the centre changed something too


BEFORE = {"a": 1, "b": 1, "net": {"dns": ["x"], "mtu": 1500}}


def apart(rule: ConflictRule, central: object) -> World:
    """BEFORE is version 1, which the device knows; the centre's change a second later is 2."""
    world = after(world_after(*network(rule)), patch(BEFORE))
    return fold(world, chained(world.head, *decide(world, patch(central)), now=NOW + 10 * SECOND))


def outcome(world: World, *reports: TwinReport) -> tuple[object, list[tuple[str, Document]]]:
    """What should be in the end, and what gave way under which rule."""
    lost = [
        (event.rule, decoded(event.patch))
        for event in twin_events(world, from_device(*reports))
        if isinstance(event, TwinEditOverruled)
    ]
    return desired(after(world, from_device(*reports))), lost


def test_the_controller_wins_whatever_it_changed() -> None:
    world = apart(ConflictRule.CONTROLLER_WINS, {"b": 2})
    assert outcome(world, edit({"a": 3}, base=1)) == (
        BEFORE | {"b": 2},
        [("controller-wins", {"a": 3})],
    )
    assert outcome(world, edit({"a": 3}, base=2)) == (BEFORE | {"a": 3, "b": 2}, [])


def test_the_edge_wins_for_what_it_changed_and_leaves_the_rest() -> None:
    world = apart(ConflictRule.EDGE_WINS, {"a": 2, "b": 2, "net": None})
    assert outcome(world, edit({"a": 3, "net": {"mtu": 9000}}, base=1)) == (
        {"a": 3, "b": 2, "net": {"mtu": 9000}},
        [],
    )


def test_the_later_one_wins_field_by_field() -> None:
    world = apart(ConflictRule.LATEST_WINS, {"a": 2, "net": {"mtu": 1280}})  # at second 10
    change = {"a": 3, "b": 3}
    early, late = NOW + 5 * SECOND, NOW + 15 * SECOND
    central = BEFORE | {"a": 2, "net": {"dns": ["x"], "mtu": 1280}}
    assert outcome(world, edit(change, base=1, at=early)) == (
        central | {"b": 3},
        [("latest-wins", {"a": 3})],
    )
    assert outcome(world, edit(change, base=1, at=late)) == (central | {"a": 3, "b": 3}, [])
    same_instant = edit(change, base=1, at=NOW + 10 * SECOND)
    assert outcome(world, same_instant)[1] == [("latest-wins", {"a": 3})]


def test_merged_field_by_field_the_controller_wins_where_both_changed_the_same() -> None:
    world = apart(ConflictRule.MERGE, {"a": 2, "net": {"mtu": 1280}})
    assert outcome(world, edit({"a": 3, "b": 3, "net": {"dns": ["y"]}}, base=1)) == (
        {"a": 2, "b": 3, "net": {"dns": ["y"], "mtu": 1280}},
        [("merge", {"a": 3})],
    )


@pytest.mark.parametrize(
    ("central", "change", "result"),
    [
        # One of them is within the other.
        ({"net": None}, {"net": {"mtu": 9000}}, {"a": 1, "b": 1}),
        ({"net": 5}, {"net": {"mtu": 9000}}, {"a": 1, "b": 1, "net": 5}),
        ({"net": {"mtu": 1280}}, {"net": None}, BEFORE | {"net": {"dns": ["x"], "mtu": 1280}}),
        ({"net": {"mtu": None}}, {"net": "off"}, BEFORE | {"net": {"dns": ["x"]}}),
        # A name that only begins alike is another field.
        ({"a": 2}, {"ab": 1}, BEFORE | {"a": 2, "ab": 1}),
        # Removed by both; removed by one, where the other changed it.
        ({"a": None}, {"a": None}, {"b": 1, "net": BEFORE["net"]}),
        ({"a": None}, {"a": 9}, {"b": 1, "net": BEFORE["net"]}),
        ({"a": 9}, {"a": None}, BEFORE | {"a": 9}),
        # An object in the place of a value, and what is in it.
        ({"a": {"x": 1}}, {"a": 7}, BEFORE | {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": {"y": 1}}, BEFORE | {"a": {"x": 1, "y": 1}}),
    ],
)
def test_fields_within_each_other_conflict(central: object, change: object, result: object) -> None:
    assert outcome(apart(ConflictRule.MERGE, central), edit(change, base=1))[0] == result


def test_a_conflict_is_remembered_although_the_field_is_as_it_was() -> None:
    world = after(apart(ConflictRule.MERGE, {"a": 2}), patch({"a": 1}))
    assert outcome(world, edit({"a": 3}, base=1)) == (BEFORE, [("merge", {"a": 3})])


def test_what_is_not_known_any_more_counts_as_changed() -> None:
    world = apart(ConflictRule.MERGE, {})
    many = {f"k{n}": n for n in range(twins.MOST_GONE + 1)}
    world = after(world, patch(many), patch(dict.fromkeys(many)))
    row = twin_of(world, WEB)
    assert len(row.gone) == twins.MOST_GONE
    assert outcome(world, edit({"z": 1}, base=1))[1] == [("merge", {"z": 1})]
    assert outcome(world, edit({"z": 1}, base=row.desired_version))[1] == []


def test_a_change_that_would_make_too_much_gives_way_and_is_told() -> None:
    half = "x" * 20_000
    world = apart(ConflictRule.MERGE, {"b": half})
    assert outcome(world, edit({"c": half}, base=1))[1] == [(LIMITS, {"c": half})]
    unreadable = replace(edit({}), patch=Raw(b"5"))
    assert outcome(world, unreadable)[1] == [(LIMITS, {})]


def test_a_change_on_a_device_that_it_left_is_told() -> None:
    moved = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    world = world_after(*network(), moved)
    assert outcome(world, edit({"a": 1}), said({"s": 1}, sequence=2)) == ({}, [(MOVED, {"a": 1})])
    assert twin_of(after(world, from_device(said({"s": 1}))), WEB).reported_version == 0


# --- reported


def test_every_report_is_kept_in_order_and_once() -> None:
    world = world_after(*network())
    reports = [said({"n": n}, base=n, sequence=n + 1) for n in range(3)]
    events = twin_events(world, from_device(*reversed(reports)))
    assert events == [
        TwinReportedChanged(
            microservice_id=WEB,
            version=n + 1,
            patch=raw({"n": n}),
            reported=raw({"n": n}),
            node_id=EAST,
            at=NOW,
            sequence=n + 1,
        )
        for n in range(3)
    ]
    world = after(world, from_device(*reports))
    assert twin_events(world, from_device(*reports)) == []
    assert twin_of(world, WEB).reported_version == 3


def test_a_version_that_the_device_left_out_shows() -> None:
    world = after(world_after(*network()), from_device(said({"n": 1})))
    (event,) = twin_events(world, from_device(said({"m": 2}, base=41, sequence=9)))
    assert isinstance(event, TwinReportedChanged)
    assert (event.version, event.patch) == (42, raw({"m": 2, "n": None}))


def test_what_is_no_twin_is_not_kept_and_hinders_nothing() -> None:
    world = world_after(*network())
    bad = replace(said({}), whole=Raw(b'{"a":null}'))
    assert twin_events(world, from_device(bad, said({"n": 1}, sequence=2)))[0] == (
        TwinReportedChanged(
            microservice_id=WEB,
            version=1,
            patch=raw({"n": 1}),
            reported=raw({"n": 1}),
            node_id=EAST,
            at=NOW,
            sequence=2,
        )
    )


def test_twins_and_containers_are_taken_in_the_order_of_their_numbers() -> None:
    world = world_after(*network())
    command = replace(
        report(seen(2)), twins=[said({"n": 1}, sequence=1), edit({"a": 1}, sequence=3)]
    )
    kinds = [type(each).__name__ for each in decide(world, command)]
    assert kinds[-3:] == ["TwinReportedChanged", "ContainerReported", "TwinDesiredChanged"]
    assert told(2) in decide(world, command)


# --- who changed which field


def test_fields_say_who_changed_them_last_and_when() -> None:
    world = after(
        world_after(*network()),
        patch({"a": 1, "net": {"mtu": 1500, "dns": []}}),
        from_device(edit({"net": {"mtu": 9000}}, base=1, at=NOW + SECOND)),
        patch({"net": {"dns": None}}),
    )
    fields = twin_of(world, WEB).desired_fields
    assert {path: (stamp.version, stamp.edge, stamp.by) for path, stamp in fields.items()} == {
        "/a": (1, False, "user/anna"),
        "/net/mtu": (2, True, f"node/{EAST}"),
    }
    assert fields["/net/mtu"].at == NOW + SECOND
    assert twin_of(world, WEB).gone.keys() == {"/net/dns"}


Word = tuple[bool, dict[str, object], int, int]
words = st.lists(
    st.tuples(st.booleans(), patches, st.integers(0, 5), st.integers(-20, 20)), max_size=12
)


@given_all(st.sampled_from(RULES), words)
def test_the_row_always_says_what_the_log_says(rule: ConflictRule, said_: list[Word]) -> None:
    """Whole and patch agree, versions count the changes, every leaf has its stamp."""
    world = world_after(*network(rule))
    for number, (edge, document, behind, seconds) in enumerate(said_, 1):
        before = twin_of(world, WEB)
        command: PatchTwin | ReportNode = patch(document)
        if edge:
            base = max(0, before.desired_version - behind)
            at = NOW + seconds * SECOND
            command = from_device(edit(document, base=base, sequence=number, at=at))
        events = decide(world, command)
        world = after(world, command)
        row = twin_of(world, WEB)
        made = [each for each in events if isinstance(each, TwinDesiredChanged)]
        lost = [each for each in events if isinstance(each, TwinEditOverruled)]
        whole = decoded(before.desired)
        for each in made:
            whole = changed(whole, decoded(each.patch))
        assert same(whole, decoded(row.desired))
        assert row.desired_version - before.desired_version == sum(
            1 for each in made if decoded(each.patch)
        )
        # An object that was emptied member by member is no field: each of those is in `gone`.
        values = {path for path, value in leaves(whole) if value != {}}
        assert values <= set(row.desired_fields) <= set(dict(leaves(whole)))
        assert not row.gone.keys() & row.desired_fields.keys()
        if edge:
            assert 1 <= len(made) + len(lost) <= 2
            of_edit = dict(leaves(document))
            for gone in lost:
                assert dict(leaves(decoded(gone.patch))).items() <= of_edit.items()
        if rule is ConflictRule.EDGE_WINS:
            assert not lost


@given_all(documents, patches, patches, st.sampled_from(RULES))
def test_under_every_rule_one_of_both_sides_has_its_way_with_each_field(
    start: dict[str, object],
    central: dict[str, object],
    at_edge: dict[str, object],
    rule: ConflictRule,
) -> None:
    world = after(world_after(*network(rule)), patch(start))
    base = twin_of(world, WEB).desired_version
    world = after(world, patch(central))
    here = desired(world)
    there = changed(start, at_edge)
    result, _ = outcome(world, edit(at_edge, base=base, at=NOW + SECOND))
    assert isinstance(here, dict)
    assert isinstance(result, dict)
    values = (dict(leaves(here)), dict(leaves(there)))
    for path, value in leaves(result):
        # An object that the one emptied and the other looked into is a leaf of neither.
        assert value == {} or any(path in side and same(side[path], value) for side in values)
