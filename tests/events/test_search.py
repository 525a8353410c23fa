"""Searches in bounded steps: the same events as in one, however the pages are cut."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events import search as module
from events.envelope import EPOCH, GENESIS, Recorded
from events.filter import EventFilter
from events.ids import START, Position
from events.log import MemoryLog
from events.search import search
from tests.events.builders import NOON, minutes_apart, started

EVENTS = minutes_apart(GENESIS, [started(n % 7, actor=f"user/{n % 3}") for n in range(60)])
FILTERS = (
    EventFilter(),
    EventFilter(subject=EVENTS[3].subject),
    EventFilter(actors={"user/1"}, subject_prefix="application/"),
    EventFilter(since=NOON + timedelta(minutes=20), until=NOON + timedelta(minutes=41)),
    EventFilter(since=EPOCH - timedelta(days=1)),
    EventFilter(until=EPOCH - timedelta(days=1)),
    EventFilter(type="nothing.happened.v1"),
)


class Log(MemoryLog):
    """Notes the stretches that it is searched in."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    async def search(
        self,
        wanted: EventFilter,
        *,
        after: Position = START,
        before: Position | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> list[Recorded]:
        """See EventLog."""
        assert before is not None
        self.widths.append(before - after - 1)
        return await super().search(
            wanted, after=after, before=before, limit=limit, descending=descending
        )


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that is so much later each time it is looked at."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += seconds
        return now

    return clock


async def filled() -> Log:
    """A log with EVENTS."""
    log = Log()
    await log.append(EVENTS, expected=GENESIS)
    return log


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that sixty events are many steps."""
    monkeypatch.setattr(module, "FIRST_STEP", 4)
    monkeypatch.setattr(module, "LARGEST_STEP", 16)


@settings(max_examples=200, deadline=None)
@given(
    wanted=st.sampled_from(FILTERS),
    after=st.integers(0, 62),
    before=st.integers(0, 62),
    limit=st.integers(1, 20),
    descending=st.booleans(),
    slowness=st.sampled_from([0.0, 0.03, 0.2, 1.0]),
)
def test_page_by_page_it_finds_what_one_search_finds(
    wanted: EventFilter, after: int, before: int, limit: int, descending: bool, slowness: float
) -> None:
    async def check() -> None:
        log = await filled()
        whole = await MemoryLog.search(
            log,
            wanted,
            after=Position(after),
            before=Position(before),
            limit=1000,
            descending=descending,
        )
        found: list[Recorded] = []
        low, high = Position(after), Position(before)
        for _ in range(200):
            page = await search(
                log,
                wanted,
                after=low,
                before=high,
                limit=limit,
                descending=descending,
                within=0.1,
                clock=ticking(slowness),
            )
            assert len(page.events) <= limit
            found += page.events
            if page.next is None:
                break
            assert page.next < high if descending else page.next > low, "no progress"
            low, high = (low, page.next) if descending else (page.next, high)
        assert found == whole

    asyncio.run(check())


async def test_a_search_that_takes_too_long_says_where_it_is() -> None:
    log = await filled()
    nowhere = EventFilter(type="nothing.happened.v1")
    page = await search(
        log, nowhere, before=Position(61), limit=5, descending=True, within=1, clock=ticking(0.7)
    )
    assert (page.events, page.next) == ([], 57)
    page = await search(log, nowhere, before=Position(61), limit=5, within=1, clock=ticking(0.7))
    assert (page.events, page.next) == ([], 4)


async def test_steps_grow_while_they_are_quick_and_shrink_when_they_are_slow() -> None:
    log = await filled()
    nowhere = EventFilter(type="nothing.happened.v1")
    await search(log, nowhere, before=Position(61), limit=5, within=9, clock=ticking(0.0))
    assert log.widths == [4, 16, 16, 16, 8]
    log.widths.clear()
    await search(log, nowhere, before=Position(16), limit=5, within=99, clock=ticking(0.6))
    assert log.widths == [4] + [1] * 11


async def test_a_time_narrows_what_is_looked_through() -> None:
    log = await filled()
    wanted = EventFilter(since=NOON + timedelta(minutes=56), type="nothing.happened.v1")
    page = await search(log, wanted, before=Position(61), limit=5, within=9, clock=ticking(0.0))
    assert (page.events, page.next, sum(log.widths)) == ([], None, 4)
