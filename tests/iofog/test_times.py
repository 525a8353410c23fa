"""Times as ioFog writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.iofog.times import LATEST, iso, milliseconds, stamp_of, stamp_text

stamps = st.integers(0, LATEST)


@given(stamps)
def test_a_stamp_comes_back_as_the_same(stamp: int) -> None:
    assert stamp_of(stamp_text(stamp)) == stamp


@given(stamps, stamps)
def test_later_stamps_are_later_texts(one: int, other: int) -> None:
    assert (one < other) == (stamp_text(one) < stamp_text(other))


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))
def test_a_time_is_rounded_down_to_its_millisecond(time: datetime) -> None:
    assert timedelta(0) <= time - datetime.fromisoformat(iso(time)) < timedelta(milliseconds=1)
    assert stamp_of(iso(time)) == milliseconds(time)


@given(st.text(max_size=40))
def test_no_text_is_a_fault(text: str) -> None:
    stamp_of(text)


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01 00:00:01.123456+00:00", 1123),
        ("1970-13-01T00:00:00Z", None),
        ("1970-01-01T00:00:00", None),
        ("", None),
    ],
)
def test_what_agents_may_send_back(text: str, stamp: int | None) -> None:
    assert stamp_of(text) == stamp
