"""Nodes: registered by an operator, provisioned by an agent, and what agents say of devices."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field

from events.event import Event
from events.ids import NodeId, Position


class Platform(StrEnum):
    """What a device can run images of, as far as ioFog tells them apart."""

    UNSPECIFIED = ""
    """Whatever its agent says of its architecture."""
    X86 = "x86"
    ARM = "arm"


class GpsMode(StrEnum):
    """Where a device's coordinates come from."""

    AUTO = "auto"
    MANUAL = "manual"
    OFF = "off"
    DYNAMIC = "dynamic"


class WhenFull(StrEnum):
    """What an agent does with a new message when those that wait take all they may."""

    REFUSE = "refuse"
    """Refuse it: whoever sent it keeps it, and nothing that was taken is dropped."""
    DROP_OLDEST = "drop-oldest"
    """Drop the oldest of the least urgent priority."""


class LocalApi(StrEnum):
    """How microservices are known at their agent's Local API."""

    OWN = "own"
    """By the address that they come from, or by a token of their own."""
    OPEN = "open"
    """By the id that they name, as with ioFog: any container may be any."""
    OFF = "off"


class AgentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """How the agent of a device goes about its work. The defaults are ioFog's."""

    engine_url: str = "unix:///var/run/docker.sock"
    network_interface: str = "eth0"
    disk_limit_gib: int = 50
    disk_directory: str = "/var/lib/iofog/"
    memory_limit_mib: int = 4096
    cpu_limit_percent: int = 80
    log_limit_gib: int = 10
    log_directory: str = "/var/log/iofog/"
    log_files: int = 10
    log_level: str = "INFO"
    status_interval: int = 10
    """Seconds, as the next two."""
    change_interval: int = 20
    device_scan_interval: int = 20
    watchdog: bool = True
    """Remove containers that are not the agent's."""
    bluetooth: bool = False
    hardware_abstraction: bool = False
    pruning_interval_hours: int = 1
    disk_threshold_percent: int = 20
    """Less free disk than this, and unused images are removed."""
    pull_limit_kib: int = 0
    """KiB per second that pulls of images may take; 0 is no limit."""
    message_store_mib: int = 1024
    """That undelivered messages may take on the device's disk."""
    message_ttl: int = 604800
    """Seconds that they are kept where their route does not say; 0: for ever."""
    when_full: WhenFull = WhenFull.REFUSE
    local_api: LocalApi = LocalApi.OWN
    gps_mode: GpsMode | None = None
    time_zone: str | None = None


class RouterMode(StrEnum):
    """What part a device takes in the network of routers."""

    NONE = "none"
    """None: its agent uses another node's router."""
    EDGE = "edge"
    INTERIOR = "interior"


DEFAULT_ROUTER = "default-router"
"""Stands for the router that all others lead to, where a node's id would stand."""


class RouterSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A device's message router."""

    mode: RouterMode = RouterMode.EDGE
    messaging_port: int = 5672
    edge_port: int | None = None
    """Where edge routers connect; interior only, as the next."""
    inter_router_port: int | None = None
    upstreams: list[str] = field(default_factory=list)
    """Ids of nodes, or DEFAULT_ROUTER."""
    network_router: str = ""
    """Whose router the agent uses, where the mode is none: a node's id or DEFAULT_ROUTER."""


class Reach(StrEnum):
    """Who may do something on a node: users of this role and those above."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    NOBODY = "nobody"


class NodeAccess(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What may be done to a device from the centre, and what containers on it may."""

    logs: Reach = Reach.VIEWER
    exec: Reach = Reach.OPERATOR
    """Commands in containers: who may do that may do all that the container may."""
    forward: Reach = Reach.OPERATOR
    """Connections to ports of containers."""
    tunnel: Reach = Reach.ADMIN
    """Connections to ports of the device itself."""
    privileged: bool = False
    """Whether containers may have the host's powers (see ContainerOptions)."""
    settings: bool = False
    """Whether the device may set how its agent works, and where it is: `ecn-agent config set`."""


class NodeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What an operator says of a node. Everything here may change later."""

    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    host: str | None = None
    """Name or address under which others reach this device, if anyone can."""
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    platform: Platform = Platform.UNSPECIFIED
    system: bool = False
    """The one node that carries the default router, beside the controller."""
    agent: AgentSettings = AgentSettings()
    access: NodeAccess = NodeAccess()
    router: RouterSettings | None = None
    """None: nothing of this network's routers concerns it."""


class NodeFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What an agent says of its device. Changes rarely: an upgrade, an engine that went away."""

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
    """Why files of volumes could not be written; empty while all are there."""
    storage_problem: str = ""
    """Why the agent can't write down what happens; empty while it can."""
    local_api_problem: str = ""
    """Why microservices do not reach the Local API; empty while they do."""


class OfflineReason(StrEnum):
    """Why a node counts as offline."""

    SILENT = "silent"
    """Nothing heard for longer than the controller waits."""
    STOPPED = "stopped"
    """The agent said goodbye."""
    DEPROVISIONED = "deprovisioned"


class NodeEvent(Event, frozen=True, kw_only=True):
    """About one node."""

    KIND: ClassVar[str] = "node"
    node_id: NodeId


class NodeRegistered(NodeEvent, frozen=True, kw_only=True, tag="node.registered.v1"):
    """An operator made a place for a device."""

    name: str
    settings: NodeSettings


class NodeRenamed(NodeEvent, frozen=True, kw_only=True, tag="node.renamed.v1"):
    """It goes by another name; its id stays."""

    name: str


class NodeUpdated(NodeEvent, frozen=True, kw_only=True, tag="node.updated.v1"):
    """Its settings are now these, whole."""

    settings: NodeSettings


class ProvisioningKeyIssued(NodeEvent, frozen=True, kw_only=True, tag="node.key-issued.v1"):
    """A key that makes one device this node, once, until it expires. Replaces an earlier key."""

    key_hash: str
    """SHA-256 of the key, hexadecimal."""
    expires_at: datetime


class NodeProvisioned(NodeEvent, frozen=True, kw_only=True, tag="node.provisioned.v1"):
    """A device redeemed the key and is this node from now on; any earlier credential is dead."""

    key_hash: str
    credential_hash: str
    """SHA-256 of the agent's credential, hexadecimal."""
    facts: NodeFacts


class NodeDeprovisioned(NodeEvent, frozen=True, kw_only=True, tag="node.deprovisioned.v1"):
    """The device is no longer this node; its credential is dead."""


class NodeDeleted(NodeEvent, frozen=True, kw_only=True, tag="node.deleted.v1"):
    """The node is gone, with its credential."""


class NodeCameOnline(NodeEvent, frozen=True, kw_only=True, tag="node.came-online.v1"):
    """The agent was heard after a silence, or for the first time."""


class NodeWentOffline(NodeEvent, frozen=True, kw_only=True, tag="node.went-offline.v1"):
    """The agent is not heard any more."""

    reason: OfflineReason
    last_seen: datetime | None = None


class NodeFactsReported(NodeEvent, frozen=True, kw_only=True, tag="node.facts-reported.v1"):
    """Something about the device itself is different from what was known."""

    facts: NodeFacts


class Instruction(StrEnum):
    """What an operator may tell an agent to do, once."""

    REBOOT = "reboot"
    """The whole device."""
    PRUNE = "prune"
    """Remove images that nothing uses."""
    UPGRADE = "upgrade"
    """The agent itself."""
    ROLLBACK = "rollback"


class NodeInstructed(NodeEvent, frozen=True, kw_only=True, tag="node.instructed.v1"):
    """The agent is to do this once."""

    instruction: Instruction
    version: str = ""
    """Of an upgrade: of the agent's package; empty is the newest."""


class Outcome(StrEnum):
    """What became of an instruction."""

    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    """An upgrade that did not prove itself: the former version runs again."""


class InstructionCarriedOut(
    NodeEvent, frozen=True, kw_only=True, tag="node.instruction-carried-out.v1"
):
    """The agent says what became of what it was told."""

    instruction: Instruction
    told_at: Position
    """The NodeInstructed."""
    sequence: int
    """Of the agent's reports, as in ContainerReported."""
    outcome: Outcome
    detail: str = ""
    """For people."""
    at: datetime
    """The device's clock."""


class NodeChangesAcknowledged(
    NodeEvent, frozen=True, kw_only=True, tag="node.changes-acknowledged.v1"
):
    """An agent that polls for flags has done all that it was told until then."""

    through: int
    """The stamp of the last change it did, in ms since 1970 (see projections/changes.py)."""


class TunnelOpened(NodeEvent, frozen=True, kw_only=True, tag="node.tunnel-opened.v1"):
    """The device is to hold an SSH tunnel to the controller's tunnel server."""

    host: str
    user: str
    remote_port: int
    """Of the tunnel server, which leads to `local_port` of the device."""
    local_port: int


class TunnelClosed(NodeEvent, frozen=True, kw_only=True, tag="node.tunnel-closed.v1"):
    """It is to hold it no more."""


NodeEvents = (
    NodeRegistered
    | NodeRenamed
    | NodeUpdated
    | ProvisioningKeyIssued
    | NodeProvisioned
    | NodeDeprovisioned
    | NodeDeleted
    | NodeCameOnline
    | NodeWentOffline
    | NodeFactsReported
    | NodeInstructed
    | InstructionCarriedOut
    | NodeChangesAcknowledged
    | TunnelOpened
    | TunnelClosed
)
