from hypothesis import given
from hypothesis import strategies as st

from routing.language import Reading
from routing.message import Message
from routing.selection import LEAST, Chosen, Way, chosen

OUTCOMES: dict[str, bool | None] = {"true": True, "false": False, "undefined": None}

_plain = st.builds(
    Way,
    route_id=st.uuids().map(str),
    sink=st.sampled_from(["a", "b", "upstream"]),
    priority=st.none() | st.integers(0, 9),
)


def _with(way: Way, outcome: str) -> Way:
    def condition(_: Reading) -> bool | None:
        return OUTCOMES[outcome]

    return Way(
        route_id=way.route_id,
        sink=way.sink,
        priority=way.priority,
        condition=None if outcome == "always" else condition,
    )


ways = st.lists(st.builds(_with, _plain, st.sampled_from([*OUTCOMES, "always"])), max_size=12)
READING = Reading(Message())


def outcome(way: Way) -> bool | None:
    return True if way.condition is None else way.condition(READING)


@given(ways)
def test_each_sink_that_is_hit_gets_one_copy(given: list[Way]) -> None:
    taken = chosen(given, READING).taken
    sinks = [way.sink for way in taken]
    assert len(sinks) == len(set(sinks))
    assert set(sinks) == {way.sink for way in given if outcome(way)}


@given(ways)
def test_none_that_is_more_urgent_is_left_for_the_one_taken(given: list[Way]) -> None:
    for way in chosen(given, READING).taken:
        rivals = [other for other in given if other.sink == way.sink and outcome(other)]
        best = min(LEAST if other.priority is None else other.priority for other in rivals)
        assert (LEAST if way.priority is None else way.priority) == best


@given(ways)
def test_those_that_are_undefined_are_told_and_not_taken(given: list[Way]) -> None:
    both = chosen(given, READING)
    assert list(both.undefined) == [way for way in given if outcome(way) is None]
    assert not set(map(id, both.taken)) & set(map(id, both.undefined))


def test_of_equals_the_first_is_taken() -> None:
    first, second = (Way(route_id=name, sink="a", priority=3) for name in ("one", "two"))
    assert chosen([first, second], READING) == Chosen((first,), ())


def test_a_message_that_no_way_takes_has_none() -> None:
    assert chosen([], READING) == Chosen((), ())
