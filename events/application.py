"""Applications and their microservices: what should run, where, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field

from events.container_options import ContainerOptions
from events.event import Event
from events.ids import (
    ApplicationId,
    CatalogItemId,
    MicroserviceId,
    NodeId,
    Position,
    RegistryId,
)


class RestartPolicy(StrEnum):
    """When an agent starts a container again that ended by itself."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ON_UNHEALTHY = "on-unhealthy"
    ALWAYS = "always"


class PullPolicy(StrEnum):
    """When an agent asks a registry for the image."""

    ON_CREATE = "on-create"
    """Before each creation of the container, going on with a local image if the registry fails."""
    ALWAYS = "always"
    """Before each creation; without an answer nothing is created."""
    IF_NOT_PRESENT = "if-not-present"
    NEVER = "never"


class Protocol(StrEnum):
    """Of a published port."""

    TCP = "tcp"
    UDP = "udp"


class VolumeKind(StrEnum):
    """What is mounted."""

    BIND = "bind"
    """A path of the device."""
    VOLUME = "volume"
    """A named volume of the engine."""
    TMPFS = "tmpfs"
    FILES = "files"
    """The files of a volume that the controller holds, always as they are there now."""


class PublicProtocol(StrEnum):
    """What is carried from a public port."""

    HTTP = "http"
    TCP = "tcp"


class PublicPort(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A port at the centre that leads to a microservice's port, wherever that runs."""

    schemes: list[str]
    """For links: https, ws and so on."""
    protocol: PublicProtocol
    enabled: bool = True
    router: str = "default-router"
    """Whose host it opens on: a node's id, or DEFAULT_ROUTER."""
    port: int = 0
    """0 in a command: any that is free. Never 0 in an event."""
    queue: str = ""
    """The message address that carries it; the decider's."""
    allow: list[str] = field(default_factory=list)
    """Networks, as 10.0.0.0/8, from which connections are taken; none: from everywhere."""
    longest_idle: int = 600
    """Seconds without a byte after which a connection is ended, as the next; 0: none."""
    longest: int = 0
    """However much is said."""


class PortMapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A port of the device that leads to a port of the container."""

    host: int
    container: int
    protocol: Protocol = Protocol.TCP
    address: str = ""
    """Address of the device to listen on; empty means all."""
    public: PublicPort | None = None


class VolumeMount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Something of the device, seen inside the container at `target`."""

    target: str
    source: str = ""
    """Of kind files: a volume's id; in a command its name will do."""
    kind: VolumeKind = VolumeKind.VOLUME
    read_only: bool = False
    size_mib: int | None = None
    """Of a tmpfs."""


class ExtraHost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A name that the container resolves to an address."""

    name: str
    address: str
    """An IP address, `host-gateway`, or a template that is resolved anew whenever what it names
    moves: `${Agents.<node>}`, `${Apps.<application>.<microservice>.local}`,
    `${Apps.<application>.<microservice>.public.<port>}`."""


class HttpProbe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A GET that the agent sends to the container; an answer of 200 to 399 means healthy."""

    port: int
    path: str = "/"
    host: str = ""
    """The Host header; empty is the container's address."""


class HealthCheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """How to know whether it is well: one of the first four. Times in seconds.

    Without any health check, the image's own counts if it has one.
    """

    command: list[str] = field(default_factory=list)
    """Run in the container; exit code 0 means healthy."""
    http: HttpProbe | None = None
    tcp: int | None = None
    """A port of the container that takes connections."""
    disabled: bool = False
    """None, and not the image's either."""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


class Condition(StrEnum):
    """What has to be true of another microservice before one is started."""

    STARTED = "started"
    """It runs, or ran."""
    HEALTHY = "healthy"
    """Its health check says so; without one, it runs."""
    COMPLETED = "completed"
    """It ended with exit code 0."""


class Dependency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Another microservice of the same application that has to come first, on the same node."""

    microservice: str
    """Its name."""
    condition: Condition = Condition.STARTED


class ReplaceMode(StrEnum):
    """How a container gives way to the next one."""

    STOP_FIRST = "stop-first"
    """The image is there before the old one stops: a break as long as one stop and start."""
    BLUE_GREEN = "blue-green"
    """The old one stops when the new one is well. Not with ports of the device."""


class ConflictRule(StrEnum):
    """Whose change of a twin's desired properties counts when both sides made one, apart."""

    CONTROLLER_WINS = "controller-wins"
    EDGE_WINS = "edge-wins"
    LATEST_WINS = "latest-wins"
    """By the clocks of both."""
    MERGE = "merge"
    """Field by field; where both changed the same, the controller."""


LAST = 2**31 - 1
"""The start order of those that have none."""


class MicroserviceSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """All that decides how the container is made and kept, apart from where it runs."""

    image: str = ""
    """One of the three that follow each other says what to run: an image for every device,"""
    images: dict[str, str] = field(default_factory=dict)
    """or an image by platform (`x86`, `arm`),"""
    catalog_item_id: CatalogItemId | None = None
    """or what stands in the catalog."""
    registry_id: RegistryId | None = None
    """Whose credentials to pull with; None pulls anonymously."""
    pull: PullPolicy = PullPolicy.IF_NOT_PRESENT
    restart: RestartPolicy = RestartPolicy.ALWAYS
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    ports: list[PortMapping] = field(default_factory=list)
    volumes: list[VolumeMount] = field(default_factory=list)
    extra_hosts: list[ExtraHost] = field(default_factory=list)
    host_network: bool = False
    """The host's own network. `ports` are then claimed, and mapped by nobody."""
    labels: dict[str, str] = field(default_factory=dict)
    health_check: HealthCheck | None = None
    memory_limit_mib: int | None = None
    cpu_limit: float | None = None
    """Cores."""
    pids_limit: int | None = None
    log_limit_mib: int = 10
    disk_limit_mib: int | None = None
    """Of what it writes into its container's own file system."""
    options: ContainerOptions = ContainerOptions()
    replace: ReplaceMode = ReplaceMode.STOP_FIRST
    start_order: int = LAST
    """Of its node's: lower ones are started first. 0 to LAST."""
    depends_on: list[Dependency] = field(default_factory=list)
    twin_conflicts: ConflictRule = ConflictRule.MERGE
    config: str = "{}"
    """A text for the microservice itself, usually a JSON object; changing it never replaces the
    container."""


class ContainerState(StrEnum):
    """Where a microservice stands on its node, as its agent last saw it."""

    QUEUED = "queued"
    """Wanted; the agent has not said anything yet."""
    WAITING = "waiting"
    """Not started yet: others come first, which the reason names."""
    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing-off"
    """Ended or refused; the agent tries again at a time that the reason names."""
    EXITED = "exited"
    """Ended by itself, and the restart policy leaves it so."""
    STOPPED = "stopped"
    """Not running because it should not."""
    FAILED = "failed"
    """Could not be made as described; the agent tries again, more and more rarely."""
    UNKNOWN = "unknown"
    """The engine can't be asked."""


class Health(StrEnum):
    """What the health check says."""

    NONE = "none"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Passed(Struct, frozen=True, kw_only=True, gc=False):
    """A transition between two that are told as one."""

    state: ContainerState
    reason: str = ""
    exit_code: int | None = None
    health: Health = Health.NONE


class ContainerStatus(Struct, frozen=True, kw_only=True, gc=False):
    """One transition of one container; a run of the same ones while nobody could be told."""

    state: ContainerState
    reason: str = ""
    """For people: what happened and, when something failed, what happens next."""
    exit_code: int | None = None
    health: Health = Health.NONE
    container_id: str = ""
    image_digest: str = ""
    restarts: int = 0
    revision: Position = Position(0)
    """Of the desired state that this container was made from, or is being made from."""
    at: datetime
    """The device's clock when it happened."""
    repeats: int = 1
    """It happened so often; `at`, `restarts` and the words are of the last time."""
    between: tuple[Passed, ...] = ()
    """What led from one time to the next, as it was the last time."""
    dropped: int = 0
    """So many transitions before it the device had no room for."""
    since: datetime | None = None
    """When the first of those that are told as this one, or dropped before it, happened."""


class ApplicationEvent(Event, frozen=True, kw_only=True):
    """About one application."""

    KIND: ClassVar[str] = "application"
    application_id: ApplicationId


class ApplicationCreated(ApplicationEvent, frozen=True, kw_only=True, tag="application.created.v1"):
    """A name under which microservices are run together."""

    name: str
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    started: bool = True
    system: bool = False
    """Part of the installation: left out where users list theirs."""


class ApplicationRenamed(ApplicationEvent, frozen=True, kw_only=True, tag="application.renamed.v1"):
    """It goes by another name; its id stays."""

    name: str


class ApplicationUpdated(ApplicationEvent, frozen=True, kw_only=True, tag="application.updated.v1"):
    """Its own attributes are now these."""

    description: str
    labels: dict[str, str]
    system: bool = False


class ApplicationStarted(ApplicationEvent, frozen=True, kw_only=True, tag="application.started.v1"):
    """Its microservices should run again, but for those that are stopped themselves."""


class ApplicationStopped(ApplicationEvent, frozen=True, kw_only=True, tag="application.stopped.v1"):
    """None of its microservices should run."""


class ApplicationDeleted(ApplicationEvent, frozen=True, kw_only=True, tag="application.deleted.v1"):
    """It is gone; its microservices were deleted before, each by its own event."""


class MicroserviceEvent(Event, frozen=True, kw_only=True):
    """About one microservice."""

    KIND: ClassVar[str] = "microservice"
    microservice_id: MicroserviceId


class MicroserviceCreated(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.created.v1"
):
    """It should run on that node, made as its spec says."""

    application_id: ApplicationId
    node_id: NodeId
    name: str
    spec: MicroserviceSpec


class MicroserviceUpdated(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.updated.v1"
):
    """Its spec is now this, whole."""

    spec: MicroserviceSpec


class MicroserviceRenamed(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.renamed.v1"
):
    """It goes by another name within its application; its id stays."""

    name: str


class MicroserviceRebuilt(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.rebuilt.v1"
):
    """Its container is to be made anew, although nothing about it changed."""


class TracingSwitched(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.tracing-switched.v1"
):
    """Its system calls are to be traced, or no more."""

    enabled: bool


class SnapshotRequested(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.snapshot-requested.v1"
):
    """Its node is to send an image of its container as it is, once."""


class MicroserviceMoved(MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.moved.v1"):
    """It belongs on another node."""

    from_node_id: NodeId
    to_node_id: NodeId


class MicroserviceStarted(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.started.v1"
):
    """It should run."""


class MicroserviceStopped(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.stopped.v1"
):
    """It should not run."""


class MicroserviceDeleted(
    MicroserviceEvent, frozen=True, kw_only=True, tag="microservice.deleted.v1"
):
    """It should be gone from its node."""


class ContainerReported(MicroserviceEvent, frozen=True, kw_only=True, tag="container.reported.v1"):
    """Its node's agent saw its container change."""

    node_id: NodeId
    sequence: int
    """Counts an agent's reports from 1 at each provisioning; a number seen is not told twice."""
    status: ContainerStatus


ApplicationEvents = (
    ApplicationCreated
    | ApplicationRenamed
    | ApplicationUpdated
    | ApplicationStarted
    | ApplicationStopped
    | ApplicationDeleted
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | ContainerReported
)
