"""Nodes: registered by an operator, provisioned by an agent, and what agents say of devices."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field

from events.event import Event
from events.ids import NodeId


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


class NodeFacts(Struct, frozen=True, kw_only=True, gc=False):
    """What an agent says of its device. Changes rarely: an upgrade, an engine that went away."""

    agent_version: str = ""
    architecture: str = ""
    operating_system: str = ""
    cpus: int = 0
    memory_mib: int = 0
    engine_version: str = ""
    engine_problem: str = ""
    """Why the container engine can't be used; empty while it can."""


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
)
