"""Rows that were kept are rows again: exactly, all of them, or not at all."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import Recorded
from projections.generation import (
    Damaged,
    Kept,
    Rebuilding,
    Row,
    decoded,
    encoded,
    fingerprint,
    number_of,
    our_fingerprint,
    rows,
    summed,
    tables,
)
from projections.world import VIEWS, World, fold
from tests.builders import history, registered, slices
from tests.ecn.deciders.histories import History, histories
from tests.events.strategies import every_field_of

often = settings(max_examples=60, deadline=None)


def kept_of(world: World) -> tuple[Kept, list[Row]]:
    """The world as it would be kept."""
    found = list(rows(world))
    sum_ = 0
    for row in found:
        sum_ = summed(sum_, in_=number_of(*row))
    return Kept(head=world.head, sum_=sum_), found


def rebuilt(kept: Kept, found: list[Row]) -> World:
    """The world of these rows."""
    rebuilding = Rebuilding()
    for start in range(0, len(found), 7):
        rebuilding.take(found[start : start + 7])
    return rebuilding.world(kept)


@often
@given(histories(), st.integers(0, 200), st.randoms(use_true_random=False))
def test_rows_and_the_tail_of_the_log_give_the_same_world_as_the_whole_log(
    history: History, cut: int, chance: random.Random
) -> None:
    before, tail = [*slices(history.log, [cut]), [], []][:2]
    kept, found = kept_of(fold(World(), before))
    chance.shuffle(found)
    assert fold(rebuilt(kept, found), tail) == history.world


@often
@given(histories(longest=10), st.data())
def test_rows_that_are_not_all_there_as_they_were_are_refused(
    history: History, data: st.DataObject
) -> None:
    kept, found = kept_of(history.world)
    number = data.draw(st.integers(0, len(found) - 1))
    view, key, content = found[number]
    other = content.replace(b"a", b"b", 1) if b"a" in content else content + b" "
    for wrong in (
        found[:number] + found[number + 1 :],
        [*found, ("names", "node/planted", b'"x"')],
        [*found[:number], (view, key, other), *found[number + 1 :]],
        [*found[:number], (view, key + "x", content), *found[number + 1 :]],
    ):
        with pytest.raises(Damaged):
            rebuilt(kept, wrong)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_row_with_whatever_in_it_survives_exactly(view: object, data: st.DataObject) -> None:
    (chosen,) = (each for each in VIEWS if each is view)
    kind = chosen.row
    simple = {int: st.integers(0, 2**53), str: st.text(st.characters(exclude_categories=["Cs"]))}
    row = data.draw(
        every_field_of(kind)
        if getattr(kind, "__struct_fields__", None)
        else simple[getattr(kind, "__supertype__", kind)]
    )
    content = encoded(row)
    assert decoded(chosen.name, content) == row
    assert encoded(decoded(chosen.name, content)) == content


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.binary(max_size=3))))
def test_the_sum_is_the_same_in_any_order_and_zero_when_all_went_out(found: list[Row]) -> None:
    sum_ = 0
    for row in found:
        sum_ = summed(sum_, in_=number_of(*row))
    backward = 0
    for row in reversed(found):
        backward = summed(backward, in_=number_of(*row))
    assert sum_ == backward
    for row in found:
        sum_ = summed(sum_, out=number_of(*row))
    assert sum_ == 0


def test_what_is_no_row_is_refused() -> None:
    for content in (b"", b"{", b"[]", b'{"name": 1}', b"\xff", b'"\xff"'):
        with pytest.raises(Damaged):
            decoded("nodes", content)
    with pytest.raises(Damaged):
        decoded("zeppelins", b"{}")


def test_the_fingerprint_changes_with_a_version_and_with_a_shape_and_with_nothing_else() -> None:
    assert fingerprint(reversed(VIEWS)) == our_fingerprint()
    first, *others = VIEWS
    assert fingerprint([first._replace(version=99), *others]) != our_fingerprint()
    assert fingerprint([first._replace(row=int), *others]) != our_fingerprint()
    assert fingerprint([first._replace(name="zeppelins"), *others]) != our_fingerprint()
    assert fingerprint(others) != our_fingerprint()


def test_a_field_called_description_is_part_of_the_shape_and_a_docstring_is_not() -> None:
    class One(msgspec.Struct):
        """Said so."""

        description: str

    class Two(msgspec.Struct):
        """Said otherwise."""

        description: str

    class Three(msgspec.Struct):
        """Said so."""

        description: int

    Two.__name__ = Three.__name__ = "One"
    first = VIEWS[0]
    one, two, three = (fingerprint([first._replace(row=kind)]) for kind in (One, Two, Three))
    assert one == two != three


def test_tables_are_all_tables() -> None:
    events: list[Recorded] = history(registered())
    assert sum(map(len, tables(fold(World(), events)).values())) == len(
        list(rows(fold(World(), events)))
    )
