"""When each node was last heard, shared by all controllers, and who among them looks after it.

Telemetry: kept beside the log, never in it. `PostgresPresenceStore` and `PostgresLeadership` are
the real ones; all pass tests/contracts/test_presence_store.py.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from events.ids import NodeId


class PresenceStore(Protocol):
    """The last sign of life of each node, whichever controller had it."""

    async def record(self, seen: Mapping[NodeId, datetime]) -> None:
        """These were heard then. An older time than the known one changes nothing.

        Errors: StoreUnavailable.
        """
        ...

    async def last_seen(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, datetime]:
        """When each of these was last heard; those never heard are left out.

        Errors: StoreUnavailable.
        """
        ...

    async def forget(self, node_ids: Collection[NodeId]) -> None:
        """These nodes are gone. Errors: StoreUnavailable."""
        ...


class Leadership(Protocol):
    """Who does what only one controller should do at a time."""

    async def try_lead(self, name: str) -> bool:
        """Whether this controller leads in `name` now; asked before each round of that work.

        Once it leads, it does so until it ends or loses its connection to Postgres; another
        takes over within seconds. A leader that was cut off learns of it at its next question,
        so for a moment there can be two: what leaders do must be harmless if done twice.
        Errors: StoreUnavailable: it leads no more, as far as it knows.
        """
        ...


class MemoryPresenceStore:
    """The store of tests."""

    def __init__(self) -> None:
        self._seen: dict[NodeId, datetime] = {}

    async def record(self, seen: Mapping[NodeId, datetime]) -> None:
        """See PresenceStore."""
        for node_id, at in seen.items():
            self._seen[node_id] = max(at, self._seen.get(node_id, at))

    async def last_seen(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, datetime]:
        """See PresenceStore."""
        return {node_id: self._seen[node_id] for node_id in node_ids if node_id in self._seen}

    async def forget(self, node_ids: Collection[NodeId]) -> None:
        """See PresenceStore."""
        for node_id in node_ids:
            self._seen.pop(node_id, None)


class MemoryLeadership:
    """One of several that share `leaders`: name -> who leads."""

    def __init__(self, leaders: dict[str, "MemoryLeadership"]) -> None:
        self._leaders = leaders

    async def try_lead(self, name: str) -> bool:
        """See Leadership."""
        return self._leaders.setdefault(name, self) is self
