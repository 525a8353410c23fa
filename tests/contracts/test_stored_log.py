"""What every stored log promises to those who prove it: in memory and in Postgres alike."""

import asyncio
from collections.abc import Callable

import pytest

from events.chaining import BEGINNING, Place
from events.envelope import GENESIS, Recorded, microseconds_of, stored_of
from events.log import EventLog, MemoryLog
from events.postgres_stored import PostgresStored
from events.stored import READERS, MemoryStored, StoredLog, TooManyReaders
from events.verification import walk
from tests.events.builders import batch
from tests.events.future import from_the_future

Both = tuple[EventLog, StoredLog]


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest) -> Both:
    """A log, and the same as it is stored."""
    if request.param == "memory":
        log = MemoryLog()
        return log, MemoryStored(log)
    fixture: Callable[[str], object] = request.getfixturevalue
    return fixture("postgres_log"), PostgresStored(fixture("postgres_pool"))  # type: ignore[return-value,arg-type]


async def appended(log: EventLog, size: int) -> list[Recorded]:
    """So many events, the last of a type that nobody knows."""
    events = batch(GENESIS, size - 1)
    events.append(from_the_future(events[-1].head))
    await log.append(events, expected=GENESIS)
    return events


async def test_an_empty_log_reaches_nowhere(both: Both) -> None:
    _, stored = both
    async with stored.reading() as reader:
        extent = await reader.extent()
        assert (extent.noted, extent.first, extent.last) == (BEGINNING, None, 0)
        assert await reader.between(0, 10) == []
        assert [step async for step in walk(reader)][-1] == (BEGINNING, 0)


async def test_what_is_stored_is_what_was_appended(both: Both) -> None:
    log, stored = both
    events = await appended(log, 5)
    async with stored.reading() as reader:
        extent = await reader.extent()
        head = events[-1].head
        assert extent.noted == Place(head.position, head.hash, microseconds_of(head.time))
        assert (extent.first, extent.last) == (1, 5)
        assert await reader.between(0, 5) == [stored_of(each) for each in events]
        assert await reader.between(1, 3) == [stored_of(each) for each in events[1:3]]
        assert await reader.between(4, 100) == [stored_of(events[4])]


async def test_a_log_as_it_was_is_proved(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.verification.PAGE", 4)
    log, stored = both
    events = await appended(log, 10)
    async with stored.reading() as reader:
        steps = [step async for step in walk(reader, {3: events[2].hash})]
    assert [(place.position, of) for place, of in steps] == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert steps[-1][0] == stored_of(events[-1]).place


async def test_a_log_that_grows_meanwhile_is_proved_as_far_as_it_was(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.verification.PAGE", 3)
    log, stored = both

    async def grow() -> None:
        head = GENESIS
        for number in range(60):
            events = batch(head, 3, first=number)
            await log.append(events, expected=head)
            head = events[-1].head
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        growing, ends = tasks.create_task(grow()), list[int]()
        while not growing.done():
            async with stored.reading() as reader:
                ends.append([place.position async for place, _ in walk(reader)][-1])
            await asyncio.sleep(0)
    assert ends == sorted(ends)
    async with stored.reading() as reader:
        assert [place.position async for place, _ in walk(reader)][-1] == 180


async def test_few_may_walk_at_a_time_and_each_makes_room_again(both: Both) -> None:
    _, stored = both
    readers = [stored.reading() for _ in range(READERS)]
    for each in readers:
        await each.__aenter__()
    with pytest.raises(TooManyReaders):
        async with stored.reading():
            pass
    for each in readers:
        await each.__aexit__(None, None, None)
    async with stored.reading():
        pass
