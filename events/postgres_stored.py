"""The log as Postgres stores it: `StoredLog` over a connection of its own for each walk.

Times come as the bare number that is stored, because a damaged one may be no date at all.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asyncpg import Connection

from events.chaining import Place, Stored
from events.log import LogUnavailable, StoreUnavailable
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated
from events.stored import READERS, Extent, StoredReader, TooManyReaders

SQL = load("events", "sql/stored.sql")

POSTGRES_EPOCH = 946_684_800_000_000
"""Microseconds: Postgres counts from 2000-01-01, we from 1970-01-01."""


class PostgresStored:
    """See StoredLog."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._readers = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StoredReader]:
        """See StoredLog."""
        if self._readers >= READERS:
            raise TooManyReaders
        self._readers += 1
        try:
            with _as_log_errors():
                connection = await self._pool.connect("ecn-prove")
            try:
                with _as_log_errors(), translated():
                    await _with_bare_times(connection)
                yield _Reader(connection)
            finally:
                await close(connection)
        finally:
            self._readers -= 1


class _Reader:
    """See StoredReader."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def extent(self) -> Extent:
        """See StoredReader."""
        with _as_log_errors(), translated():
            row, *more = await self._connection.fetch(SQL["extent"])
        noted = None
        if row["only_row"] and not more:
            noted = Place(row["position"], row["hash"], row["time"])
        return Extent(noted, row["first"], row["last"])

    async def between(self, after: int, up_to: int) -> list[Stored]:
        """See StoredReader."""
        with _as_log_errors(), translated():
            rows = await self._connection.fetch(SQL["between"], after, up_to)
        return [Stored(*row) for row in rows]


async def _with_bare_times(connection: Connection) -> None:
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=lambda microseconds: (microseconds - POSTGRES_EPOCH,),
        decoder=lambda stored: stored[0] + POSTGRES_EPOCH,
        format="tuple",
    )


@contextmanager
def _as_log_errors() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as e:
        raise LogUnavailable(str(e)) from e
