"""What may be asked of nodes, by operators and by the agents themselves."""

from datetime import datetime

from msgspec import Raw, Struct, field

from ecn.commands.command import Command
from events.application import ContainerStatus
from events.ids import MicroserviceId, NodeId, Position, RouteId
from events.node import Instruction, NodeFacts, NodeSettings, Outcome
from events.route import DropReason
from events.twin import TwinSection


class RegisterNode(Command, frozen=True, kw_only=True):
    """Make a place for a device."""

    node_id: NodeId
    name: str
    settings: NodeSettings = NodeSettings()


class UpdateNode(Command, frozen=True, kw_only=True):
    """Give it this name and these settings, whole. `seen` guards against a change in between."""

    node_id: NodeId
    name: str
    settings: NodeSettings
    seen: tuple[str, NodeSettings]
    """Name and settings that the new ones were made from."""


class IssueProvisioningKey(Command, frozen=True, kw_only=True):
    """Let one device redeem a key for this node until `expires_at`."""

    node_id: NodeId
    key_hash: str
    expires_at: datetime


class ProvisionNode(Command, frozen=True, kw_only=True):
    """Redeem a key."""

    key_hash: str
    credential_hash: str
    facts: NodeFacts
    now: datetime


class DeprovisionNode(Command, frozen=True, kw_only=True):
    """Take the node away from its device."""

    node_id: NodeId


class DeleteNode(Command, frozen=True, kw_only=True):
    """Remove the node; with `force` its microservices too."""

    node_id: NodeId
    force: bool = False


class ContainerReport(Command, frozen=True, kw_only=True):
    """One numbered transition within a ReportNode."""

    sequence: int
    microservice_id: MicroserviceId
    status: ContainerStatus


class TwinReport(Command, frozen=True, kw_only=True):
    """One numbered change of a twin that was made on the device, within a ReportNode."""

    sequence: int
    microservice_id: MicroserviceId
    section: TwinSection
    patch: Raw
    """Of the desired section: a JSON merge patch."""
    whole: Raw
    """Of the reported section: all of it after the change."""
    base: int
    """The version of the section that it was made from."""
    at: datetime
    """The device's clock."""


class OutcomeReport(Command, frozen=True, kw_only=True):
    """One numbered word on an instruction, within a ReportNode."""

    sequence: int
    told_at: Position
    outcome: Outcome
    detail: str
    at: datetime


class DropReport(Struct, frozen=True, kw_only=True):
    """Messages of a route were dropped by the node's agent."""

    sequence: int
    route_id: RouteId
    reason: DropReason
    messages: int
    size: int
    since: datetime
    at: datetime


class ReportNode(Command, frozen=True, kw_only=True):
    """An agent was heard and says what changed."""

    node_id: NodeId
    now: datetime
    facts: NodeFacts | None = None
    containers: list[ContainerReport] = field(default_factory=list)
    twins: list[TwinReport] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    drops: list[DropReport] = field(default_factory=list)
    goodbye: bool = False


class InstructNode(Command, frozen=True, kw_only=True):
    """Tell the agent to do something once."""

    node_id: NodeId
    instruction: Instruction
    version: str = ""
    """Of an upgrade."""


class AcknowledgeChanges(Command, frozen=True, kw_only=True):
    """An agent that polls for flags has done what it was told until then."""

    node_id: NodeId
    through: int
    """Milliseconds since 1970, as it was told."""


class OpenTunnel(Command, frozen=True, kw_only=True):
    """Let the device hold an SSH tunnel to the tunnel server."""

    node_id: NodeId
    host: str
    user: str
    remote_port: int
    local_port: int


class CloseTunnel(Command, frozen=True, kw_only=True):
    """Let it hold it no more."""

    node_id: NodeId


class MarkNodeOffline(Command, frozen=True, kw_only=True):
    """Nothing was heard of it since `last_seen`, and it was online since before that."""

    node_id: NodeId
    last_seen: datetime


NodeCommand = (
    RegisterNode
    | UpdateNode
    | IssueProvisioningKey
    | ProvisionNode
    | DeprovisionNode
    | DeleteNode
    | ReportNode
    | InstructNode
    | AcknowledgeChanges
    | OpenTunnel
    | CloseTunnel
    | MarkNodeOffline
)
