"""Where snapshots along the log are kept.

`PostgresSnapshots` (postgres_snapshots.py) is the real one; both pass
tests/contracts/test_snapshot_store.py.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from events.ids import Position
from events.log import EventLog
from projections.snapshot import Snapshot


class SnapshotStore(Protocol):
    """Snapshots of one generation of views."""

    async def positions(self) -> Sequence[Position]:
        """Where there are some, ascending. Errors: StoreUnavailable."""
        ...

    async def get(self, position: Position) -> Snapshot | None:
        """That one; None if there is none, or if the log has another event there.

        Errors: StoreUnavailable.
        """
        ...

    async def put(self, snapshot: Snapshot) -> None:
        """Keep it; there may be one already. Errors: StoreUnavailable."""
        ...

    async def remove(self, positions: Collection[Position]) -> None:
        """These are not needed. Errors: StoreUnavailable."""
        ...


class MemorySnapshots:
    """Snapshots in memory. For tests and rehearsals."""

    def __init__(self, log: EventLog) -> None:
        self.kept: dict[Position, Snapshot] = {}
        self._log = log

    async def positions(self) -> Sequence[Position]:
        """See SnapshotStore."""
        return sorted(self.kept)

    async def get(self, position: Position) -> Snapshot | None:
        """See SnapshotStore."""
        snapshot = self.kept.get(position)
        events = await self._log.read(Position(position - 1), limit=1)
        agrees = snapshot is not None and [each.hash for each in events] == [snapshot.head.hash]
        return snapshot if agrees else None

    async def put(self, snapshot: Snapshot) -> None:
        """See SnapshotStore."""
        self.kept[snapshot.head.position] = snapshot

    async def remove(self, positions: Collection[Position]) -> None:
        """See SnapshotStore."""
        for position in positions:
            self.kept.pop(position, None)
