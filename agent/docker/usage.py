"""What containers use and what happens to them, in Docker's JSON. Pure.

Documents: https://docs.docker.com/reference/api/engine/ (written against 1.41).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from agent.contract import EngineEvent
from agent.lifecycle.engine import (
    LABEL_APPLICATION,
    LABEL_MICROSERVICE,
    LABEL_NAME,
    Used,
)

HAPPENINGS = (
    *("create", "start", "die", "oom", "kill", "stop", "restart", "pause", "unpause"),
    *("destroy", "health_status"),
)
"""What the engine is asked for. Not: exec and attach, which would tell of every health check."""


class _CpuUsage(Struct, frozen=True):
    total_usage: int = 0


class _Cpu(Struct, frozen=True):
    cpu_usage: _CpuUsage = _CpuUsage()


class _Memory(Struct, frozen=True):
    usage: int = 0
    limit: int = 0
    stats: dict[str, int] = field(default_factory=dict)


class _Network(Struct, frozen=True):
    rx_bytes: int = 0
    tx_bytes: int = 0


class _Blocks(Struct, frozen=True):
    op: str = ""
    value: int = 0


class _BlockIo(Struct, frozen=True):
    io_service_bytes_recursive: list[_Blocks] | None = None


class _Pids(Struct, frozen=True):
    current: int = 0


class Stats(Struct, frozen=True):
    """`GET /containers/{id}/stats`, as far as we read it."""

    read: datetime | None = None
    """When it was measured."""
    cpu_stats: _Cpu = _Cpu()
    memory_stats: _Memory = _Memory()
    networks: dict[str, _Network] | None = None
    blkio_stats: _BlockIo = _BlockIo()
    pids_stats: _Pids = _Pids()


def used(stats: Stats, *, now: datetime, own_limit: bool) -> Used:
    """What a container has used. own_limit: whether memory has one."""
    memory = stats.memory_stats
    # The page cache that can be dropped at any time is nobody's need: cgroup v2 and v1 names.
    cache = memory.stats.get("inactive_file", memory.stats.get("total_inactive_file", 0))
    networks = (stats.networks or {}).values()
    blocks = stats.blkio_stats.io_service_bytes_recursive or []
    return Used(
        at=stats.read or now,
        cpu_seconds=stats.cpu_stats.cpu_usage.total_usage / 1e9,
        memory_bytes=max(0, memory.usage - cache),
        memory_limit_bytes=memory.limit if own_limit else 0,
        received_bytes=sum(each.rx_bytes for each in networks),
        sent_bytes=sum(each.tx_bytes for each in networks),
        read_bytes=sum(each.value for each in blocks if each.op.lower() == "read"),
        written_bytes=sum(each.value for each in blocks if each.op.lower() == "write"),
        processes=stats.pids_stats.current,
    )


class _Actor(Struct, frozen=True, rename="pascal"):
    id: str = field(default="", name="ID")
    attributes: dict[str, str] = field(default_factory=dict)


class Message(Struct, frozen=True):
    """One line of `GET /events`."""

    actor: _Actor = field(default_factory=_Actor, name="Actor")
    action: str = field(default="", name="Action")
    nanoseconds: int = field(default=0, name="timeNano")


def happening(message: Message) -> EngineEvent | None:
    """What happened to one of ours; None for what is none of ours."""
    said = message.actor.attributes
    if LABEL_MICROSERVICE not in said:
        return None
    action, _, health = message.action.partition(": ")
    return EngineEvent(
        at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=message.nanoseconds // 1000),
        microservice_id=said[LABEL_MICROSERVICE],
        application=said.get(LABEL_APPLICATION, ""),
        name=said.get(LABEL_NAME, ""),
        action=action,
        container_id=message.actor.id,
        detail=health or _detail(action, said),
    )


def _detail(action: str, said: Mapping[str, str]) -> str:
    if action == "die":
        return f"exit code {said.get('exitCode', '?')}"
    if action == "kill":
        return f"signal {said.get('signal', '?')}"
    if action == "create":
        return f"image {said.get('image', '?')}"
    return ""
