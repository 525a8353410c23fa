"""Small pure pieces: merge patches, server-sent events, durations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.local.merge_patch import difference
from ecn.cli.sse import Message, Reader
from ecn.cli.wording import age, instant_of
from ecn.durations import seconds_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEAVES = st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | LEAVES, max_size=3),
    max_leaves=8,
)


def patched(target: object, patch: object) -> object:
    """RFC 7396, section 2, as it stands there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_one_of_the_other(
    before: dict[str, object], after: dict[str, object]
) -> None:
    assert patched(before, difference(before, after)) == after


@given(DOCUMENTS)
def test_nothing_to_change_is_an_empty_patch(document: dict[str, object]) -> None:
    assert difference(document, document) == {}


def test_events_are_read_with_their_ids() -> None:
    reader = Reader()
    lines = ["retry: 1000", "id: 4", ": from 4", "", "id: 5", "event: x", "data: {}", "data:2", ""]
    assert [m for line in lines if (m := reader.feed(line))] == [Message("{}\n2", "x", "5")]
    assert reader.last_id == "5"


def test_an_event_that_was_cut_is_not_told_and_its_id_is_where_to_go_on_from() -> None:
    reader = Reader("3")
    assert reader.feed("data: half") is None
    assert reader.last_id == "3"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5 parsecs", "-5s", "1h 30m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)


def test_times_are_ago_or_absolute() -> None:
    assert instant_of("10m", NOW) == NOW - timedelta(minutes=10)
    assert instant_of("2026-05-01T12:00:00+02:00", NOW) == NOW - timedelta(hours=2)
    for text in ("yesterday", "9" * 40 + "d", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(ValueError, match="is not a time"):
            instant_of(text, NOW)


@given(st.integers(0, 10**8))
def test_an_age_is_short_and_never_negative(seconds: int) -> None:
    assert len(age(NOW - timedelta(seconds=seconds), NOW)) <= 5
    assert age(NOW + timedelta(seconds=seconds), NOW) == "0s"
