"""What an agent last said of itself and its containers, beyond what the log keeps. Pure.

Telemetry: it is replaced by the next word, and kept in tables made for it (telemetry_store.py).
The names are ioFog's, whose agents send it.
"""

from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from agent import contract
from ecn.route_traffic import RouteTraffic, heard


class ContainerUsage(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One container, as its agent saw it last."""

    state: str = ""
    """The agent's own word for it: STUCK_IN_RESTART, say."""
    percentage: float = 0
    """Of the image's pull."""
    start_time: int = 0
    """Milliseconds since 1970."""
    operating_duration: int = 0
    """Milliseconds."""
    cpu_usage: float = 0
    """Percent."""
    memory_usage: float = 0
    """Bytes."""


class AgentStatus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's last word."""

    at: datetime
    """When a controller heard it."""
    daemon_status: str = "UNKNOWN"
    daemon_operating_duration: int = 0
    """Milliseconds."""
    daemon_last_start: int = 0
    """Milliseconds since 1970, as all times but `at`."""
    memory_usage: float = 0
    """MiB of the agent itself."""
    disk_usage: float = 0
    """GiB of its messages."""
    cpu_usage: float = 0
    """Percent, of the agent itself."""
    memory_violation: bool | None = None
    """Whether it takes more than it may; None: never said."""
    disk_violation: bool | None = None
    cpu_violation: bool | None = None
    system_available_disk: int | None = None
    """Bytes."""
    system_available_memory: int | None = None
    system_total_cpu: float | None = None
    """Percent."""
    security_status: str = "OK"
    security_violation_info: str = "No violation"
    repository_count: int = 0
    repository_status: str | None = None
    """JSON, as the next."""
    microservice_message_counts: str | None = None
    processed_messages: int = 0
    message_speed: float = 0
    system_time: int = 0
    last_status_time: int = 0
    last_command_time: int = 0
    ip_address: str = "0.0.0.0"  # noqa: S104  # shown where nothing was said; nobody listens there
    ip_address_external: str = "0.0.0.0"  # noqa: S104
    tunnel_status: str = ""
    version: str | None = None
    ready_to_upgrade: bool = True
    ready_to_rollback: bool = False
    containers: Mapping[str, ContainerUsage] = field(default_factory=dict)
    """By the microservice's id."""
    routes: Mapping[str, RouteTraffic] = field(default_factory=dict)


LARGEST = 1 << 53
"""No whole number beyond is exact in JSON."""
_MIB = 1 << 20


def used(
    before: AgentStatus | None,
    said: contract.DeviceUsage,
    own: Collection[str],
    now: datetime,
) -> AgentStatus:
    """What is known of an agent of ours from now on. own: ids of its node's microservices."""
    return replace(
        before or AgentStatus(at=now),
        at=now,
        daemon_status="RUNNING",  # the word that ioFog's clients wait for
        system_total_cpu=_bounded(said.cpu_percent),
        system_available_memory=int(_bounded(said.memory_available_mib * _MIB)),
        system_available_disk=int(_bounded(said.disk_free_mib * _MIB)),
        cpu_usage=_bounded(said.agent_cpu_percent),
        memory_usage=_bounded(said.agent_memory_mib),
        containers={
            key: ContainerUsage(percentage=percent_of(pull))
            for key, pull in said.pulls.items()
            if key in own
        },
    )


def routed(
    before: AgentStatus | None,
    said: Iterable[contract.RouteStatus],
    known: Container[str],
    now: datetime,
) -> AgentStatus:
    """What is known of an agent that tells of its routes. known: the routes that there are."""
    status = before or AgentStatus(at=now)
    return replace(status, at=now, routes=heard(status.routes, said, known, now))


def percent_of(pull: contract.PullProgress) -> float:
    """0 while nothing is known; 100 is for a pull that is over."""
    if pull.total_bytes <= 0:
        return 0.0
    return round(min(max(100.0 * pull.done_bytes / pull.total_bytes, 0.0), 99.9), 1)


def _bounded(number: float) -> float:
    return max(0.0, min(float(number), float(LARGEST)))
