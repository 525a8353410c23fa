"""What every presence store and every leadership promises."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ecn.postgres_leadership import PostgresLeadership
from ecn.postgres_presence import PostgresPresenceStore
from ecn.presence_store import (
    Leadership,
    MemoryLeadership,
    MemoryPresenceStore,
    PresenceStore,
)
from events.ids import NodeId
from events.postgres_pool import PostgresPool
from tests.events.builders import NOON

A, B, C = NodeId("a"), NodeId("b"), NodeId("c")
LATER = NOON + timedelta(seconds=5)

both = pytest.mark.parametrize(
    "kind", ["memory", pytest.param("postgres", marks=pytest.mark.postgres)]
)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> PresenceStore:
    if kind == "memory":
        return MemoryPresenceStore()
    return PostgresPresenceStore(request.getfixturevalue("postgres_pool"))


@both
async def test_the_latest_sign_of_life_counts(store: PresenceStore) -> None:
    await store.record({A: NOON, B: LATER})
    await store.record({A: LATER, B: NOON, C: NOON})
    assert await store.last_seen([A, B, C]) == {A: LATER, B: LATER, C: NOON}


@both
async def test_nodes_never_heard_or_forgotten_are_left_out(store: PresenceStore) -> None:
    await store.record({})
    assert await store.last_seen([A]) == {}
    await store.record({A: NOON, B: NOON})
    await store.forget([A, C])
    assert await store.last_seen([A, B]) == {B: NOON}
    assert await store.last_seen([]) == {}


@pytest.fixture
def pool(kind: str, request: pytest.FixtureRequest) -> PostgresPool | None:
    if kind == "memory":
        return None
    postgres_pool: PostgresPool = request.getfixturevalue("postgres_pool")
    return postgres_pool


@pytest.fixture
async def two(pool: PostgresPool | None) -> AsyncIterator[tuple[Leadership, Leadership]]:
    if pool is None:
        leaders: dict[str, MemoryLeadership] = {}
        yield MemoryLeadership(leaders), MemoryLeadership(leaders)
    else:
        async with PostgresLeadership.open(pool) as one, PostgresLeadership.open(pool) as other:
            yield one, other


@both
async def test_one_leads_and_goes_on_leading(two: tuple[Leadership, Leadership]) -> None:
    one, other = two
    for _ in range(3):
        assert await one.try_lead("sweeping")
        assert not await other.try_lead("sweeping")


@both
async def test_different_work_can_have_different_leaders(
    two: tuple[Leadership, Leadership],
) -> None:
    one, other = two
    assert await one.try_lead("sweeping")
    assert await other.try_lead("mopping")
    assert not await one.try_lead("mopping")
    assert await one.try_lead("sweeping")


@pytest.mark.postgres
async def test_another_takes_over_when_the_leader_closes(postgres_pool: PostgresPool) -> None:
    async with PostgresLeadership.open(postgres_pool) as other:
        async with PostgresLeadership.open(postgres_pool) as one:
            assert await one.try_lead("sweeping")
            assert not await other.try_lead("sweeping")
        assert await _leads_at_last(other)


@pytest.mark.postgres
async def test_another_takes_over_when_the_leader_loses_its_connection(
    postgres_pool: PostgresPool,
) -> None:
    async with (
        PostgresLeadership.open(postgres_pool) as one,
        PostgresLeadership.open(postgres_pool) as other,
    ):
        assert await one.try_lead("sweeping")
        await postgres_pool.fetch(
            "select pg_terminate_backend(pid, 2000) from pg_stat_activity "
            "where application_name = 'ecn-lead' and datname = current_database()"
        )
        assert await _leads_at_last(other)
        assert not await one.try_lead("sweeping")


async def _leads_at_last(leadership: Leadership) -> bool:
    for _ in range(100):
        if await leadership.try_lead("sweeping"):
            return True
        await asyncio.sleep(0.05)
    return False
