"""The live world is nothing but its log: folded again, in any portions, it is the same."""

from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from events.envelope import Head, UnknownEvent, bare, decode
from events.ids import Position
from projections.view import Table
from projections.world import VIEWS, Folding, World, fold
from tests.builders import NOW, application, chained, history, registered, slices
from tests.ecn.deciders.histories import History, histories, indexes, recomputed

often = settings(max_examples=80, deadline=None)


def tables(world: World) -> dict[str, Table[Hashable, object]]:
    """All tables of a world by name."""
    found = {each.name: getattr(world, each.name) for each in fields(World)}
    return {name: table for name, table in found.items() if isinstance(table, Table)}


@often
@given(histories())
def test_replaying_the_whole_log_gives_the_live_world(history: History) -> None:
    assert fold(World(), history.log) == history.world


@often
@given(histories())
def test_projections_need_no_more_of_an_event_than_is_read_for_a_replay(history: History) -> None:
    assert fold(World(), map(bare, history.log)) == history.world


@often
@given(histories(), st.lists(st.integers(0, 200), max_size=6))
def test_folding_in_portions_gives_the_same_as_in_one_go(history: History, cuts: list[int]) -> None:
    world = World()
    for portion in slices(history.log, cuts):
        world = fold(world, portion)
    assert world == fold(World(), history.log)


@often
@given(histories())
def test_what_was_written_and_read_again_folds_to_the_same(history: History) -> None:
    read = [replace(each, event=decode(each.type, each.subject, each.data)) for each in history.log]
    assert fold(World(), read) == history.world


@often
@given(histories())
def test_every_index_equals_one_made_from_the_rows(history: History) -> None:
    for step in history.steps:
        for name, table in tables(step.world).items():
            assert indexes(table) == recomputed(table), name


@often
@given(histories())
def test_earlier_worlds_stay_as_they_were(history: History) -> None:
    world = World()
    for step in history.steps:
        assert step.before == world
        world = fold(world, step.recorded)


@often
@given(histories(), st.lists(st.integers(0, 200), max_size=6))
def test_the_changes_that_a_folding_names_are_all_that_changed(
    history: History, cuts: list[int]
) -> None:
    """Whoever keeps the rows elsewhere, obeying the same changes, has the same tables."""
    kept: dict[str, dict[Hashable, object]] = {name: {} for name in tables(World())}
    world = World()
    for portion in slices(history.log, cuts):
        folding = Folding(world)
        folding.fold(portion)
        world = folding.world()
        for view, rows in folding.changes().items():
            for key, row in rows.items():
                if row is None:
                    kept[view].pop(key, None)
                else:
                    kept[view][key] = row
    assert kept == {name: dict(table.items()) for name, table in tables(world).items()}


def test_every_table_has_its_view_and_every_view_its_table() -> None:
    assert sorted(view.name for view in VIEWS) == sorted(tables(World()))


def test_an_event_that_is_not_the_next_one_is_not_folded() -> None:
    first, second = history(registered(), application())
    for wrong in (second, replace(first, position=Position(0))):
        with pytest.raises(ValueError, match="does not follow"):
            fold(World(), [wrong])
    with pytest.raises(ValueError, match="does not follow"):
        fold(World(), [first, first])


def test_an_event_of_a_newer_version_moves_the_head_and_nothing_else() -> None:
    before = fold(World(), history(registered()))
    (known,) = chained(before.head, application())
    unknown = replace(known, event=UnknownEvent(type="zeppelin.landed.v1", subject="zeppelin/1"))
    folding = Folding(before)
    folding.fold([unknown])
    assert folding.changes() == {}
    assert folding.world() == replace(before, head=known.head)


def test_a_world_made_from_rows_goes_on_like_the_one_that_lived_through_it() -> None:
    """A controller starts from rows and their position, then reads only the tail."""
    events = history(registered(), application())
    lived = fold(World(), events[:1])
    start = World(head=Head(Position(1), events[0].hash, NOW))
    for name, table in tables(lived).items():
        start = replace(start, **{name: table.filled(dict(table.items()))})
    assert fold(start, events[1:]) == fold(World(), events)
