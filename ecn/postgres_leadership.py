"""Who leads: a Postgres advisory lock, held by a session and gone with it.

Postgres frees the lock the moment that the holder's connection ends: at once when the holder was
killed. A holder that vanished without a word is not told by keepalives where a proxy stands in
between and answers them, nor is one that hangs. So the session ends also when nothing was said on
it for a while, and a holder that is well says something often enough. Postgres measures the time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Self

import structlog
from asyncpg import Connection

from events.background import beside
from events.log import StoreUnavailable
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated

SQL = load("ecn", "sql/presence.sql")

ANSWER_WITHIN = 3.0
SAY_EVERY = 2.0
LAPSES_AFTER = 8.0
"""Seconds of silence. Room for three words that a busy holder was late with."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class PostgresLeadership:
    """See Leadership. Made by `open`; what it leads in, it gives up when the block ends."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._led: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, pool: PostgresPool) -> AsyncIterator[Self]:
        """Connects at the first question."""
        leadership = cls(pool)
        try:
            async with beside(leadership._keep()):
                yield leadership
        finally:
            await leadership._resign()

    async def try_lead(self, name: str) -> bool:
        """See Leadership."""
        async with self._turn:
            try:
                with translated():
                    return await self._ask(name)
            except (StoreUnavailable, asyncio.CancelledError):
                # Whether the session lives is not known: another must be able to take over.
                await self._resign()
                raise

    async def _ask(self, name: str) -> bool:
        if self._connection is None or self._connection.is_closed():
            self._led.clear()
            self._connection = await self._pool.connect(
                "ecn-lead", statement_within=ANSWER_WITHIN, idle_within=LAPSES_AFTER
            )
        if name in self._led:
            # Not the lock again: a session can take it many times, and would have to free it so.
            await self._connection.fetchval(SQL["still_there"])
            return True
        if await self._connection.fetchval(SQL["try_lead"], _lock_of(name)):
            self._led.add(name)
        return name in self._led

    async def _keep(self) -> None:
        """Say now and then that we are there, as long as we lead in anything."""
        while True:
            await asyncio.sleep(SAY_EVERY)
            async with self._turn:
                if self._led and self._connection is not None:
                    try:
                        with translated():
                            await self._connection.fetchval(SQL["still_there"])
                    except StoreUnavailable as e:
                        log.warning("leadership_lost", reason=str(e), led=sorted(self._led))
                        await self._resign()

    async def _resign(self) -> None:
        self._led.clear()
        connection, self._connection = self._connection, None
        if connection:
            await close(connection)


def _lock_of(name: str) -> int:
    """Advisory locks are named by 64-bit numbers, signed."""
    digest = blake2b(f"ecn leader {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
