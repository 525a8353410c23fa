"""What agents say that is no history, in Postgres."""

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from ecn.agent_status import AgentStatus
from ecn.telemetry_store import STRACE_LIMIT, HardwareInfo, Trace
from events.ids import MicroserviceId, NodeId
from events.named_sql import load
from events.postgres_pool import PostgresPool

SQL = load("ecn", "sql/telemetry.sql")

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(AgentStatus).decode


class PostgresTelemetryStore:
    """See TelemetryStore."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def record(self, statuses: Mapping[NodeId, AgentStatus]) -> None:
        """See TelemetryStore."""
        if statuses:
            await self._pool.fetch(
                SQL["record"],
                list(statuses),
                [each.at for each in statuses.values()],
                [_ENCODE(each) for each in statuses.values()],
            )

    async def statuses(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, AgentStatus]:
        """See TelemetryStore."""
        rows = await self._pool.fetch(SQL["statuses"], list(node_ids))
        return {NodeId(row["node_id"]): _DECODE(row["status"]) for row in rows}

    async def put_hardware(self, node_id: NodeId, kind: str, info: str, now: datetime) -> None:
        """See TelemetryStore."""
        await self._pool.fetch(SQL["put_hardware"], node_id, kind, info.encode(), now)

    async def hardware(self, node_id: NodeId, kind: str) -> HardwareInfo | None:
        """See TelemetryStore."""
        for row in await self._pool.fetch(SQL["hardware"], node_id, kind):
            return HardwareInfo(
                number=row["number"],
                info=row["info"].decode(),
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
        return None

    async def append_trace(
        self, node_id: NodeId, microservice_id: MicroserviceId, text: bytes
    ) -> None:
        """See TelemetryStore. A connection that breaks may leave a piece twice: it is a trace."""
        if text:
            kept = text[-STRACE_LIMIT:]
            await self._pool.fetch(SQL["append_trace"], node_id, microservice_id, kept)
            await self._pool.fetch(SQL["cut_trace"], microservice_id, STRACE_LIMIT)

    async def trace(self, microservice_id: MicroserviceId) -> Trace:
        """See TelemetryStore."""
        rows = await self._pool.fetch(SQL["trace"], microservice_id)
        return Trace(b"".join(row["text"] for row in rows), any(row["follows_cut"] for row in rows))

    async def known(self) -> tuple[frozenset[NodeId], frozenset[MicroserviceId]]:
        """See TelemetryStore."""
        nodes = await self._pool.fetch(SQL["known_nodes"])
        traces = await self._pool.fetch(SQL["known_traces"])
        return (
            frozenset(NodeId(row["node_id"]) for row in nodes),
            frozenset(MicroserviceId(row["microservice_id"]) for row in traces),
        )

    async def forget(
        self, node_ids: Collection[NodeId], microservice_ids: Collection[MicroserviceId] = ()
    ) -> None:
        """See TelemetryStore."""
        if node_ids or microservice_ids:
            await self._pool.fetch(SQL["forget"], list(node_ids), list(microservice_ids))
