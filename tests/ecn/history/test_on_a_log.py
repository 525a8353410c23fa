"""Questions are answered alike from a list of events and from a real log."""

import pytest
from hypothesis import Phase, given, settings

from ecn.api.history import answered as answered_from
from ecn.history import why
from ecn.history.blame import blame
from ecn.history.subjects import gone, latest_of
from ecn.history.trees import KINDS
from events.envelope import GENESIS
from events.log import EventLog, MemoryLog
from projections.things import table_of
from tests.ecn.deciders.histories import History, histories
from tests.ecn.history.answering import answered


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def log(request: pytest.FixtureRequest) -> EventLog:
    if request.param == "memory":
        return MemoryLog()
    postgres_log: EventLog = request.getfixturevalue("postgres_log")
    return postgres_log


@pytest.fixture(scope="module")
def history() -> History:
    """The longest of some random ones: the same in each run."""
    found: list[History] = []

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    @given(histories())
    def look(each: History) -> None:
        found.append(each)

    look()
    return max(found, key=lambda each: len(each.log))


async def test_why_and_blame_are_the_same_from_any_log(log: EventLog, history: History) -> None:
    assert len(history.log) > 30
    await log.append(history.log, expected=GENESIS)
    world = history.world
    for subject in sorted(world.names):
        kind, _, key = subject.partition("/")
        if kind in why.KINDS:
            expected = answered(history.log, why.why(world, subject))
            assert await answered_from(log, why.why(world, subject)) == expected
        if kind in KINDS and key in table_of(world, kind):
            told = answered(history.log, blame(world, subject))
            assert await answered_from(log, blame(world, subject)) == told


async def test_of_things_of_one_name_the_last_is_found_in_any_log(
    log: EventLog, history: History
) -> None:
    await log.append(history.log, expected=GENESIS)
    world = history.world
    for subject, name in sorted(world.names.items()):
        kind = subject.partition("/")[0]
        bore = [each for portion in gone(world, kind, name) for each in portion]
        expected = answered(history.log, latest_of(world, bore))
        assert await answered_from(log, latest_of(world, bore)) == expected
        assert (expected is None) is not bool(bore)
