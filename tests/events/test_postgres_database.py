"""The shape of the database: brought up to date once, refused when it is another's, append-only."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from events.envelope import GENESIS, ChainBroken, verify
from events.ids import START
from events.log import LogDamaged, StoreUnavailable
from events.migrations import DatabaseIsNewer, MayNotMigrate, MigrationDiffers, known_migrations
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.events.builders import NOON, batch, minutes_apart, started

pytestmark = pytest.mark.postgres


async def test_controllers_that_start_together_migrate_once(empty_database_dsn: str) -> None:
    async def start() -> None:
        async with PostgresPool.open(empty_database_dsn):
            pass

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(start())
    async with PostgresPool.open(empty_database_dsn) as pool:
        rows = await pool.fetch("select version from ecn.schema_migration order by version")
    assert [row["version"] for row in rows] == [each.version for each in known_migrations()]


async def test_a_database_that_a_newer_program_changed_is_refused(postgres_dsn: str) -> None:
    async with PostgresPool.open(postgres_dsn) as pool, pool.connection() as connection:
        await connection.execute(
            "insert into ecn.schema_migration values (9999, 'from_the_future', '')"
        )
    with pytest.raises(DatabaseIsNewer, match=r"version 9999.*update this controller"):
        async with PostgresPool.open(postgres_dsn):
            pass


async def test_a_database_that_other_files_made_is_refused(postgres_dsn: str) -> None:
    async with PostgresPool.open(postgres_dsn) as pool, pool.connection() as connection:
        await connection.execute("update ecn.schema_migration set sha256 = '' where version = 1")
    with pytest.raises(MigrationDiffers, match="0001"):
        async with PostgresPool.open(postgres_dsn):
            pass


async def test_a_role_without_the_right_to_make_tables_is_told_what_it_needs(
    empty_database_dsn: str,
) -> None:
    async with PostgresPool.open(empty_database_dsn) as pool, pool.connection() as connection:
        await connection.execute("drop schema ecn cascade")
        await connection.execute("create role guest login password 'guest'")
    address = urlsplit(empty_database_dsn)
    as_guest = urlunsplit(address._replace(netloc="guest:guest@"))
    with pytest.raises(MayNotMigrate, match="grant it CREATE"):
        async with PostgresPool.open(as_guest):
            pass


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        async with PostgresPool.open("postgresql://ecn@127.0.0.1:1/ecn"):
            pass


@pytest.mark.parametrize(
    "statement",
    [
        "update ecn.event set actor = 'nobody'",
        "delete from ecn.event where position = 1",
        "truncate ecn.event",
        "set session_replication_role = replica; delete from ecn.event",
    ],
)
async def test_the_log_refuses_to_be_changed(
    statement: str, postgres_log: PostgresLog, postgres_pool: PostgresPool
) -> None:
    events = batch(GENESIS, 2)
    await postgres_log.append(events, expected=GENESIS)
    async with postgres_pool.connection() as connection:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await connection.execute(statement)
    assert await postgres_log.read(START) == events


async def test_who_changes_it_all_the_same_is_found_by_the_chain(
    postgres_log: PostgresLog, postgres_pool: PostgresPool
) -> None:
    await postgres_log.append(batch(GENESIS, 3), expected=GENESIS)
    async with postgres_pool.connection() as connection:
        await connection.execute("drop trigger event_is_append_only on ecn.event")
        await connection.execute("update ecn.event set actor = 'nobody' where position = 2")
    with pytest.raises(ChainBroken, match="event 2: its content"):
        verify(GENESIS, await postgres_log.read(START))


@pytest.mark.parametrize("data", [b"{}", b"no json", b"\xff", b'{"type": 1}'])
async def test_an_event_that_does_not_read_is_named(
    data: bytes, postgres_log: PostgresLog, postgres_pool: PostgresPool
) -> None:
    await postgres_log.append(batch(GENESIS, 3), expected=GENESIS)
    async with postgres_pool.connection() as connection:
        await connection.execute("drop trigger event_is_append_only on ecn.event")
        await connection.execute("update ecn.event set data = $1 where position = 2", data)
    with pytest.raises(LogDamaged, match=r"event 2 does not read.*ecn verify") as raised:
        await postgres_log.read(START)
    assert raised.value.position == 2


async def test_times_are_kept_to_the_microsecond(postgres_log: PostgresLog) -> None:
    head = GENESIS
    events = []
    for microseconds in (0, 1, 999_999, 1_000_001):
        events += batch(head, now=NOON + timedelta(microseconds=microseconds))
        head = events[-1].head
    await postgres_log.append(events, expected=GENESIS)
    assert await postgres_log.read(START) == events
    assert await postgres_log.head() == head


async def test_people_can_read_the_events_in_sql(
    postgres_log: PostgresLog, postgres_pool: PostgresPool
) -> None:
    await postgres_log.append(minutes_apart(GENESIS, [started(1)]), expected=GENESIS)
    (row,) = await postgres_pool.fetch(
        "select payload ->> 'application_id' as id, payload ->> 'type' as type from ecn.event_text"
    )
    assert row["id"] == f"{1:032x}"
    assert row["type"] == "application.started.v1"
    (odd,) = await postgres_pool.fetch(
        r"""select ecn.payload_of('{"a": "\\u0000"}'::bytea) #>> '{}' as text"""
    )
    assert odd["text"] == r'{"a": "\u0000"}'
