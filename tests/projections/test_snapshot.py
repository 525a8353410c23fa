"""Worlds packed and unpacked, and where along the log they are wanted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.ids import Position
from projections.generation import Damaged
from projections.snapshot import OFTEN, due, packed, unpacked
from projections.world import World, fold
from tests.builders import slices
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=60, deadline=None)


@often
@given(histories(), st.integers(0, 200))
def test_a_snapshot_and_the_tail_of_the_log_give_the_same_world_as_the_whole_log(
    history: History, cut: int
) -> None:
    before, tail = [*slices(history.log, [cut]), [], []][:2]
    assert fold(unpacked(packed(fold(World(), before))), tail) == history.world


@often
@given(histories(longest=10), st.data())
def test_a_damaged_snapshot_is_noticed(history: History, data: st.DataObject) -> None:
    snapshot = packed(history.world)
    place = data.draw(st.integers(0, len(snapshot.data) - 1))
    byte = snapshot.data[place] ^ data.draw(st.integers(1, 255))
    flipped = snapshot.data[:place] + bytes([byte]) + snapshot.data[place + 1 :]
    for wrong in (flipped, snapshot.data[:place], snapshot.data + b"x"):
        with pytest.raises(Damaged):
            unpacked(replace(snapshot, data=wrong))


def test_an_empty_world_is_packed_too() -> None:
    assert unpacked(packed(World())) == World()


def kept_after(ends: list[int], every: int) -> list[Position]:
    """The snapshots of a log that grew to these ends, one after the other."""
    kept: list[Position] = []
    for end in ends:
        todo = due(kept, Position(end), every)
        kept = sorted({*kept, *todo.missing} - set(todo.superfluous))
    return kept


ends = st.lists(st.integers(0, 3000), min_size=1, max_size=20).map(sorted)


@given(ends)
def test_however_the_log_grew_the_snapshots_are_the_same(grown: list[int]) -> None:
    assert kept_after(grown, 10) == kept_after(grown[-1:], 10)


@given(ends)
def test_once_done_nothing_is_left_to_do(grown: list[int]) -> None:
    todo = due(kept_after(grown, 10), Position(grown[-1]), 10)
    assert (list(todo.missing), list(todo.superfluous)) == ([], [])


@given(st.integers(0, 10**7))
def test_there_are_few_and_none_is_far(end: int) -> None:
    every = 1000
    kept = kept_after([end], every)
    stretches = end // every
    assert len(kept) <= OFTEN + OFTEN // 2 * max(1, stretches).bit_length()
    for position in range(0, end, max(1, end // 50)):
        age = end - position
        nearest = max((each for each in kept if each <= position), default=0)
        assert position - nearest <= max(every, 2 * 2 * age // OFTEN + 2 * every)


def test_a_snapshot_anywhere_in_a_stretch_stands_for_it() -> None:
    todo = due([Position(14), Position(20)], Position(35), 10)
    assert list(todo.missing) == [30]
    assert list(todo.superfluous) == []
    assert list(due([Position(14), Position(19)], Position(25), 10).superfluous) == [19]


def test_what_is_beyond_the_log_is_superfluous() -> None:
    assert list(due([Position(50)], Position(25), 10).superfluous) == [50]
