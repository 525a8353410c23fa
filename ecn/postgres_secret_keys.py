"""The wrapped keys of secrets, in Postgres.

A destroyed key's bytes leave the table's file with the next vacuum, and backups when they are
rotated: until then the master key protects them.
"""

from ecn.secret_key_store import SecretKeyTaken
from events.named_sql import load
from events.postgres_pool import PostgresPool

SQL = load("ecn", "sql/secret_keys.sql")


class PostgresSecretKeyStore:
    """See SecretKeyStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def put(self, secret_id: str, wrapped: bytes) -> None:
        """See SecretKeyStore."""
        (row,) = await self._pool.fetch(SQL["put"], secret_id, wrapped)
        if row["wrapped_key"] != wrapped:
            raise SecretKeyTaken(secret_id)

    async def get(self, secret_id: str) -> bytes | None:
        """See SecretKeyStore."""
        for row in await self._pool.fetch(SQL["get"], secret_id):
            return bytes(row["wrapped_key"])
        return None

    async def destroy(self, secret_id: str) -> None:
        """See SecretKeyStore."""
        await self._pool.fetch(SQL["destroy"], secret_id)
