"""The wrapped keys of secrets, in Postgres.

A destroyed key's bytes leave the table's file with the next vacuum, and backups when they are
rotated: until then the master key protects them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from asyncpg import Record

from ecn.secret_key_store import SecretKeyTaken, WrappedKey
from events.named_sql import load
from events.postgres_pool import PostgresPool

SQL = load("ecn", "sql/secret_keys.sql")


class PostgresSecretKeyStore:
    """See SecretKeyStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def put(self, key: WrappedKey) -> None:
        """See SecretKeyStore."""
        (row,) = await self._pool.fetch(SQL["put"], key.secret_id, key.wrapped, key.master_key_id)
        if _key(row) != key:
            raise SecretKeyTaken(key.secret_id)

    async def get(self, secret_id: str) -> WrappedKey | None:
        """See SecretKeyStore."""
        for row in await self._pool.fetch(SQL["get"], secret_id):
            return _key(row)
        return None

    async def destroy(self, secret_ids: Collection[str]) -> None:
        """See SecretKeyStore."""
        await self._pool.fetch(SQL["destroy"], list(secret_ids))

    async def kept(self, secret_ids: Collection[str]) -> frozenset[str]:
        """See SecretKeyStore."""
        rows = await self._pool.fetch(SQL["kept"], list(secret_ids))
        return frozenset(row["secret_id"] for row in rows)

    async def stored_before(self, age: timedelta, *, after: str, limit: int) -> Sequence[str]:
        """See SecretKeyStore."""
        rows = await self._pool.fetch(SQL["stored_before"], age, after, limit)
        return [row["secret_id"] for row in rows]

    async def by_master_key(self) -> Mapping[str, int]:
        """See SecretKeyStore."""
        rows = await self._pool.fetch(SQL["by_master_key"])
        return {row["master_key_id"]: row["keys"] for row in rows}

    async def not_under(
        self, master_key_id: str, *, after: str, limit: int
    ) -> Sequence[WrappedKey]:
        """See SecretKeyStore."""
        rows = await self._pool.fetch(SQL["not_under"], master_key_id, after, limit)
        return [_key(row) for row in rows]

    async def rewrap(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """See SecretKeyStore."""
        rows = await self._pool.fetch(
            SQL["rewrap"],
            [old.secret_id for old, _ in keys],
            [old.wrapped for old, _ in keys],
            [new.wrapped for _, new in keys],
            [new.master_key_id for _, new in keys],
        )
        return len(rows)

    async def destroy_under(self, master_key_id: str) -> int:
        """See SecretKeyStore."""
        return len(await self._pool.fetch(SQL["destroy_under"], master_key_id))


def _key(row: Record) -> WrappedKey:
    return WrappedKey(
        secret_id=row["secret_id"],
        wrapped=bytes(row["wrapped_key"]),
        master_key_id=row["master_key_id"],
    )
