"""A log from elsewhere: all of it into an empty log, or nothing at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.chaining import BEGINNING, ChainBroken, Place, Stored, Verification
from events.envelope import GENESIS, Recorded, stored_of
from events.export import Header, LogPacker, LogReader
from events.ids import START
from events.log import StoreUnavailable
from events.postgres_import import ImportRefused, LogNotEmpty, import_log
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from events.postgres_stored import PostgresStored
from events.verification import walk
from projections.world import World, fold
from tests.ecn.deciders.histories import History, histories
from tests.events.builders import batch
from tests.events.future import from_the_future
from tests.events.test_export import rehashed

pytestmark = pytest.mark.postgres


class Source:
    """Events as they come from a file, followed on the way."""

    def __init__(self, events: Sequence[Stored], *, page: int = 4) -> None:
        self._events, self._page = events, page
        self._verification = Verification()

    async def pages(self) -> AsyncIterator[Sequence[Stored]]:
        """One after the other."""
        for start in range(0, len(self._events), self._page):
            page = self._events[start : start + self._page]
            self._verification.go_on(page)
            yield page

    def end(self) -> Place:
        """Of all."""
        return self._verification.end()


async def imported(pool: PostgresPool, events: Sequence[Stored]) -> Place:
    """Where the log ends then."""
    source = Source(events)
    return await import_log(pool, source.pages(), source.end)


async def is_empty(pool: PostgresPool) -> bool:
    """Whether the log is as on its first day."""
    async with PostgresStored(pool).reading() as reader:
        extent = await reader.extent()
    return (extent.noted, extent.first) == (BEGINNING, None)


def network() -> list[Recorded]:
    """Some events, one of them from the future."""
    events = batch(GENESIS, 10)
    events.append(from_the_future(events[-1].head))
    return [*events, *batch(events[-1].head, 5, first=10)]


async def test_an_imported_log_is_the_one_that_was_exported(
    postgres_pool: PostgresPool, postgres_log: PostgresLog
) -> None:
    events = network()
    end = await imported(postgres_pool, [stored_of(each) for each in events])
    assert await postgres_log.read(START) == events
    assert await postgres_log.head() == events[-1].head
    assert end == stored_of(events[-1]).place
    async with PostgresStored(postgres_pool).reading() as reader:
        assert [place async for place, _ in walk(reader)][-1] == end


async def test_life_goes_on_behind_what_was_imported(
    postgres_pool: PostgresPool, postgres_log: PostgresLog
) -> None:
    events = network()
    await imported(postgres_pool, [stored_of(each) for each in events])
    more = batch(events[-1].head, 2, first=70)
    await postgres_log.append(more, expected=events[-1].head)
    assert await postgres_log.read(START) == [*events, *more]
    async with postgres_pool.connection() as connection:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await connection.execute("delete from ecn.event where position = 3")


async def test_a_log_that_has_events_takes_no_other(
    postgres_pool: PostgresPool, postgres_log: PostgresLog
) -> None:
    mine = batch(GENESIS, 2, first=50)
    await postgres_log.append(mine, expected=GENESIS)
    with pytest.raises(LogNotEmpty, match=r"holds 2 events already.*new data folder"):
        await imported(postgres_pool, [stored_of(each) for each in network()])
    assert await postgres_log.read(START) == mine


async def test_a_log_that_is_broken_anywhere_leaves_nothing_behind(
    postgres_pool: PostgresPool,
) -> None:
    events = [stored_of(each) for each in network()]
    for position in (1, 7, len(events)):
        broken = [*events]
        broken[position - 1] = replace(events[position - 1], actor="nobody")
        with pytest.raises(ChainBroken) as found:
            await imported(postgres_pool, broken)
        assert found.value.position == position
        assert await is_empty(postgres_pool)


async def test_what_is_only_found_at_the_end_takes_everything_back(
    postgres_pool: PostgresPool,
) -> None:
    source = Source([stored_of(each) for each in network()])

    def cut() -> Place:
        raise ChainBroken(99, "it is missing")

    with pytest.raises(ChainBroken):
        await import_log(postgres_pool, source.pages(), cut)
    assert await is_empty(postgres_pool)


async def test_what_postgres_can_not_hold_is_refused_in_words(postgres_pool: PostgresPool) -> None:
    (event,) = [stored_of(each) for each in batch(GENESIS, 1)]
    with pytest.raises(ImportRefused, match="does not take these events"):
        await imported(postgres_pool, [rehashed(replace(event, actor="a\0b"))])
    with pytest.raises(ImportRefused, match="event 1 is of no time that there is"):
        await imported(postgres_pool, [rehashed(replace(event, microseconds=2**62))])
    assert await is_empty(postgres_pool)


async def test_a_controller_that_starts_meanwhile_waits_until_the_log_is_whole(
    postgres_pool: PostgresPool, postgres_log: PostgresLog
) -> None:
    events = network()
    stored = [stored_of(each) for each in events]
    half, go_on = asyncio.Event(), asyncio.Event()
    verification = Verification()

    async def pages() -> AsyncIterator[Sequence[Stored]]:
        yield stored[:5]
        half.set()
        await go_on.wait()
        yield stored[5:]

    def end() -> Place:
        verification.go_on(stored)
        return verification.end()

    async with asyncio.TaskGroup() as tasks:
        importing = tasks.create_task(import_log(postgres_pool, pages(), end))
        await half.wait()
        # Nothing is to be seen of it.
        assert await postgres_log.head() == GENESIS
        assert await postgres_log.read(START) == []
        with pytest.raises(StoreUnavailable):
            # A second import gives up soon, instead of waiting for the night to end.
            await imported(postgres_pool, stored)
        go_on.set()
        await importing
    assert await postgres_log.read(START) == events


async def emptied(dsn: str) -> None:
    """As new."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "alter table ecn.event disable trigger all; truncate ecn.event;"
            "update ecn.head set position = 0, hash = decode(repeat('00', 32), 'hex'),"
            "                    time = to_timestamp(0);"
            "alter table ecn.event enable always trigger event_is_append_only;"
            "alter table ecn.event enable always trigger event_is_never_truncated"
        )
    finally:
        await connection.close()


def packed(events: Sequence[Stored], page: int) -> bytes:
    """The file that an export of these events is."""
    header = Header(first=1, last=len(events), previous_hash=BEGINNING.hash.hex())
    packer = LogPacker(header)
    content = packer.begin()
    for start in range(0, len(events), page):
        content += packer.go_on(events[start : start + page])
    return content + packer.end()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories(), page=st.integers(1, 20))
def test_any_history_exported_and_imported_is_the_same_world(
    postgres_dsn: str, history: History, page: int
) -> None:
    """Commands, decided; exported; imported into Postgres; read, folded, and exported again."""
    exported = packed([stored_of(each) for each in history.log], page)

    async def there_and_back() -> None:
        await emptied(postgres_dsn)
        async with PostgresPool.open(postgres_dsn) as pool, PostgresLog.open(pool) as log:
            reader = LogReader()

            async def pages() -> AsyncIterator[Sequence[Stored]]:
                for start in range(0, len(exported), 100):
                    yield reader.feed(exported[start : start + 100])

            await import_log(pool, pages(), reader.finish)
            read = await log.read(START)
            assert [each.hash for each in read] == [each.hash for each in history.log]
            assert read == history.log
            assert fold(World(), read) == history.world
            async with PostgresStored(pool).reading() as stored:
                again = await stored.between(0, (await stored.extent()).last)
            assert packed(again, page) == exported

    asyncio.run(there_and_back())
