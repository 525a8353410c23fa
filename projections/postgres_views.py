"""Rows of views in Postgres: `ViewStore`, each change with its checkpoint in one transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

import asyncpg
from asyncpg import Connection, Record

from events.envelope import GENESIS, Head
from events.ids import Position
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated
from projections.generation import SUM_BYTES, Kept, Row, our_fingerprint
from projections.view_store import PAGE, Change, CheckpointMoved, ViewReading

SQL = load("projections", "sql/views.sql")

LEFT_AFTER = 60.0
"""Seconds. People are shown another generation when nobody has written theirs for so long."""

REMOVED_AFTER = 24 * 3600.0
"""Seconds. So long the way back to the version before is a quick one."""

REMOVED_AT_ONCE = 5000
"""Rows of a generation that is left, taken out each time that somebody tends."""


class PostgresViews:
    """See ViewStore. Made by `open`."""

    def __init__(
        self,
        pool: PostgresPool,
        fingerprint: str,
        *,
        left_after: float = LEFT_AFTER,
        removed_after: float = REMOVED_AFTER,
    ) -> None:
        self.fingerprint = fingerprint
        self._pool = pool
        self._left_after = left_after
        self._removed_after = removed_after
        self._connection: Connection | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        pool: PostgresPool,
        fingerprint: str | None = None,
        *,
        left_after: float = LEFT_AFTER,
        removed_after: float = REMOVED_AFTER,
    ) -> AsyncIterator[Self]:
        """The generation of this program, unless told. It has a connection of its own to write."""
        views = cls(
            pool,
            fingerprint or our_fingerprint(),
            left_after=left_after,
            removed_after=removed_after,
        )
        try:
            yield views
        finally:
            await views._hang_up()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ViewReading]:
        """See ViewStore."""
        connection = await self._pool.connect("ecn-views")
        try:
            with translated():
                transaction = connection.transaction(isolation="repeatable_read", readonly=True)
                await transaction.start()
                found = await connection.fetchrow(SQL["kept"], self.fingerprint)
            yield _Reading(connection, found)
        finally:
            await close(connection)

    async def write(self, change: Change) -> None:
        """See ViewStore."""
        try:
            with translated():
                connection = self._connection
                if connection is None or connection.is_closed():
                    connection = self._connection = await self._pool.connect("ecn-views")
                async with connection.transaction():
                    await self._write(connection, change)
        except CheckpointMoved:
            raise
        except asyncpg.UniqueViolationError as e:
            # Two generations were begun at the same moment; the other one is current.
            raise CheckpointMoved from e
        except BaseException:
            # Cut off in the middle: the server undoes it, sooner on a connection that ends.
            await self._hang_up()
            raise

    async def _write(self, connection: Connection, change: Change) -> None:
        after = change.after
        sum_ = after.sum_.to_bytes(SUM_BYTES, "big")
        head = (after.head.position, after.head.hash, after.head.time, sum_)
        if change.before is None:
            generation = await connection.fetchval(SQL["begin"], self.fingerprint, *head)
        else:
            generation = await connection.fetchval(
                SQL["hold"],
                self.fingerprint,
                change.before.head.position,
                change.before.head.hash,
                change.before.sum_.to_bytes(SUM_BYTES, "big"),
                change.compared,
            )
        if generation is None:
            raise CheckpointMoved
        for start in range(0, len(change.puts), PAGE):
            views, keys, rows = zip(*change.puts[start : start + PAGE], strict=True)
            await connection.execute(SQL["put"], generation, views, keys, rows)
        for start in range(0, len(change.drops), PAGE):
            views, keys = zip(*change.drops[start : start + PAGE], strict=True)
            await connection.execute(SQL["drop"], generation, views, keys)
        if change.before is None:
            await self._show(connection, generation)
        else:
            await connection.execute(SQL["move"], generation, *head)

    @staticmethod
    async def _show(connection: Connection, generation: int) -> None:
        await connection.execute(SQL["nobody_is_current"])
        await connection.execute(SQL["is_current"], generation)

    async def doubt(self) -> None:
        """See ViewStore."""
        await self._pool.fetch(SQL["doubt"], self.fingerprint)

    async def tend(self) -> None:
        """See ViewStore."""
        doubted = False
        try:
            async with self._pool.connection() as connection, connection.transaction():
                ours = await connection.fetchrow(SQL["alive"], self.fingerprint)
                if ours is None:
                    raise CheckpointMoved
                doubted = ours["doubted"]
                if not ours["current"] and await connection.fetchval(
                    SQL["current_is_left"], self._left_after
                ):
                    await self._show(connection, ours["generation"])  # type: ignore[arg-type]
        except asyncpg.UniqueViolationError:
            return  # another one became it at the same moment
        for left in await self._pool.fetch(SQL["left_behind"], self._removed_after):
            await self._remove(left["generation"], left["fingerprint"])
        if doubted:
            raise CheckpointMoved

    async def _remove(self, generation: int, fingerprint: str) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            gone = await connection.execute(SQL["remove_rows"], generation, REMOVED_AT_ONCE)
            if gone == f"DELETE {REMOVED_AT_ONCE}":
                return  # the rest another time
            await connection.execute(SQL["remove_snapshots"], fingerprint)
            await connection.execute(SQL["remove"], generation)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)


class _Reading:
    """See ViewReading."""

    def __init__(self, connection: Connection, found: Record | None) -> None:
        self._connection = connection
        self._generation = found["generation"] if found is not None else 0
        self.kept: Kept | None = None
        self.doubted = self.log_agrees = False
        if found is not None:
            head = Head(Position(found["position"]), found["hash"], found["time"])
            self.kept = Kept(head=head, sum_=int.from_bytes(found["sum"], "big"))
            self.doubted = found["doubted"]
            in_log = found["log_hash"] if head.position else GENESIS.hash
            self.log_agrees = head.hash == in_log

    async def rows(self) -> AsyncIterator[Sequence[Row]]:
        """See ViewReading."""
        with translated():
            cursor = await self._connection.cursor(SQL["rows"], self._generation)
        while True:
            with translated():
                page = await cursor.fetch(PAGE)
            if not page:
                return
            yield [(view, key, row) for view, key, row in page]
