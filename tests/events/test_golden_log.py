"""The golden log: every version from now on reads it, proves it, and makes the same world of it.

A log is a promise to whoever wrote one. `golden/log.jsonl` is such a log, with every type of event
there is, and one that there is not; `golden/world.json` is what the API shows of it.

A new type, or a new version of one, is told at the end of `golden/story.py`; then

    python -m tests.events.golden.extend

appends its lines and tells the world anew. At each release, a row with the end of the log of then
goes into RELEASED. From then on no line up to it is ever edited, nor is the row: what fails here
then is a log of somebody's that can't be read any more, and wants an upcaster
(events/upcasting.py), not another golden log. Before the first tag there is no such row, and the
story may still be changed: delete log.jsonl and extend.

The world of later versions may say more than world.json does (a new field), never something else.
"""

import json

import pytest

from events.envelope import GENESIS, UnknownEvent, encode, verify
from events.ids import Position
from projections.world import World, fold
from tests.events.golden.reading import LOG, WORLD, documents, golden_events, golden_log
from tests.events.golden.story import UNKNOWN, UNKNOWN_DATA
from tests.events.strategies import event_types

RELEASED: dict[str, tuple[int, str]] = {}
"""Version -> position and hash of the golden log's end when it was tagged."""

FIRST = "bc63d1081008867605e9d826760626a13313b5948fba35e16b222ab23f3c1582"
LAST = "e5770252b75375f350c63aa2512938600de91c14085cab7562cb92aa68b56dba"
"""Written down here too, so that nobody changes the file and does not notice."""


def differences(golden: object, found: object, at: str = "") -> list[str]:
    """Where what is found says something else than the golden document; more it may say."""
    match golden, found:
        case dict(), dict():
            return [
                line
                for key, value in golden.items()
                for line in (
                    differences(value, found[key], f"{at}.{key}")
                    if key in found
                    else [f"{at}.{key} is gone"]
                )
            ]
        case list(), list() if len(golden) == len(found):
            pairs = enumerate(zip(golden, found, strict=True))
            return [
                line for i, (one, other) in pairs for line in differences(one, other, f"{at}[{i}]")
            ]
        case _:
            return [] if golden == found else [f"{at} was {golden!r} and is {found!r}"]


def test_it_has_every_type_that_there_is() -> None:
    told = {event.type for event in golden_events()}
    missing = {str(kind.__struct_config__.tag) for kind in event_types} - told
    assert not missing, f"tell of them at the end of golden/story.py, and extend: {missing}"


def test_its_chain_is_what_it_always_was() -> None:
    marks = {position: bytes.fromhex(digest) for position, digest in RELEASED.values()}
    events = golden_events(marks)
    assert (events[0].hash.hex(), events[-1].hash.hex()) == (FIRST, LAST)
    log = golden_log()
    assert verify(GENESIS, log) == log[-1].head


def test_every_event_of_a_known_type_is_read_and_the_other_one_is_kept() -> None:
    unknown = [event for event in golden_log() if isinstance(event.event, UnknownEvent)]
    assert [(event.type, event.data) for event in unknown] == [(UNKNOWN, UNKNOWN_DATA)]


def test_what_is_written_today_is_what_was_written_then() -> None:
    """Not a promise, as fields may be added, but nothing that should happen by mistake."""
    for event in golden_log():
        if not isinstance(event.event, UnknownEvent) and event.type == _tag(event.event):
            written = json.loads(encode(event.event))
            assert not differences(json.loads(event.data), written, event.type)


def test_the_event_from_the_future_is_folded_as_nothing() -> None:
    log = golden_log()
    (at,) = (place for place, event in enumerate(log) if event.type == UNKNOWN)
    before, behind = fold(World(), log[:at]), fold(World(), log[: at + 1])
    assert behind.position == Position(before.position + 1)
    for name in World.__struct_fields__:
        if name != "head":
            assert getattr(before, name) == getattr(behind, name), name


async def test_the_world_that_it_leads_to_is_the_golden_one() -> None:
    """Over HTTP, as the admin of then and the device of then: their tokens are in the log."""
    golden = json.loads(WORLD.read_bytes())
    found = json.loads(json.dumps(await documents(golden_log())))
    assert not differences(golden, found)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": [1, {"b": 2}], "c": 3}, []),
        ({"a": [1, {"b": 3}]}, [".a[1].b was 2 and is 3"]),
        ({"a": [1]}, [".a was [1, {'b': 2}] and is [1]"]),
        ({}, [".a is gone"]),
    ],
)
def test_a_difference_is_seen_and_said(found: object, said: list[str]) -> None:
    assert differences({"a": [1, {"b": 2}]}, found) == said


def _tag(event: object) -> str:
    return str(event.__struct_config__.tag)  # type: ignore[attr-defined]


def test_it_is_a_file_as_every_export_is() -> None:
    header, *_, trailer = [json.loads(line) for line in LOG.read_bytes().splitlines()]
    assert (header["format"], header["version"], trailer["hash"]) == ("ecn-log", 1, LAST)
