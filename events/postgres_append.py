"""Appending: one connection of its own, one round trip, and the truth about what became of it.

A connection that breaks during an append leaves three possibilities: it took place, it did not,
or it still will, when a session that we can't reach any more gets to what we sent. The third is
excluded first, by ending that session; then a look at the log tells the first from the second.
"""

import asyncio
from collections.abc import Sequence
from secrets import token_hex

import asyncpg
from asyncpg import Connection

from events.envelope import Head, Recorded
from events.log import (
    DiskFull,
    HeadMoved,
    LogUnavailable,
    OutcomeUnknown,
    StoreUnavailable,
    check_appendable,
)
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, is_unavailable, translated

SQL = load("events", "sql/log.sql")

APPEND_WITHIN = 8.0
SETTLE_WITHIN = 10.0
"""Seconds to find out what became of an append: a failover of Postgres may take longer."""


class Appender:
    """Takes appends one at a time. `close` it."""

    def __init__(self, pool: PostgresPool, *, settle_within: float = SETTLE_WITHIN) -> None:
        self._pool = pool
        self._settle_within = settle_within
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._session = ""
        """What the server knows our connection by; no two ever share it."""
        self._lost: set[str] = set()
        """Sessions that we were cut off from in the middle, and that may still be at work."""

    async def append(self, events: Sequence[Recorded], expected: Head) -> None:
        """See EventLog."""
        check_appendable(events, expected)
        async with self._turn:
            done = await self._append(events, expected)
        if not done:
            raise HeadMoved(expected.position)

    async def no_session_lost(self) -> None:
        """Return when no append of ours can take place any more but by `append`.

        Errors: StoreUnavailable.
        """
        if self._lost:
            with translated():
                async with asyncio.timeout(APPEND_WITHIN), self._turn:
                    await self._connected()

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection:
            await close(self._connection)

    async def _append(self, events: Sequence[Recorded], expected: Head) -> bool:
        try:
            connection = await self._connected()
        except StoreUnavailable as e:
            raise LogUnavailable(f"nothing was appended: {e}") from e
        query, arguments = _asked(events, expected)
        try:
            return bool(await connection.fetchval(query, *arguments))
        except asyncio.CancelledError:
            self._cut_off(connection)
            raise
        except Exception as e:
            if _was_refused(e, connection):
                if not is_unavailable(e):
                    raise
                kind = DiskFull if isinstance(e, asyncpg.DiskFullError) else LogUnavailable
                raise kind(f"nothing was appended: {e}") from e
            self._cut_off(connection)
            if not events:
                raise LogUnavailable(f"the log could not be asked: {e}") from e
            return await self._settled(events, e)

    async def _settled(self, events: Sequence[Recorded], cause: Exception) -> bool:
        """Whether the append took place (True) or another did (False); LogUnavailable if none."""
        pause = 0.05
        try:
            async with asyncio.timeout(self._settle_within):
                while True:
                    try:
                        connection = await self._connected()
                        with translated():
                            digest = await connection.fetchval(SQL["hash_at"], events[0].position)
                        break
                    except StoreUnavailable:
                        await asyncio.sleep(pause)
                        pause = min(pause * 2, 1.0)
        except TimeoutError:
            raise OutcomeUnknown(
                f"the connection broke while events from {events[0].position} on were appended, "
                f"and the database did not answer for {self._settle_within:g} seconds"
            ) from cause
        if digest is None:
            raise LogUnavailable("the connection broke, and nothing was appended") from cause
        return bool(digest == events[0].hash)

    async def _connected(self) -> Connection:
        """A connection that works as far as we know, and no lost session beside it."""
        if self._connection is None or self._connection.is_closed():
            session = f"ecn-append-{token_hex(8)}"
            connection = await self._pool.connect(
                session, statement_within=APPEND_WITHIN, one_statement=True
            )
            try:
                await self._end_lost_sessions(connection)
            except BaseException:
                connection.terminate()
                raise
            self._connection, self._session = connection, session
        return self._connection

    async def _end_lost_sessions(self, connection: Connection) -> None:
        """Until the server has none of them: what such a session did is visible to all by then.

        Waiting for the lock on the head would not do: the session may not have asked for it yet.
        """
        with translated():
            async with asyncio.timeout(APPEND_WITHIN):
                while self._lost:
                    if not await connection.fetch(SQL["end_sessions"], list(self._lost)):
                        break
                    await asyncio.sleep(0.02)
        self._lost.clear()

    def _cut_off(self, connection: Connection) -> None:
        self._lost.add(self._session)
        self._connection = None
        connection.terminate()


def _asked(events: Sequence[Recorded], expected: Head) -> tuple[str, tuple[object, ...]]:
    if not events:
        return SQL["still_at"], (expected.position, expected.hash)
    return SQL["append"], (
        expected.position,
        expected.hash,
        [event.time for event in events],
        [event.subject for event in events],
        [event.type for event in events],
        [event.data for event in events],
        [event.actor for event in events],
        [event.command_id for event in events],
        [event.correlation_id for event in events],
        [event.causation_id for event in events],
        b"".join([event.hash for event in events]),
    )


def _was_refused(error: Exception, connection: Connection) -> bool:
    """The server answered in order: its transaction is rolled back, and the session goes on.

    Not so after FATAL: a session may be told to end when it has committed and not yet said so.
    """
    match error:
        case asyncpg.StatementCompletionUnknownError():
            return False
        case asyncpg.PostgresError():
            return error.severity_en == "ERROR" and not connection.is_closed()
        case asyncpg.DataError():
            return True  # never sent: an argument does not fit
        case _:
            return False
