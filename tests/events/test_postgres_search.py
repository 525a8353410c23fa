"""Searches in Postgres beside everything else that wants a connection."""

import asyncio

import pytest
from asyncpg import Record

from events.filter import EventFilter
from events.postgres_log import SEARCHES, PostgresLog
from events.postgres_pool import PostgresPool


@pytest.mark.postgres
async def test_however_many_search_others_find_a_connection(
    postgres_pool: PostgresPool, postgres_log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = 0, 0

    async def slow(_query: str, *_arguments: object) -> list[Record]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return []

    monkeypatch.setattr(postgres_pool, "fetch", slow)
    found = await asyncio.gather(*(postgres_log.search(EventFilter()) for _ in range(20)))
    assert found == [[]] * 20
    assert most == SEARCHES
