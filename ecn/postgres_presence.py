"""When nodes were last heard, in Postgres."""

from collections.abc import Collection, Mapping
from datetime import datetime

from events.ids import NodeId
from events.named_sql import load
from events.postgres_pool import PostgresPool

SQL = load("ecn", "sql/presence.sql")


class PostgresPresenceStore:
    """See PresenceStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def record(self, seen: Mapping[NodeId, datetime]) -> None:
        """See PresenceStore."""
        if seen:
            await self._pool.fetch(SQL["record"], list(seen.keys()), list(seen.values()))

    async def last_seen(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, datetime]:
        """See PresenceStore."""
        rows = await self._pool.fetch(SQL["last_seen"], list(node_ids))
        return {NodeId(row["node_id"]): row["seen_at"] for row in rows}

    async def forget(self, node_ids: Collection[NodeId]) -> None:
        """See PresenceStore."""
        await self._pool.fetch(SQL["forget"], list(node_ids))
