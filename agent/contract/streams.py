"""What the controller may ask an agent to stream, and what the agent then says line by line."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Raw, Struct, ValidationError, field, json


class StreamRequest(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Somebody at the controller waits: open a stream, or a session, of this id. Said once only."""

    request_id: str


class LogRequest(StreamRequest, frozen=True, kw_only=True, tag="logs"):
    """A container's log."""

    microservice_id: str
    tail: int | None = None
    """The last so many lines; None is all there are."""
    follow: bool = False
    since: datetime | None = None
    """From this very moment on."""
    timestamps: bool = False
    """An RFC 3339 time and a space before each line."""


class UsageRequest(StreamRequest, frozen=True, kw_only=True, tag="usage"):
    """What the node's containers use, as lines of `ContainerUsage`, until the reader leaves."""

    microservice_ids: list[str] = field(default_factory=list)
    """Empty: all of the node's."""
    interval: float = 2.0
    """Seconds."""
    once: bool = False


class EventsRequest(StreamRequest, frozen=True, kw_only=True, tag="events"):
    """What the engine says of the node's containers, as lines of `EngineEvent`."""

    microservice_ids: list[str] = field(default_factory=list)
    since: datetime | None = None
    follow: bool = True


class ExecRequest(StreamRequest, frozen=True, kw_only=True, tag="exec"):
    """A command in a container: open a session."""

    microservice_id: str
    command: list[str]
    input: bool = True
    """Whether it is given something to read."""
    terminal: bool = False
    width: int = 80
    height: int = 24
    longest: float = 28800.0
    """Seconds, as the next."""
    longest_idle: float = 1800.0


class ForwardRequest(StreamRequest, frozen=True, kw_only=True, tag="forward"):
    """Connections to ports: open a session. In the frames of STDIN are those of a multiplexer, from
    whoever connects, in the frames of STDOUT what is answered."""

    microservice_id: str = ""
    """Empty: the device itself."""
    ports: list[int]
    """The only ones that may be connected to."""
    longest: float = 28800.0
    """Seconds, as the next."""
    longest_idle: float = 1800.0


AnyStreamRequest = LogRequest | UsageRequest | EventsRequest | ExecRequest | ForwardRequest


def encoded_request(request: AnyStreamRequest) -> Raw:
    """As it stands in a `DesiredState`."""
    return Raw(json.encode(request))


def known_requests(said: Sequence[Raw]) -> list[AnyStreamRequest]:
    """Those of them that this version understands: a newer controller may ask for more."""
    known: list[AnyStreamRequest] = []
    for each in said:
        with suppress(ValidationError):
            known.append(json.decode(each, type=AnyStreamRequest))
    return known


class ContainerUsage(Struct, frozen=True, kw_only=True):
    """What one container uses at this moment."""

    microservice_id: str
    application: str
    name: str
    state: str
    cpu_percent: float = 0.0
    """Of one core."""
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    """0: none of its own."""
    received_bytes: int = 0
    """Over its network since it was started, as sent ones."""
    sent_bytes: int = 0
    read_bytes: int = 0
    """From disks since it was started, as written ones."""
    written_bytes: int = 0
    processes: int = 0
    at: datetime


class EngineEvent(Struct, frozen=True, kw_only=True):
    """One event of the engine about one container."""

    at: datetime
    microservice_id: str
    application: str
    name: str
    action: str
    """create, start, die, oom, kill, stop, destroy, health_status: healthy and so on."""
    container_id: str
    detail: str = ""
    """For people: an exit code, a signal."""


class StreamProblem(Struct, frozen=True, kw_only=True):
    """In place of a line of usage, or an event: why there are none, or no more."""

    problem: str
