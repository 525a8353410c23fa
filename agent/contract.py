"""What controller and agent say to each other, over HTTP in JSON.

It belongs to the agent, because devices upgrade last; the controller adapts. An agent ignores
fields it does not know, so that a newer controller can say more.

| call | body | answer |
|---|---|---|
| `POST /api/v1/agent/provision` | `Provision` | 200 `Provisioned` |
| `GET /api/v1/agent/desired-state` | none; see below | 200 `DesiredState` with ETag, or 304 |
| `POST /api/v1/agent/deprovision` | none | 200; 410 when asked again |
| `PATCH /api/v1/agent/settings` | `SettingsChange` | 200; 403 where operators do not allow it |
| `POST /api/v1/agent/report` | `Report` | 200 `ReportAnswer` |
| `POST /api/v1/agent/streams/<request_id>` | bytes, chunked as they come | 204 |
| `GET /api/v1/agent/sessions/<request_id>` | none; upgraded to a WebSocket | frames |

An agent opens a stream, or a session, because a `StreamRequest` of its desired state asked for it:
nothing inbound is open on the device. Streams carry logs as they are, usage and engine events as
JSON lines. A session's binary frames begin with a byte that says what follows (`Channel`).

The desired state is asked for with `If-None-Match: "<revision>"`, the last one known, and
`Prefer: wait=<seconds>`: the answer is held until something of the node's own changes.

All but the first carry `Authorization: Bearer <credential>`. 401 means that the credential was
never good or belongs to another network: keep the containers, say so, try again slowly. 410 with
code `node-deprovisioned` means that this very credential was withdrawn: the node's containers
have to go, and so has the identity.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from enum import IntEnum, StrEnum

from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError, field, json


class Facts(Struct, frozen=True, kw_only=True):
    """The device as it is. Sent with a provisioning and whenever it changes."""

    agent_version: str = ""
    architecture: str = ""
    operating_system: str = ""
    kernel: str = ""
    host_name: str = ""
    cpus: int = 0
    memory_mib: int = 0
    disk_mib: int = 0
    """Of the file system that the agent's folder is on."""
    engine_version: str = ""
    engine_problem: str = ""
    """Why the container engine can't be used; empty while it can."""
    volume_problem: str = ""
    """Why files of volumes, or configurations, could not be written; empty while all are there."""
    storage_problem: str = ""
    """Why the agent can't write down what happens; empty while it can."""


class Provision(Struct, frozen=True, kw_only=True):
    """Redeem a provisioning key.

    The agent makes its own credential (at least 32 random bytes) and writes it down before it
    asks, so that a lost answer costs nothing: asking again with the same pair succeeds again.
    """

    key: str
    credential: str
    facts: Facts


class Provisioned(Struct, frozen=True, kw_only=True):
    """This device is that node now."""

    node_id: str
    name: str


class RestartPolicy(StrEnum):
    """When a container that ended by itself is started again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ON_UNHEALTHY = "on-unhealthy"
    ALWAYS = "always"


class PullPolicy(StrEnum):
    """When the registry is asked for the image."""

    ON_CREATE = "on-create"
    """Before each creation; a local image serves when the registry fails."""
    ALWAYS = "always"
    """Before each creation; without an answer nothing is created."""
    IF_NOT_PRESENT = "if-not-present"
    NEVER = "never"


class Port(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A port of the device that leads into the container."""

    host: int
    container: int
    protocol: str = "tcp"
    address: str = ""


class Mount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something of the device, seen inside the container at `target`.

    kind: bind, volume, tmpfs; files, whose source is the id of a Volume of the desired state.
    """

    target: str
    source: str = ""
    kind: str = "volume"
    read_only: bool = False
    size_mib: int | None = None
    """Of a tmpfs."""


class ExtraHost(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name that the container resolves to an address."""

    name: str
    address: str


class HealthCheck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The engine's: a command whose exit code 0 means healthy. Times in seconds."""

    command: list[str] = field(default_factory=list)
    """Empty: none, and not the image's own either."""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


class Probe(Struct, frozen=True, kw_only=True):
    """A question that the agent itself asks a container's port. Times in seconds."""

    port: int
    http_path: str | None = None
    """A GET of it, which 200 to 399 answers well; None: that it takes a connection is enough."""
    http_host: str = ""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    """So many failures in a row mean unhealthy."""
    start_period: float = 0.0
    """Failures within it do not count."""


class Condition(StrEnum):
    """What has to be true of another microservice first."""

    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"


class Dependency(Struct, frozen=True, kw_only=True):
    """Another microservice of the same application, by name. One that is not on this node is not
    waited for. By name, as another one may come to bear it without anything being said of this."""

    microservice: str
    condition: Condition = Condition.STARTED


class ReplaceMode(StrEnum):
    """How a container gives way to the next one."""

    STOP_FIRST = "stop-first"
    BLUE_GREEN = "blue-green"


class Twin(Struct, frozen=True, kw_only=True):
    """What the controller has of a microservice's twin."""

    desired: Raw
    """A JSON object, whole."""
    desired_version: int = 0
    reported_version: int = 0
    edits_through: int = 0
    """The device's own changes of what should be are decided up to this number of its reports:
    `desired` is what came of them. Those behind it are still to be added to it."""


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device file of the node, inside the container at `container` (empty: the same path)."""

    host: str
    container: str = ""
    permissions: str = "rwm"
    optional: bool = False
    """Left out where there is none."""


class Gpus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the engine's device drivers offer. count -1: all."""

    count: int = -1
    ids: list[str] = field(default_factory=list)
    driver: str = ""
    capabilities: list[str] = field(default_factory=lambda: ["gpu"])
    optional: bool = False


class Ulimit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A limit of the container's processes; -1 is none."""

    name: str
    soft: int
    hard: int


class ContainerOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a container is confined and equipped. Explained in events/container_options.py."""

    user: str = ""
    groups: list[str] = field(default_factory=list)
    working_directory: str = ""
    host_name: str = ""
    privileged: bool = False
    add_capabilities: list[str] = field(default_factory=list)
    drop_capabilities: list[str] = field(default_factory=list)
    security: list[str] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    gpus: Gpus | None = None
    read_only_root: bool = False
    init: bool = False
    pid: str = ""
    """Empty or host, as `ipc`."""
    ipc: str = ""
    ulimits: list[Ulimit] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    dns: list[str] = field(default_factory=list)
    dns_search: list[str] = field(default_factory=list)
    shared_memory_mib: int | None = None
    memory_reservation_mib: int | None = None
    swap_limit_mib: int = 0
    cpu_shares: int | None = None
    cpu_set: str = ""
    oom_score: int = 0
    runtime: str = ""
    log_driver: str = ""
    log_options: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    stop_within: int = 10


class Registry(Struct, frozen=True, kw_only=True):
    """Where to pull from, and as whom."""

    url: str
    username: str = ""
    password: str = ""
    ca_pem: str = ""
    """Certificates to trust there besides the system's, where the operator named some."""


class ContainerSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a container is made from: a container made from another spec has to be replaced."""

    image: str
    """Empty where there is none for this device's platform: nothing can be made then."""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    """Empty on the host's network, where nothing has to be led anywhere."""
    volumes: list[Mount] = field(default_factory=list)
    extra_hosts: list[ExtraHost] = field(default_factory=list)
    host_network: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    health_check: HealthCheck | None = None
    memory_limit_mib: int | None = None
    cpu_limit: float | None = None
    pids_limit: int | None = None
    log_limit_mib: int = 10
    disk_limit_mib: int | None = None
    """Of what it writes into its container's own file system."""
    options: ContainerOptions = ContainerOptions()
    generation: int = 0
    """Another one wants another container, although all else may be the same."""


class Microservice(Struct, frozen=True, kw_only=True):
    """One microservice that belongs on this node."""

    microservice_id: str
    application: str
    name: str
    revision: int
    """Position of the event that last changed any of this."""
    running: bool
    """Whether its container should run; one that should not is kept, stopped."""
    spec: ContainerSpec
    restart: RestartPolicy = RestartPolicy.ALWAYS
    pull: PullPolicy = PullPolicy.IF_NOT_PRESENT
    registry: Registry | None = None
    probe: Probe | None = None
    start_order: int = 2**31 - 1
    """Lower ones are started first; equal ones have no order."""
    depends_on: list[Dependency] = field(default_factory=list)
    replace: ReplaceMode = ReplaceMode.STOP_FIRST
    twin: Twin | None = None
    config: str = "{}"
    """A JSON document for the microservice; a change never replaces the container."""


class VolumeFile(Struct, frozen=True, kw_only=True):
    """One file of a volume."""

    path: str
    """Below the volume's folder, with `/`, without `..`."""
    content: bytes
    """Base64 in JSON."""


class Volume(Struct, frozen=True, kw_only=True):
    """Files that belong on this device."""

    volume_id: str
    name: str
    revision: int
    """Position of the event that last changed any of this."""
    destination: str
    """Absolute path of the folder."""
    permissions: str
    """Of the files, octal."""
    files: list[VolumeFile] = field(default_factory=list)


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


AnyStreamRequest = LogRequest | UsageRequest | EventsRequest | ExecRequest


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


class Channel(IntEnum):
    """The first byte of a session's frame, and what the rest of it is."""

    STDIN = 0
    """Bytes for the command; an empty frame closes its input."""
    STDOUT = 1
    STDERR = 2
    RESIZE = 3
    """JSON: `Size`."""
    EXIT = 4
    """JSON: `SessionEnd`, the last frame of the agent."""


LARGEST_FRAME = 1 << 16
"""Bytes of a session's frame, its first one included."""


class NoFrame(ValueError):
    """Bytes that are no frame of a session."""


def frame(channel: Channel, content: bytes) -> bytes:
    """A frame. content: shorter than LARGEST_FRAME."""
    return bytes((channel,)) + content


def frames(channel: Channel, content: bytes) -> Iterator[bytes]:
    """As many frames as it takes; none for nothing."""
    room = LARGEST_FRAME - 1
    for start in range(0, len(content), room):
        yield frame(channel, content[start : start + room])


def unframed(said: bytes) -> tuple[Channel, bytes]:
    """What a frame carries. Errors: NoFrame."""
    if not 1 <= len(said) <= LARGEST_FRAME:
        raise NoFrame(f"a frame has 1 to {LARGEST_FRAME} bytes, and this has {len(said)}")
    try:
        return Channel(said[0]), said[1:]
    except ValueError:
        raise NoFrame(f"{said[0]} is no channel") from None


class Size(Struct, frozen=True, kw_only=True):
    """Of a terminal, in characters."""

    width: int
    height: int


class SessionEnd(Struct, frozen=True, kw_only=True):
    """How a session ended."""

    exit_code: int | None = None
    """None: it did not come so far."""
    reason: str = ""


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


class NodeConfig(Struct, frozen=True, kw_only=True):
    """How the agent goes about its work; what operators set for the node."""

    log_level: str = "INFO"
    memory_limit_mib: int = 4096
    """Of the agent itself, as the next."""
    cpu_limit_percent: int = 80
    disk_limit_gib: int = 50
    pruning_interval_hours: int = 1
    disk_threshold_percent: int = 20
    """Less free disk than this, and unused images are removed."""
    pull_limit_kib: int = 0
    """KiB per second that pulls of images may take; 0 is no limit."""
    device_scan_interval: int = 20
    """Seconds."""
    location: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""


class SettingsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device wants of its own NodeConfig to be otherwise. What is absent stays."""

    log_level: str | UnsetType = UNSET
    memory_limit_mib: int | UnsetType = UNSET
    disk_limit_gib: int | UnsetType = UNSET
    pruning_interval_hours: int | UnsetType = UNSET
    disk_threshold_percent: int | UnsetType = UNSET
    pull_limit_kib: int | UnsetType = UNSET
    device_scan_interval: int | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET


class Instruction(Struct, frozen=True, kw_only=True):
    """Something to do once, told until an outcome is reported."""

    told_at: int
    """Its position, which names it; they are carried out in this order."""
    kind: str
    """reboot, prune, upgrade, rollback. What an agent does not know, it says failed to."""
    version: str = ""
    """Of an upgrade: empty is the newest."""


class EdgeResource(Struct, frozen=True, kw_only=True):
    """What the node's site offers besides it."""

    edge_resource_id: str
    name: str
    version: str
    description: str = ""
    protocol: str = "https"
    endpoints: Raw = field(default_factory=lambda: Raw(b"[]"))
    """A JSON list."""
    display: Raw = field(default_factory=lambda: Raw(b"{}"))
    custom: Raw = field(default_factory=lambda: Raw(b"{}"))
    tags: list[str] = field(default_factory=list)


class DesiredState(Struct, frozen=True, kw_only=True):
    """What should be on the node: what changed since a revision, and the ids of all.

    Nothing can be misapplied: what is not in `all_microservices` has to go, what is in it and
    not in `changed` stays as it was. An agent that misses an item asks again from revision 0.
    """

    revision: int
    since: int
    """The revision that this is a difference to; 0 when it is everything."""
    changed: list[Microservice] = field(default_factory=list)
    all_microservices: list[str] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    """Those that changed; it is with them as with microservices, but the files of one that is gone
    stay."""
    all_volumes: list[str] = field(default_factory=list)
    node: NodeConfig = NodeConfig()
    """Whole each time, as the next two."""
    edge_resources: list[EdgeResource] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    """Those without an outcome yet."""
    stream_requests: list[Raw] = field(default_factory=list)
    """Each an `AnyStreamRequest`; see `known_requests`."""


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
    usage: DeviceUsage | None = None
    goodbye: bool = False
    """The agent stops; its containers stay as they are."""


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """Reports up to this number are in the log, or were about things that are gone."""

    accepted_through: int
