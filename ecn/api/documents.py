"""The documents of the native API: what a request may say and what an answer says.

Shared by the server, the OpenAPI document made from them, and the `ecn` command. Requests refuse
unknown fields; answers may gain some. Names are the same in events, API, manifests and docs.
"""

from datetime import datetime

from msgspec import UNSET, Raw, Struct, UnsetType, field, structs

from events.application import (
    LAST,
    ConflictRule,
    ContainerStatus,
    Dependency,
    ExtraHost,
    HealthCheck,
    PortMapping,
    PullPolicy,
    ReplaceMode,
    RestartPolicy,
    VolumeMount,
)
from events.container_options import ContainerOptions
from events.node import NodeFacts, NodeSettings
from events.user import Profile, Role


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What clients send: a misspelt field is an error, not a wish that nobody hears."""


class Answer(Struct, frozen=True, kw_only=True):
    """What clients get."""


# --- requests ---------------------------------------------------------------------------------


class RegisterNode(Request, frozen=True, kw_only=True):
    """A place for a device."""

    name: str
    settings: NodeSettings = field(default_factory=NodeSettings)


class UpdateNode(Request, frozen=True, kw_only=True):
    """What is absent stays as it is; settings are merged as RFC 7396 says (null resets)."""

    name: str | UnsetType = UNSET
    settings: dict[str, object] | UnsetType = UNSET


class IssueProvisioningKey(Request, frozen=True, kw_only=True):
    """How long the key may be redeemed, in seconds."""

    valid_for: int = 1200


class UpgradeNode(Request, frozen=True, kw_only=True):
    """What to upgrade a node's agent to."""

    version: str = ""
    """Of the agent's package; empty is the newest that the device's package index has."""


class MicroserviceManifest(Request, frozen=True, kw_only=True):
    """One microservice as people write it: references by name, config as a document."""

    name: str
    node: str
    image: str = ""
    """One of the three that follow each other: an image for every device,"""
    images: dict[str, str] = field(default_factory=dict)
    """or an image by platform (`x86`, `arm`),"""
    catalog_item: str | None = None
    """or what stands in the catalog."""
    registry: str | None = None
    started: bool = True
    pull: PullPolicy = PullPolicy.IF_NOT_PRESENT
    restart: RestartPolicy = RestartPolicy.ALWAYS
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    ports: list[PortMapping] = field(default_factory=list)
    volumes: list[VolumeMount] = field(default_factory=list)
    extra_hosts: list[ExtraHost] = field(default_factory=list)
    host_network: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    health_check: HealthCheck | None = None
    memory_limit_mib: int | None = None
    cpu_limit: float | None = None
    pids_limit: int | None = None
    log_limit_mib: int = 10
    disk_limit_mib: int | None = None
    options: ContainerOptions = ContainerOptions()
    replace: ReplaceMode = ReplaceMode.STOP_FIRST
    start_order: int = LAST
    depends_on: list[Dependency | str] = field(default_factory=list)
    """A mere name waits until that one is started."""
    twin_conflicts: ConflictRule = ConflictRule.MERGE
    config: dict[str, object] | str = field(default_factory=dict)
    """A JSON object, or a text of any other format."""


def spelt_out(manifest: MicroserviceManifest) -> MicroserviceManifest:
    """The same, with whole dependencies where it only names them."""
    if not any(isinstance(each, str) for each in manifest.depends_on):
        return manifest
    whole = [
        Dependency(microservice=each) if isinstance(each, str) else each
        for each in manifest.depends_on
    ]
    return structs.replace(manifest, depends_on=whole)


class RouteWay(Request, frozen=True, kw_only=True):
    """Which messages of a microservice reach another of the same application, or upstream.

    Either by its ends, or by a `query`.
    """

    source: str = ""
    """A microservice's name; `*`: any of the application's."""
    destination: str = ""
    """A microservice's name; `$upstream`: the operator's own consumers."""
    query: str = ""
    """`FROM … WHERE … INTO …`, as Azure IoT Edge writes it: instead of both, and of `output`,
    `input`, `condition` and `twin_changes`."""
    output: str = ""
    """Only what was sent by that output; empty: all."""
    input: str = ""
    """By which the destination gets it."""
    condition: str = ""
    """Of the route language, without WHERE; empty: always."""
    priority: int | None = None
    """0 (the most urgent) to 9; none is less urgent than 9."""
    ttl: int | str | None = None
    """How long an undelivered message is kept, in seconds or as `30m`; 0: for ever; none: as its
    node says."""
    durable: bool = True
    """False: kept in memory alone."""
    webhook: str = ""
    """Where what goes upstream is posted to: a URL without user and password."""
    twin_changes: bool = False
    """What changed in twins' reported properties, rather than messages."""


class RouteManifest(RouteWay, frozen=True, kw_only=True):
    """A route of an application."""

    name: str = ""
    """Empty: `r-<source>-<destination>`."""


class ApplicationManifest(Request, frozen=True, kw_only=True):
    """A whole application: applying it twice changes nothing the second time.

    Microservices and routes that the application has and the manifest does not are deleted.
    """

    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    microservices: list[MicroserviceManifest] = field(default_factory=list)
    routes: list[RouteManifest] = field(default_factory=list)


class Rename(Request, frozen=True, kw_only=True):
    """Another name."""

    name: str


class MoveMicroservice(Request, frozen=True, kw_only=True):
    """Another node, by name or id."""

    node: str


class RegistryManifest(Request, frozen=True, kw_only=True):
    """A registry; `password` is sealed on arrival and never shown again. Absent, it stays."""

    url: str
    username: str = ""
    password: str | None = None
    email: str = ""
    public: bool = False
    secure: bool = True
    certificate: str = ""
    requires_certificate: bool = False


class Login(Request, frozen=True, kw_only=True):
    """Name and password against a token."""

    name: str
    password: str
    description: str = ""
    valid_for: int | None = None
    """Seconds; None is 30 days."""


class CreateUser(Request, frozen=True, kw_only=True):
    """Someone who may log in."""

    name: str
    password: str
    role: Role = Role.VIEWER


class UpdateUser(Request, frozen=True, kw_only=True):
    """A changed password revokes all tokens of the user."""

    password: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET


# --- answers ----------------------------------------------------------------------------------


class Changed(Answer, frozen=True, kw_only=True):
    """A command was carried out.

    A retry with the same Idempotency-Key gets the very same.
    """

    position: int
    """The log's position after it: ask for `at_least` this to read your own write."""
    command_id: str
    subject: str
    """What it was about, `node/<id>` for instance."""
    events: list[str]
    """The types of the events it led to; none when everything already was as asked."""


class ProvisioningKey(Changed, frozen=True, kw_only=True):
    """Shown once. Only its hash is kept."""

    key: str
    node: str
    expires_at: datetime


class Token(Changed, frozen=True, kw_only=True):
    """Shown once. Only its hash is kept."""

    token: str
    user: str
    role: Role
    expires_at: datetime | None = None


class OpenInstruction(Answer, frozen=True, kw_only=True):
    """Something that a node's agent was told to do, and has not spoken about yet."""

    told_at: int
    """Position of the instruction, which names it."""
    instruction: str
    version: str = ""


class InstructionOutcome(Answer, frozen=True, kw_only=True):
    """What became of an instruction."""

    told_at: int
    instruction: str
    outcome: str
    """done; failed; undone, of an upgrade that did not prove itself."""
    detail: str = ""
    at: datetime
    """The device's clock."""


class NodeUsage(Answer, frozen=True, kw_only=True):
    """What a node's agent said of its device last. Telemetry, not part of the log."""

    at: datetime
    """When a controller heard it."""
    cpu_percent: float | None = None
    """Of all cores together."""
    memory_available_mib: int | None = None
    disk_free_mib: int | None = None
    agent_cpu_percent: float = 0.0
    """Of one core."""
    agent_memory_mib: float = 0.0


class NodeDocument(Answer, frozen=True, kw_only=True):
    """A node as it is."""

    id: str
    name: str
    settings: NodeSettings
    state: str
    """registered (no device yet), online, offline."""
    since: datetime
    """When it came into that state."""
    offline_reason: str = ""
    last_seen: datetime | None = None
    """Telemetry of the controller that answers, not part of the log."""
    usage: NodeUsage | None = None
    """None while nothing was heard, and in answers about the past."""
    facts: NodeFacts
    instructions: list[OpenInstruction] = field(default_factory=list)
    """The oldest first."""
    outcomes: list[InstructionOutcome] = field(default_factory=list)
    """The last of each kind of instruction, the latest last."""
    microservices: int
    running: int
    revision: int
    """Of its desired state: the position that last changed anything for it."""
    created_at: datetime
    updated_at: datetime


class MicroserviceDocument(Answer, frozen=True, kw_only=True):
    """A microservice: what is wanted, and what its agent last said."""

    id: str
    application: str
    name: str
    node: str
    node_id: str
    node_state: str
    started: bool
    """Wanted to run by itself; it does only if its application is started too."""
    application_started: bool
    image: str
    images: dict[str, str]
    catalog_item: str | None
    runs_image: str
    """The one of these that suits its node; empty where none does."""
    registry: str | None
    pull: PullPolicy
    restart: RestartPolicy
    entrypoint: list[str]
    command: list[str]
    env: dict[str, str]
    ports: list[PortMapping]
    volumes: list[VolumeMount]
    extra_hosts: list[ExtraHost]
    host_network: bool
    labels: dict[str, str]
    health_check: HealthCheck | None
    memory_limit_mib: int | None
    cpu_limit: float | None
    pids_limit: int | None
    log_limit_mib: int
    disk_limit_mib: int | None
    options: ContainerOptions
    replace: ReplaceMode
    start_order: int
    depends_on: list[Dependency]
    twin_conflicts: ConflictRule
    config: Raw
    """The JSON object itself, not a string of it; a text where it is something else."""
    status: ContainerStatus
    tracing: bool = False
    """Whether its system calls are to be traced."""
    pull_percent: float | None = None
    """How far the pull of its image is, while it is pulled. Telemetry, not part of the log."""
    current: bool
    """Whether the status speaks of the revision that is wanted now."""
    revision: int
    created_at: datetime
    updated_at: datetime


class RouteOnNode(Answer, frozen=True, kw_only=True):
    """A route on one of the nodes that its messages come from, as its agent said last.

    Counts are of messages, since that agent was started.
    """

    node: str
    state: str
    """As of the whole route."""
    reason: str = ""
    stored: int = 0
    """Messages that wait."""
    stored_bytes: int = 0
    oldest_seconds: float = 0.0
    """How long the oldest had waited."""
    accepted: int = 0
    delivered: int = 0
    """To the receiver there, or to the interior router."""
    received: int = 0
    dropped: int = 0
    undefined: int = 0
    """For which the condition was neither true nor false."""
    rate_in: float | None = None
    """Accepted per second, lately; none: not known."""
    rate_out: float | None = None
    """Delivered, likewise."""
    heard_at: datetime | None = None


class RouteStatusDocument(Answer, frozen=True, kw_only=True):
    """How a route is now: as on the worst of its nodes; numbers are of all of them together."""

    state: str
    """up; waiting (for its receiver, its node, the interior router); refusing (a store is full);
    unknown."""
    reason: str = ""
    stored: int = 0
    stored_bytes: int = 0
    oldest_seconds: float = 0.0
    rate_in: float | None = None
    rate_out: float | None = None
    dropped: int = 0
    undefined: int = 0
    nodes: list[RouteOnNode] = field(default_factory=list)


class RouteDocument(Answer, frozen=True, kw_only=True):
    """A route."""

    id: str
    application: str
    name: str
    source: str
    """A microservice's name; `*`: any of the application's."""
    destination: str
    """A microservice's name; `$upstream`."""
    output: str = ""
    twin_changes: bool = False
    condition: str = ""
    input: str = ""
    priority: int | None = None
    ttl: int | None = None
    """Seconds; none: as its nodes say; 0: for ever."""
    durable: bool = True
    webhook: str = ""
    status: RouteStatusDocument | None = None
    """Telemetry, not part of the log: none where the past is asked about."""
    created_at: datetime
    updated_at: datetime


class ApplicationDocument(Answer, frozen=True, kw_only=True):
    """An application with its microservices."""

    id: str
    name: str
    description: str
    labels: dict[str, str]
    started: bool
    state: str
    """running (all that should are), stopped, progressing, failing."""
    microservices: list[MicroserviceDocument]
    routes: list[RouteDocument] = field(default_factory=list)
    system: bool = False
    """Part of the installation."""
    created_at: datetime
    updated_at: datetime


class RegistryDocument(Answer, frozen=True, kw_only=True):
    """A registry, without its password."""

    id: str
    name: str
    url: str
    username: str
    has_password: bool
    email: str = ""
    public: bool = False
    secure: bool = True
    certificate: str = ""
    requires_certificate: bool = False
    created_at: datetime
    updated_at: datetime


class UserDocument(Answer, frozen=True, kw_only=True):
    """A user, without anything secret."""

    id: str
    name: str
    role: Role
    profile: Profile = Profile()
    tokens: int
    created_at: datetime


class MasterKeyDocument(Answer, frozen=True, kw_only=True):
    """A master key by its id, which does not help to open anything."""

    id: str
    role: str
    """`current`: it wraps what is new. `former`: it still opens. `waiting`: it stands in the
    controller's file, and is used from its next start on. `missing`: the database holds secrets
    under it, and the controller can't open them."""
    wraps: int | None = None
    """How many secrets' keys are wrapped under it, the signing key of the log among them; null
    where nobody asked the database."""


class MasterKeys(Answer, frozen=True, kw_only=True):
    """The current one first."""

    items: list[MasterKeyDocument]


class EventDocument(Answer, frozen=True, kw_only=True):
    """One event of the log. `data` leaves out what only hashes."""

    position: int
    time: datetime
    subject: str
    subject_name: str
    """The subject's name at the answering position, or the last one it had."""
    type: str
    actor: str
    actor_name: str
    """As `actor`, with a node's name in place of its id."""
    command_id: str
    correlation_id: str
    causation_id: str
    hash: str
    data: Raw


class Page(Answer, frozen=True, kw_only=True):
    """What all lists carry."""

    position: int
    """The position of the log that the answer is valid for."""
    stale: bool = False
    """The log could not be reached lately: there may be news that this answer lacks."""


class Nodes(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[NodeDocument]


class Applications(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[ApplicationDocument]


class Microservices(Page, frozen=True, kw_only=True):
    """Sorted by application and name."""

    items: list[MicroserviceDocument]


class Registries(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[RegistryDocument]


class Users(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[UserDocument]


class Events(Page, frozen=True, kw_only=True):
    """A page of the log, ascending (descending with `order=desc`)."""

    items: list[EventDocument]
    next: int | None
    """Give this as `after` (`before` when descending) for the next page; None at the end.

    A page may be short, or empty, and not the last: a long search is answered in parts.
    """


class InteriorRouterStatus(Answer, frozen=True, kw_only=True):
    """What carries messages between nodes, as this controller knows it now."""

    state: str
    """none; up; down; unknown: this controller was not told how to ask it."""
    reason: str = ""
    url: str | None = None
    """As agents reach it; null until they were told."""


class Status(Answer, frozen=True, kw_only=True):
    """Whether the controller is well, for probes and people."""

    status: str
    """online, or degraded when the log can't be reached."""
    version: str
    position: int
    time: datetime | None = None
    """When the event at the position was recorded; None before the first one."""
    stale: bool
    uptime_seconds: float
    nodes: int
    nodes_online: int
    microservices: int
    microservices_running: int
    interior_router: InteriorRouterStatus


class Problem(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details, as `application/problem+json`."""

    type: str
    """`urn:ecn:problem:<code>`."""
    title: str
    status: int
    code: str
    """Stable; for programs."""
    detail: str = ""
    next_step: str = ""
    """What to do about it."""
    field: str = ""
    """The place in the request body that it is about, as `$.microservices[0].image`."""
    request_id: str = ""
