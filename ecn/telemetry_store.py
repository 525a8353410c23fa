"""What agents say that is no history, shared by all controllers and kept over restarts.

Telemetry: beside the log, never in it. `PostgresTelemetryStore` is the real one; both pass
tests/contracts/test_telemetry_store.py.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ecn.agent_status import AgentStatus
from events.ids import MicroserviceId, NodeId

STRACE_LIMIT = 10_000_000
"""Bytes that are kept of one microservice's trace: the newest."""


class HardwareInfo(Struct, frozen=True, kw_only=True):
    """What a device's hardware abstraction found."""

    number: int
    """Which row it is, for answers that name one."""
    info: str
    """JSON text, as it came."""
    created_at: datetime
    updated_at: datetime


class Trace(Struct, frozen=True):
    """What was kept of a microservice's system calls."""

    text: bytes
    cut: bool
    """Whether the beginning was given up for what came later."""


class TelemetryStore(Protocol):
    """The last word of each agent, whichever controller heard it.

    Errors of all: StoreUnavailable.
    """

    async def record(self, statuses: Mapping[NodeId, AgentStatus]) -> None:
        """These were said. One that is older than the known one changes nothing."""
        ...

    async def statuses(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, AgentStatus]:
        """What these said last; who never said anything is left out."""
        ...

    async def put_hardware(self, node_id: NodeId, kind: str, info: str, now: datetime) -> None:
        """What the device has of that kind (`hw`, `usb`) is this now."""
        ...

    async def hardware(self, node_id: NodeId, kind: str) -> HardwareInfo | None:
        """What was said last, if anything."""
        ...

    async def append_trace(
        self, node_id: NodeId, microservice_id: MicroserviceId, text: bytes
    ) -> None:
        """More of a trace. Of more than STRACE_LIMIT the oldest pieces go."""
        ...

    async def trace(self, microservice_id: MicroserviceId) -> Trace:
        """All that is kept of it; empty where nothing is."""
        ...

    async def known(self) -> tuple[frozenset[NodeId], frozenset[MicroserviceId]]:
        """Of which nodes, and traces of which microservices, anything is kept."""
        ...

    async def forget(
        self, node_ids: Collection[NodeId], microservice_ids: Collection[MicroserviceId] = ()
    ) -> None:
        """These are gone: with a node all that it said, traces too."""
        ...


@dataclass
class _Piece:
    node_id: NodeId
    microservice_id: MicroserviceId
    text: bytes


class MemoryTelemetryStore:
    """The store of tests."""

    def __init__(self) -> None:
        self._statuses: dict[NodeId, AgentStatus] = {}
        self._hardware: dict[tuple[NodeId, str], HardwareInfo] = {}
        self._pieces: list[_Piece] = []
        self._cut: set[MicroserviceId] = set()

    async def record(self, statuses: Mapping[NodeId, AgentStatus]) -> None:
        """See TelemetryStore."""
        for node_id, status in statuses.items():
            known = self._statuses.get(node_id)
            if known is None or known.at <= status.at:
                self._statuses[node_id] = status

    async def statuses(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, AgentStatus]:
        """See TelemetryStore."""
        return {each: self._statuses[each] for each in node_ids if each in self._statuses}

    async def put_hardware(self, node_id: NodeId, kind: str, info: str, now: datetime) -> None:
        """See TelemetryStore."""
        before = self._hardware.get((node_id, kind))
        self._hardware[node_id, kind] = HardwareInfo(
            number=before.number if before else len(self._hardware) + 1,
            info=info,
            created_at=before.created_at if before else now,
            updated_at=now,
        )

    async def hardware(self, node_id: NodeId, kind: str) -> HardwareInfo | None:
        """See TelemetryStore."""
        return self._hardware.get((node_id, kind))

    async def append_trace(
        self, node_id: NodeId, microservice_id: MicroserviceId, text: bytes
    ) -> None:
        """See TelemetryStore."""
        if not text:
            return
        self._pieces.append(_Piece(node_id, microservice_id, text[-STRACE_LIMIT:]))
        total = 0
        for piece in list(reversed(self._pieces)):
            if piece.microservice_id != microservice_id:
                continue
            total += len(piece.text)
            if total > STRACE_LIMIT:
                self._pieces.remove(piece)
                self._cut.add(microservice_id)

    async def trace(self, microservice_id: MicroserviceId) -> Trace:
        """See TelemetryStore."""
        kept = [each.text for each in self._pieces if each.microservice_id == microservice_id]
        return Trace(b"".join(kept), microservice_id in self._cut)

    async def known(self) -> tuple[frozenset[NodeId], frozenset[MicroserviceId]]:
        """See TelemetryStore."""
        said = {*self._statuses, *(node_id for node_id, _ in self._hardware)}
        return (
            frozenset(said | {each.node_id for each in self._pieces}),
            frozenset(each.microservice_id for each in self._pieces),
        )

    async def forget(
        self, node_ids: Collection[NodeId], microservice_ids: Collection[MicroserviceId] = ()
    ) -> None:
        """See TelemetryStore."""
        for node_id in node_ids:
            self._statuses.pop(node_id, None)
        self._hardware = {
            key: value for key, value in self._hardware.items() if key[0] not in node_ids
        }
        gone = {each.microservice_id for each in self._pieces if each.node_id in node_ids}
        gone |= set(microservice_ids)
        self._pieces = [each for each in self._pieces if each.microservice_id not in gone]
        self._cut -= gone
