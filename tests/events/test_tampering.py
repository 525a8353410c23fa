"""Whoever changes the log in Postgres is found, at the event where it happened.

As a superuser can: triggers and constraints dropped, then one thing changed behind the back of
everybody.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations, product

import pytest
from asyncpg import Connection

from events.chaining import ChainBroken, Place
from events.envelope import GENESIS, Recorded, stored_of
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool, close
from events.postgres_stored import PostgresStored
from events.verification import walk
from tests.events.builders import batch

pytestmark = pytest.mark.postgres

SIZE = 9
PLACES = (1, 3, 4, 8, SIZE)
"""The ends, the edges of a page, and in between."""
COLUMNS = (
    *("position", "time", "subject", "type", "data", "actor", "command_id", "correlation_id"),
    *("causation_id", "previous_hash", "hash"),
)
UNLOCKED = """
    drop trigger event_is_append_only on ecn.event;
    alter table ecn.event drop constraint event_pkey;
    alter table ecn.event drop constraint event_position_check;
    alter table ecn.head drop constraint head_pkey;
    alter table ecn.head drop constraint head_only_row_check;
"""


@pytest.fixture(autouse=True)
def pages_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was done stands at the edge of a page, too."""
    monkeypatch.setattr("events.verification.PAGE", 3)


class Tampered:
    """A log in Postgres that one may do anything to."""

    def __init__(self, pool: PostgresPool, connection: Connection, events: list[Recorded]) -> None:
        self._stored = PostgresStored(pool)
        self._connection = connection
        self.events = events

    async def do(self, statement: str, *arguments: object) -> None:
        """One statement, which changes something."""
        status = await self._connection.execute(statement, *arguments)
        assert not status.endswith(" 0"), f"{statement} changed nothing"

    async def columns(self, table: str) -> list[str]:
        """All that the table has."""
        rows = await self._connection.fetch(
            "select column_name from information_schema.columns "
            "where table_schema = 'ecn' and table_name = $1",
            table,
        )
        return [row["column_name"] for row in rows]

    async def verified(self) -> Place:
        """Errors: ChainBroken."""
        async with self._stored.reading() as reader:
            return [place async for place, _ in walk(reader)][-1]

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """What is done in the block is as if it never was, behind it."""
        await self._connection.execute("create table before as select * from ecn.event")
        await self._connection.execute("create table before_head as select * from ecn.head")
        yield
        await self._connection.execute(
            "delete from ecn.event; insert into ecn.event select * from before; drop table before;"
            "delete from ecn.head; insert into ecn.head select * from before_head;"
            "drop table before_head"
        )
        assert await self.verified() == stored_of(self.events[-1]).place

    async def broken(self) -> ChainBroken:
        """It is, and here."""
        with pytest.raises(ChainBroken) as broken:
            await self.verified()
        return broken.value


@pytest.fixture
async def log(postgres_log: PostgresLog, postgres_pool: PostgresPool) -> AsyncIterator[Tampered]:
    """A log of some events, unlocked."""
    events: list[Recorded] = []
    for number in range(SIZE):
        head = events[-1].head if events else GENESIS
        events += batch(head, first=number)
    await postgres_log.append(events, expected=GENESIS)
    connection = await postgres_pool.connect("tamperer")
    await connection.execute(UNLOCKED)
    tampered = Tampered(postgres_pool, connection, events)
    assert await tampered.verified() == stored_of(events[-1]).place
    yield tampered
    await close(connection)


async def test_no_column_is_forgotten_here(log: Tampered) -> None:
    assert sorted(await log.columns("event")) == sorted(COLUMNS)
    assert sorted(await log.columns("head")) == ["hash", "only_row", "position", "time"]


TEXTS = ("subject", "type", "actor", "command_id", "correlation_id", "causation_id")
BYTES = ("data", "previous_hash", "hash")
CHANGES = [
    *((name, f"{name} || 'x'") for name in TEXTS),
    *((name, f"{name} || ' '") for name in TEXTS),
    # One bit of the first letter, where there is one.
    *(
        (name, f"overlay({name} placing chr(ascii({name}) # 1) from 1 for 1)")
        for name in TEXTS
        if name != "causation_id"
    ),
    *((name, f"set_bit({name}, 0, 1 - get_bit({name}, 0))") for name in BYTES),
    *((name, f"set_byte({name}, 9, get_byte({name}, 9) # 128)") for name in BYTES),
    *((name, f"substring({name} from 2)") for name in BYTES),
    *((name, f"{name} || '\\x00'::bytea") for name in BYTES),
    ("time", "time + interval '1 microsecond'"),
    ("time", "time - interval '1 microsecond'"),
    ("time", "time + interval '70000 years'"),
    ("time", "'infinity'"),
    ("time", "'-infinity'"),
]


@pytest.mark.parametrize("column", COLUMNS[1:])
async def test_a_change_of_a_column_is_found_where_it_is(log: Tampered, column: str) -> None:
    ways = [changed for name, changed in CHANGES if name == column]
    assert ways
    for changed in ways:
        for position in PLACES:
            async with log.undone():
                update = f"update ecn.event set {column} = {changed} where position = $1"
                await log.do(update, position)
                assert (await log.broken()).position == position, update


async def test_a_bit_of_a_position_is_found(log: Tampered) -> None:
    for position, bit in product(PLACES, (0, 1, 3, 5, 20, 62)):
        moved = position ^ (1 << bit)
        async with log.undone():
            await log.do("update ecn.event set position = $1 where position = $2", moved, position)
            broken = await log.broken()
            # It is missing where it was, if it does not stand in somebody else's place before.
            assert broken.position == (moved if moved < position else position)


async def test_a_position_before_the_beginning_is_found(log: Tampered) -> None:
    for moved in (0, -1, -(2**63)):
        async with log.undone():
            await log.do("update ecn.event set position = $1 where position = 4", moved)
            assert (await log.broken()).position == moved


async def test_two_events_that_changed_places_are_found(log: Tampered) -> None:
    for first, second in combinations(PLACES, 2):
        async with log.undone():
            await log.do(
                "update ecn.event set position = $1 + $2 - position where position in ($1, $2)",
                first,
                second,
            )
            assert (await log.broken()).position == first


async def test_an_event_that_is_missing_is_found(log: Tampered) -> None:
    for position in range(1, SIZE + 1):
        async with log.undone():
            await log.do("delete from ecn.event where position = $1", position)
            broken = await log.broken()
            assert (broken.position, broken.what[:14]) == (position, "it is missing:")


async def test_an_event_cut_out_and_the_rest_moved_up_is_found(log: Tampered) -> None:
    async with log.undone():
        await log.do("delete from ecn.event where position = 4")
        await log.do("update ecn.event set position = position - 1 where position > 4")
        assert (await log.broken()).position == 4


async def test_a_log_that_lost_its_events_is_found(log: Tampered) -> None:
    async with log.undone():
        await log.do("delete from ecn.event")
        assert (await log.broken()).position == 1


async def test_an_event_that_is_there_twice_is_found(log: Tampered) -> None:
    copied = f"insert into ecn.event select {', '.join(COLUMNS)} from ecn.event where position = $1"
    for position in range(1, SIZE + 1):
        async with log.undone():
            await log.do(copied, position)
            assert (await log.broken()).position == position


async def test_an_event_that_was_slipped_in_is_found(log: Tampered) -> None:
    others = ", ".join(COLUMNS[1:])
    for position in (1, 3, 5, SIZE):
        async with log.undone():
            await log.do(
                f"insert into ecn.event select $1 + 1, {others} from ecn.event where position = $1",
                position,
            )
            assert (await log.broken()).position == position + 1


async def test_a_forged_event_behind_the_end_is_found(log: Tampered) -> None:
    """One that follows in every way, and that the log does not know of."""
    (forged,) = batch(log.events[-1].head)
    stored = stored_of(forged)
    async with log.undone():
        await log.do(
            "insert into ecn.event select $1, time, $2, $3, $4, actor, $5, correlation_id, "
            "causation_id, $6, $7 from ecn.event where position = $8",
            *(stored.position, stored.subject, stored.type, stored.data, stored.command_id),
            *(stored.previous_hash, stored.hash, SIZE),
        )
        broken = await log.broken()
        assert broken.position == SIZE + 1
        assert broken.what == f"it lies behind {SIZE}, where the log is said to end"


ENDS = {
    "position = position + 1": SIZE + 1,
    "position = position - 1": SIZE,
    "position = position # (1::bigint << 40)": SIZE + 1,
    "position = -position": 1 - SIZE,
    "hash = set_bit(hash, 0, 1 - get_bit(hash, 0))": SIZE,
    "hash = set_byte(hash, 31, get_byte(hash, 31) # 128)": SIZE,
    "hash = ''": SIZE,
    "time = time + interval '1 microsecond'": SIZE,
    "time = 'infinity'": SIZE,
    "only_row = false": SIZE,
}


async def test_a_change_of_the_noted_end_is_found(log: Tampered) -> None:
    for changed, position in ENDS.items():
        async with log.undone():
            await log.do(f"update ecn.head set {changed}")
            assert (await log.broken()).position == position, changed


async def test_an_end_that_is_not_noted_is_found(log: Tampered) -> None:
    async with log.undone():
        await log.do("delete from ecn.head")
        assert (await log.broken()).position == SIZE
    async with log.undone():
        await log.do("insert into ecn.head select * from ecn.head")
        assert "or twice: see the table ecn.head" in (await log.broken()).what


async def test_a_log_cut_at_its_end_is_found_by_whoever_noted_more(log: Tampered) -> None:
    """Cut well, it is whole in itself: that is what checkpoints are for."""
    async with log.undone():
        last = log.events[-2]
        await log.do("delete from ecn.event where position = $1", SIZE)
        await log.do(
            "update ecn.head set position = $1, hash = $2, time = $3",
            *(last.position, last.hash, last.time),
        )
        assert (await log.verified()).position == SIZE - 1
        async with log._stored.reading() as reader:
            with pytest.raises(ChainBroken) as broken:
                [step async for step in walk(reader, {SIZE: log.events[-1].hash})]
        assert broken.value.position == SIZE


async def test_what_was_proved_before_the_fault_is_told(log: Tampered) -> None:
    async with log.undone():
        await log.do("update ecn.event set actor = 'x' where position = 5")
        assert (await log.broken()).proved == stored_of(log.events[3]).place
