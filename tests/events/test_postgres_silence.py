"""A Postgres that says nothing at all: questions end in time, and whoever is cancelled is so."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events.log import StoreUnavailable
from events.postgres_pool import PostgresPool
from tests.fault_proxy import FaultProxy

pytestmark = pytest.mark.postgres


@pytest.fixture
async def proxy(postgres_dsn: str, open_folder: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(postgres_dsn, open_folder) as proxy:
        yield proxy


async def test_a_question_ends_within_its_time(proxy: FaultProxy) -> None:
    async with PostgresPool.open(proxy.dsn) as pool:
        await pool.fetch("select 1")
        proxy.flowing.clear()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await pool.fetch("select 1", within=0.5)
        assert time.monotonic() - began < 3
        # What was lost with the connection is not in the way of the next.
        proxy.forget()
        assert await pool.fetch("select 1")


@pytest.mark.parametrize("connected", [True, False])
async def test_who_is_cancelled_meanwhile_hears_of_that(proxy: FaultProxy, connected: bool) -> None:
    async with PostgresPool.open(proxy.dsn) as pool:
        if connected:
            await pool.fetch("select 1")
        proxy.flowing.clear()
        asking = asyncio.ensure_future(pool.fetch("select 1"))
        await asyncio.sleep(0.3)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await asking
        proxy.flowing.set()


async def test_a_bound_around_it_is_a_time_out(proxy: FaultProxy) -> None:
    async with PostgresPool.open(proxy.dsn) as pool:
        proxy.flowing.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await pool.fetch("select 1")
        proxy.flowing.set()
