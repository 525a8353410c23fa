"""What an agent tells of its containers, twins and instructions, and of its device."""

from datetime import datetime
from enum import StrEnum

from msgspec import Raw, Struct, field

from agent.contract.messages import DropReport, RouteStatus
from agent.contract.provisioning import Facts


class ContainerState(StrEnum):
    """Where a microservice stands. The words are explained in events/application.py."""

    WAITING = "waiting"
    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing-off"
    EXITED = "exited"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """What the health check says."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Passed(Struct, frozen=True, kw_only=True):
    """A transition between two that are told as one: see `ContainerStatus.between`."""

    state: ContainerState
    reason: str = ""
    exit_code: int | None = None
    health: Health = Health.NONE


class ContainerStatus(Struct, frozen=True, kw_only=True):
    """One transition of one container, or a run of the same ones: see `repeats`."""

    state: ContainerState
    reason: str = ""
    """For people: what happened, and what the agent will do next and when."""
    exit_code: int | None = None
    health: Health = Health.NONE
    container_id: str = ""
    image_digest: str = ""
    """`sha256:…` of the repository digest where there is one, else of the image itself."""
    restarts: int = 0
    revision: int = 0
    """Of the desired microservice that this speaks of."""
    at: datetime
    """The device's clock when it happened, aware."""
    repeats: int = 1
    """It happened so often, with the same `between` each two times; `at`, `restarts` and the words
    are of the last time. More than 1 only where nobody could be told meanwhile."""
    between: list[Passed] = field(default_factory=list)
    """What led from one time to the next, in its order, as it was the last time."""
    dropped: int = 0
    """So many transitions before it are not told at all: the device had no room for them."""
    since: datetime | None = None
    """When the first of those that are told as this one, or dropped before it, happened."""


class ContainerReport(Struct, frozen=True, kw_only=True):
    """A transition with its number: 1, 2, 3 … since the provisioning, told again until accepted.

    A number that is missing is of a transition that became a part of another: see `repeats`.
    """

    sequence: int
    microservice_id: str
    status: ContainerStatus


class TwinReport(Struct, frozen=True, kw_only=True):
    """A twin was changed on the device. Its number is of the same row as those of transitions."""

    sequence: int
    microservice_id: str
    section: str
    """desired or reported."""
    patch: Raw = field(default_factory=lambda: Raw(b"{}"))
    """Of desired properties: a JSON merge patch, to be decided at the controller."""
    whole: Raw = field(default_factory=lambda: Raw(b"{}"))
    """Of reported properties: all of them after the change."""
    base: int = 0
    """The version of the section that it was made from."""
    at: datetime


class OutcomeReport(Struct, frozen=True, kw_only=True):
    """What became of an instruction; numbered like transitions."""

    sequence: int
    told_at: int
    outcome: str
    """done, failed, undone."""
    detail: str = ""
    at: datetime


class PullProgress(Struct, frozen=True, kw_only=True):
    """How far a pull is, of compressed bytes. total 0: not known yet."""

    done_bytes: int
    total_bytes: int


class DeviceUsage(Struct, frozen=True, kw_only=True):
    """The device at this moment. Telemetry: replaced by the next."""

    cpu_percent: float = 0.0
    """Of all cores together."""
    memory_available_mib: int = 0
    disk_free_mib: int = 0
    """Where the agent's folder is, or the engine's where that has less."""
    agent_cpu_percent: float = 0.0
    """Of one core."""
    agent_memory_mib: float = 0.0
    pulls: dict[str, PullProgress] = field(default_factory=dict)
    """By microservice, while it waits for its image."""


class Report(Struct, frozen=True, kw_only=True):
    """What happened since the last accepted report. Empty ones serve as a sign of life."""

    facts: Facts | None = None
    """When they differ from those told last."""
    containers: list[ContainerReport] = field(default_factory=list)
    twins: list[TwinReport] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    drops: list[DropReport] = field(default_factory=list)
    usage: DeviceUsage | None = None
    routes: list[RouteStatus] | None = None
    """None: nothing is said of them this time."""
    goodbye: bool = False
    """The agent stops; its containers stay as they are."""


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """Reports up to this number are in the log, or were about things that are gone."""

    accepted_through: int
