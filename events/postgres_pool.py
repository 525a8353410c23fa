"""Connections to Postgres: a small pool for questions, single ones for who needs their own.

What asyncpg raises ends here: those who ask get StoreUnavailable, or a bug of theirs as it is.
Every wait is bounded: connecting, waiting for a free connection, a statement, a lock.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import Self

import asyncpg
from asyncpg import Connection, Record
from asyncpg.pool import PoolConnectionProxy

from events.log import StoreUnavailable
from events.postgres_migrate import migrate

CONNECT_WITHIN = 5.0
STATEMENT_WITHIN = 30.0
LOCK_WITHIN = 5.0
MIGRATE_WITHIN = 600.0
CLIENT_GRACE = 2.0
"""Seconds. The server gives up first, and says so in order; the client's own bound comes later."""

# Statuses of an orderly refusal that is not the caller's mistake: connection, authorization,
# database missing, resources, operator, system, rollback; read-only standby, lock not available.
_UNAVAILABLE = ("08", "28", "3D", "40", "53", "57", "58", "XX", "25006", "55P03")


class PostgresPool:
    """The database of one controller. Made by `open`, which also brings it up to date."""

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        self._dsn = dsn
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, *, size: int = 4) -> AsyncIterator[Self]:
        """Connect, apply what migrations are missing, and close everything at the end.

        dsn: `postgresql://user:password@host/database`; sslmode and the like as in libpq.
        Errors: StoreUnavailable, MigrationRefused.
        """
        with translated():
            connection = await _connect(dsn, "ecn-migrate", statement_within=MIGRATE_WITHIN)
            try:
                await migrate(connection)
            finally:
                await close(connection)
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=size,
                timeout=CONNECT_WITHIN,
                command_timeout=STATEMENT_WITHIN + CLIENT_GRACE,
                server_settings=_settings("ecn", STATEMENT_WITHIN),
                # asyncpg's own undoes what a session was set to, by one more round trip each
                # time; nobody here sets anything.
                reset=_nothing_to_reset,
            )
        try:
            yield cls(dsn, pool)
        finally:
            try:
                async with asyncio.timeout(CLIENT_GRACE):
                    await pool.close()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pool.terminate()

    async def fetch(
        self, query: str, *arguments: object, within: float = STATEMENT_WITHIN + CLIENT_GRACE
    ) -> list[Record]:
        """All rows of a query that may be asked twice: it changes nothing, or to the same again.

        within: seconds. Errors: StoreUnavailable.
        """
        with translated():
            try:
                return await self._fetch(query, arguments, within)
            except (ConnectionError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
                # Broken long ago, maybe, while idle: once more, on another.
                return await self._fetch(query, arguments, within)

    async def _fetch(
        self, query: str, arguments: tuple[object, ...], within: float
    ) -> list[Record]:
        async with self._acquired() as connection:
            return await connection.fetch(query, *arguments, timeout=within)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy]:
        """One for several statements, a transaction say. Errors: StoreUnavailable."""
        with translated():
            async with self._acquired() as connection:
                yield connection

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[PoolConnectionProxy]:
        async with self._pool.acquire(timeout=CONNECT_WITHIN) as connection:
            try:
                yield connection
            except TimeoutError:
                # The server gives up before we do, so it is not there at all: it is not asked to
                # cancel, for which the pool would wait without a bound.
                connection.terminate()
                raise

    async def connect(
        self,
        name: str,
        *,
        statement_within: float = STATEMENT_WITHIN,
        idle_within: float = 0,
        one_statement: bool = False,
    ) -> Connection:
        """A connection outside of the pool, for the caller to `close`; the server calls it `name`.

        idle_within: seconds of silence after which the server ends the session; 0 is never.
        one_statement: it is for the same one for ever, which Postgres need not plan each time.
        Errors: StoreUnavailable. What the caller does with it, it puts into `translated`.
        """
        more = {"plan_cache_mode": "auto"} if one_statement else {}
        if idle_within:
            more["idle_session_timeout"] = str(round(idle_within * 1000))
        with translated():
            return await _connect(self._dsn, name, statement_within=statement_within, more=more)


async def close(connection: Connection) -> None:
    """Say goodbye, shortly: whatever hinders that ends the connection too."""
    try:
        await connection.close(timeout=1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what asyncpg raises when Postgres is away into StoreUnavailable."""
    try:
        yield
    except Exception as e:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # asyncpg tells of a time-out instead, where both come while it connects. Whoever was
            # cancelled has to end, and not to try again.
            raise asyncio.CancelledError from e
        if is_unavailable(e):
            reason = str(e) or type(e).__name__
            raise StoreUnavailable(f"the database can't be used now: {reason}") from e
        raise


def is_unavailable(error: Exception) -> bool:
    """Not the caller's mistake, and not there to stay."""
    match error:
        case asyncpg.DataError():
            return False  # an argument that does not fit: an InterfaceError by its class
        case asyncpg.PostgresError():
            return (error.sqlstate or "XX").startswith(_UNAVAILABLE)
        case _:
            return isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError))


async def _connect(
    dsn: str, name: str, *, statement_within: float, more: Mapping[str, str] = MappingProxyType({})
) -> Connection:
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_WITHIN,
        command_timeout=statement_within + CLIENT_GRACE,
        server_settings={**_settings(name, statement_within), **more},
    )


def _settings(name: str, statement_within: float) -> dict[str, str]:
    return {
        "application_name": name,
        "statement_timeout": str(round(statement_within * 1000)),
        "lock_timeout": str(round(min(LOCK_WITHIN, statement_within) * 1000)),
        "idle_in_transaction_session_timeout": "60000",
        # A client that vanished without a word is noticed, and its locks freed, in some seconds.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10000",
        "default_transaction_isolation": "read committed",
        # Filters that were not given fall out of the plan instead of spoiling it.
        "plan_cache_mode": "force_custom_plan",
        "timezone": "UTC",
    }


async def _nothing_to_reset(_: Connection) -> None:
    return
