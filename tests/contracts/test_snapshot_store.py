"""What every store of snapshots promises."""

import pytest
from msgspec.structs import replace

from events.envelope import GENESIS
from events.ids import Position
from events.log import EventLog, MemoryLog
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.postgres_snapshots import PostgresSnapshots
from projections.snapshot import Snapshot, packed, unpacked
from projections.snapshot_store import MemorySnapshots, SnapshotStore
from projections.world import World, fold
from tests.builders import WEST, application, history, registered

LOG = history(registered(), registered(WEST), application())


def of(position: int) -> Snapshot:
    """The snapshot of that position."""
    return packed(fold(World(), LOG[:position]))


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def log(request: pytest.FixtureRequest) -> EventLog:
    if request.param == "memory":
        return MemoryLog()
    found: PostgresLog = request.getfixturevalue("postgres_log")
    return found


@pytest.fixture
def store(log: EventLog, request: pytest.FixtureRequest) -> SnapshotStore:
    if isinstance(log, MemoryLog):
        return MemorySnapshots(log)
    pool: PostgresPool = request.getfixturevalue("postgres_pool")
    return PostgresSnapshots(pool, "ours")


async def test_what_was_put_is_given_and_listed_in_order(
    log: EventLog, store: SnapshotStore
) -> None:
    await log.append(LOG, expected=GENESIS)
    assert await store.positions() == []
    for position in (3, 1):
        await store.put(of(position))
        await store.put(of(position))
    assert await store.positions() == [1, 3]
    found = await store.get(Position(3))
    assert found == of(3)
    assert found is not None
    assert unpacked(found) == fold(World(), LOG)
    assert await store.get(Position(2)) is None


async def test_a_snapshot_of_another_event_than_the_logs_is_not_given(
    log: EventLog, store: SnapshotStore
) -> None:
    await log.append(LOG[:2], expected=GENESIS)
    await store.put(of(3))
    wrong = of(2)
    await store.put(replace(wrong, head=replace(wrong.head, hash=bytes(32))))
    assert await store.get(Position(3)) is None
    assert await store.get(Position(2)) is None


async def test_what_was_removed_is_gone(log: EventLog, store: SnapshotStore) -> None:
    await log.append(LOG, expected=GENESIS)
    for position in (1, 2, 3):
        await store.put(of(position))
    await store.remove([Position(1), Position(3), Position(9)])
    await store.remove([])
    assert await store.positions() == [2]


@pytest.mark.postgres
async def test_snapshots_of_another_generation_are_not_seen(postgres_pool: PostgresPool) -> None:
    async with PostgresLog.open(postgres_pool) as log:
        await log.append(LOG, expected=GENESIS)
    ours, theirs = (PostgresSnapshots(postgres_pool, name) for name in ("ours", "theirs"))
    await theirs.put(of(2))
    assert await ours.positions() == []
    assert await ours.get(Position(2)) is None
