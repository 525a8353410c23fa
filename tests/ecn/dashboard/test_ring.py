"""The ring: whoever follows or comes back gets each change once, or is told that it can't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.dashboard.ring import Piece, Ring
from events.ids import Position


def change(after: int, position: int) -> Piece:
    return Piece(b"%d>%d " % (after, position), Position(after), Position(position))


OTHER = Piece(b"telemetry ")


@given(
    st.lists(st.one_of(st.integers(1, 5), st.none()), max_size=30),
    st.integers(1, 12),
    st.integers(20, 200),
    st.data(),
)
def test_what_is_behind_a_position_leads_from_there_to_the_head(
    steps: list[int | None], most: int, largest: int, data: st.DataObject
) -> None:
    ring = Ring(Position(10), most=most, largest=largest)
    followed, number = b"", ring.end
    for step in steps:
        ring.append(OTHER if step is None else change(ring.head, ring.head + step))
        pieces = ring.since(number)
        assert pieces is not None
        followed += b"".join(each.content for each in pieces)
        number += len(pieces)
    position = 10
    for each in followed.decode().split():
        after, _, end = each.partition(">")
        if end:
            assert int(after) == position
            position = int(end)
    assert position == ring.head
    position = data.draw(st.integers(8, ring.head))
    behind = ring.behind(Position(position))
    if behind is None:
        next_end = ring.next_end(Position(position))
        assert next_end > position
        assert ring.behind(next_end) is not None
        return
    for content in behind:
        assert content.startswith(b"%d>" % position)
        position = int(content.decode().partition(">")[2])
    assert position == ring.head


def test_it_is_bounded_in_pieces_and_in_bytes() -> None:
    ring = Ring(Position(0), most=3, largest=1000)
    for position in range(10):
        ring.append(change(position, position + 1))
    assert ring.start == 7
    ring = Ring(Position(0), most=100, largest=3 * len(b"1>2 "))
    for position in range(9):
        ring.append(change(position, position + 1))
    assert ring.start == 6
    assert ring.since(0) is None


def test_changes_that_do_not_follow_are_refused() -> None:
    ring = Ring(Position(5))
    with pytest.raises(ValueError, match="do not follow"):
        ring.append(change(6, 7))
    with pytest.raises(ValueError, match="do not lead"):
        ring.prepend([change(3, 4)])


def test_the_chain_can_begin_earlier_as_far_as_there_is_room() -> None:
    ring = Ring(Position(5), most=3)
    ring.append(change(5, 6))
    number = ring.end
    ring.prepend([change(2, 3), change(3, 4), change(4, 5)])
    assert ring.start == 3
    assert ring.behind(Position(3)) == [b"3>4 ", b"4>5 ", b"5>6 "]
    assert ring.behind(Position(2)) is None
    assert ring.next_end(Position(2)) == 3
    assert ring.since(number) == []


def test_who_followed_a_ring_that_was_cleared_has_missed_something() -> None:
    ring = Ring(Position(5), most=3)
    ring.append(change(5, 6))
    number = ring.end
    ring.clear(Position(9))
    ring.prepend([change(7, 8), change(8, 9)])
    ring.append(change(9, 10))
    assert ring.since(number) is None
