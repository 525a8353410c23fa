"""Events to bytes and back, and the chain that no change of history escapes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from events.chaining import digest
from events.envelope import (
    GENESIS,
    ChainBroken,
    Head,
    Proposed,
    Recorded,
    UnknownEvent,
    chain,
    decode,
    encode,
    verify,
)
from events.event import Event
from tests.events.builders import NOON, batch
from tests.events.strategies import event_types, events, every_field_of, proposals, texts, times

histories = st.lists(proposals, min_size=1, max_size=6)


def test_every_event_type_is_tried() -> None:
    assert len(event_types) > 25
    assert len({kind.__struct_config__.tag for kind in event_types}) == len(event_types)


@pytest.mark.parametrize("kind", event_types, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_event_reads_as_it_was_written(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(every_field_of(kind))
    assert decode(str(kind.__struct_config__.tag), event.subject, encode(event)) == event


def test_an_event_of_a_type_from_the_future_is_kept_unread() -> None:
    assert decode("node.dreamt.v7", "node/1", b"anything") == UnknownEvent(
        type="node.dreamt.v7", subject="node/1"
    )


@given(histories, times)
def test_what_was_chained_verifies_as_a_whole_and_in_parts(
    proposed: list[Proposed], now: datetime
) -> None:
    chained = chain(GENESIS, proposed, now)
    assert [event.position for event in chained] == list(range(1, len(proposed) + 1))
    assert [event.event for event in chained] == [item.event for item in proposed]
    assert verify(GENESIS, chained) == chained[-1].head
    middle = len(chained) // 2
    assert verify(verify(GENESIS, chained[:middle]), chained[middle:]) == chained[-1].head


def _flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at % len(changed)] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("field", [f for f in Recorded.__struct_fields__ if f != "event"])
@given(proposed=histories, now=times, data=st.data())
def test_any_single_change_is_found(
    field: str, proposed: list[Proposed], now: datetime, data: st.DataObject
) -> None:
    chained = chain(GENESIS, proposed, now)
    victim = data.draw(st.integers(0, len(chained) - 1))
    old = getattr(chained[victim], field)
    match old:
        case bytes():
            new: object = _flipped(old, data.draw(st.integers(0, 1000)))
        case str():
            new = data.draw(texts.filter(lambda text: text != old))
        case datetime():
            new = data.draw(times.filter(lambda time: time != old))
        case _:
            new = data.draw(st.integers(0, 2**62).filter(lambda number: number != old))
    changed = replace(chained[victim], **{field: new})
    with pytest.raises(ChainBroken):
        verify(GENESIS, [*chained[:victim], changed, *chained[victim + 1 :]])


@given(st.lists(proposals, min_size=2, max_size=6), times, st.data())
def test_an_event_that_is_missing_or_out_of_order_is_found(
    proposed: list[Proposed], now: datetime, data: st.DataObject
) -> None:
    chained = chain(GENESIS, proposed, now)
    place = data.draw(st.integers(0, len(chained) - 2))
    before, one, other, after = (
        chained[:place],
        chained[place],
        chained[place + 1],
        chained[place + 2 :],
    )
    for tampered in ([*before, other, *after], [*before, other, one, *after]):
        with pytest.raises(ChainBroken):
            verify(GENESIS, tampered)


def test_a_history_rewritten_whole_does_not_end_in_the_hash_that_was_noted() -> None:
    noted = batch(GENESIS, 3)[-1].head
    rewritten = batch(GENESIS, 3, first=7)
    assert verify(GENESIS, rewritten) != noted


@given(events, st.integers(1, 3))
def test_no_text_can_slip_from_one_field_into_the_next(event: Event, moved: int) -> None:
    type_, subject = "type", event.subject + "x" * moved

    def hashed(subject: str, type_: str) -> bytes:
        return digest(bytes(32), 1, 0, subject, type_, b"", "", "", "", "")

    assert hashed(subject, type_) != hashed(subject[:-moved], subject[-moved:] + type_)


@given(times, times)
def test_time_never_falls_along_the_log(first: datetime, second: datetime) -> None:
    (one,) = batch(GENESIS, now=first)
    (other,) = batch(one.head, now=second)
    assert other.time == max(first, second)
    verify(GENESIS, [one, other])


def test_a_clock_of_another_zone_is_the_same_instant() -> None:
    zone = timezone(timedelta(hours=2))
    assert batch(GENESIS, now=NOON.astimezone(zone)) == batch(GENESIS, now=NOON)
    assert batch(GENESIS, now=NOON.astimezone(zone))[0].time.tzinfo is UTC


def test_an_event_that_follows_another_end_is_found() -> None:
    (event,) = batch(GENESIS)
    with pytest.raises(ChainBroken, match="does not name its predecessor's hash"):
        verify(Head(GENESIS.position, bytes(range(32)), GENESIS.time), [event])
