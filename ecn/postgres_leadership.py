"""Who leads: a Postgres advisory lock, held by a session and gone with it.

No lease to renew and no clock to trust: Postgres frees the lock the moment it learns that the
holder's connection has ended, which keepalives tell it even if the holder's machine vanished.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Self

from asyncpg import Connection

from events.log import StoreUnavailable
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated

SQL = load("ecn", "sql/presence.sql")

ANSWER_WITHIN = 3.0


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
            self._connection = await self._pool.connect("ecn-lead", statement_within=ANSWER_WITHIN)
        if name in self._led:
            # Not the lock again: a session can take it many times, and would have to free it so.
            await self._connection.fetchval(SQL["still_there"])
            return True
        if await self._connection.fetchval(SQL["try_lead"], _lock_of(name)):
            self._led.add(name)
        return name in self._led

    async def _resign(self) -> None:
        self._led.clear()
        connection, self._connection = self._connection, None
        if connection:
            await close(connection)


def _lock_of(name: str) -> int:
    """Advisory locks are named by 64-bit numbers, signed."""
    digest = blake2b(f"ecn leader {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
