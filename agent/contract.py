"""What controller and agent say to each other, over HTTP in JSON.

It belongs to the agent, because devices upgrade last; the controller adapts. An agent ignores
fields it does not know, so that a newer controller can say more.

| call | body | answer |
|---|---|---|
| `POST /api/v1/agent/provision` | `Provision` | 200 `Provisioned` |
| `GET /api/v1/agent/desired-state` | none; see below | 200 `DesiredState` with ETag, or 304 |
| `POST /api/v1/agent/report` | `Report` | 200 `ReportAnswer` |
| `POST /api/v1/agent/streams/<request_id>` | log bytes, chunked as they come | 204 |

The desired state is asked for with `If-None-Match: "<revision>"`, the last one known, and
`Prefer: wait=<seconds>`: the answer is held until something of the node's own changes.

All but the first carry `Authorization: Bearer <credential>`. 401 means that the credential was
never good or belongs to another network: keep the containers, say so, try again slowly. 410 with
code `node-deprovisioned` means that this very credential was withdrawn: the node's containers
have to go, and so has the identity.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field


class Facts(Struct, frozen=True, kw_only=True):
    """The device as it is. Sent with a provisioning and whenever it changes."""

    agent_version: str = ""
    architecture: str = ""
    operating_system: str = ""
    cpus: int = 0
    memory_mib: int = 0
    engine_version: str = ""
    engine_problem: str = ""
    """Why the container engine can't be used; empty while it can."""
    volume_problem: str = ""
    """Why files of volumes could not be written; empty while all are there."""


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


class Port(Struct, frozen=True, kw_only=True):
    """A port of the device that leads into the container."""

    host: int
    container: int
    protocol: str = "tcp"
    address: str = ""


class Mount(Struct, frozen=True, kw_only=True):
    """Something of the device, seen inside the container at `target`. kind: bind, volume, tmpfs."""

    target: str
    source: str = ""
    kind: str = "volume"
    read_only: bool = False


class ExtraHost(Struct, frozen=True, kw_only=True):
    """A name that the container resolves to an address."""

    name: str
    address: str


class HealthCheck(Struct, frozen=True, kw_only=True):
    """A command whose exit code 0 means healthy. Times in seconds."""

    command: list[str]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


class Registry(Struct, frozen=True, kw_only=True):
    """Where to pull from, and as whom."""

    url: str
    username: str = ""
    password: str = ""


class ContainerSpec(Struct, frozen=True, kw_only=True):
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


class LogRequest(Struct, frozen=True, kw_only=True):
    """Somebody wants to read a container's log: open a stream and send it. Said once only."""

    request_id: str
    microservice_id: str
    tail: int | None = None
    """The last so many lines; None is all there are."""
    follow: bool = False
    since: datetime | None = None


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
    log_requests: list[LogRequest] = field(default_factory=list)


class ContainerState(StrEnum):
    """Where a microservice stands. The words are explained in events/application.py."""

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


class ContainerStatus(Struct, frozen=True, kw_only=True):
    """One transition of one container."""

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


class ContainerReport(Struct, frozen=True, kw_only=True):
    """A transition with its number: 1, 2, 3 … since the provisioning, told again until accepted."""

    sequence: int
    microservice_id: str
    status: ContainerStatus


class Report(Struct, frozen=True, kw_only=True):
    """What happened since the last accepted report. Empty ones serve as a sign of life."""

    facts: Facts | None = None
    """When they differ from those told last."""
    containers: list[ContainerReport] = field(default_factory=list)
    goodbye: bool = False
    """The agent stops; its containers stay as they are."""


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """Reports up to this number are in the log, or were about things that are gone."""

    accepted_through: int
