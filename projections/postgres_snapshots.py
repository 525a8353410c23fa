"""Snapshots in Postgres: `SnapshotStore`."""

from collections.abc import Collection, Sequence

from events.envelope import Head
from events.ids import Position
from events.named_sql import load
from events.postgres_pool import PostgresPool
from projections.generation import our_fingerprint
from projections.snapshot import Snapshot

SQL = load("projections", "sql/snapshots.sql")


class PostgresSnapshots:
    """See SnapshotStore."""

    def __init__(self, pool: PostgresPool, fingerprint: str | None = None) -> None:
        self._pool = pool
        self._fingerprint = fingerprint or our_fingerprint()

    async def positions(self) -> Sequence[Position]:
        """See SnapshotStore."""
        rows = await self._pool.fetch(SQL["positions"], self._fingerprint)
        return [Position(row["position"]) for row in rows]

    async def get(self, position: Position) -> Snapshot | None:
        """See SnapshotStore."""
        rows = await self._pool.fetch(SQL["get"], self._fingerprint, position)
        for row in rows:
            head = Head(Position(row["position"]), row["hash"], row["time"])
            return Snapshot(head=head, data=row["data"], checksum=row["checksum"])
        return None

    async def put(self, snapshot: Snapshot) -> None:
        """See SnapshotStore."""
        head = snapshot.head
        await self._pool.fetch(
            SQL["put"],
            self._fingerprint,
            head.position,
            head.hash,
            head.time,
            snapshot.data,
            snapshot.checksum,
        )

    async def remove(self, positions: Collection[Position]) -> None:
        """See SnapshotStore."""
        await self._pool.fetch(SQL["remove"], self._fingerprint, list(positions))
