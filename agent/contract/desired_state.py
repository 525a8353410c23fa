"""What should be on a node: the answer to its long poll."""

from msgspec import Raw, Struct, field

from agent.contract.container import (
    ContainerSpec,
    Dependency,
    Probe,
    PullPolicy,
    Registry,
    ReplaceMode,
    RestartPolicy,
)
from agent.contract.messages import Broker, ProxiedPort, Route
from agent.contract.node import EdgeResource, Instruction, NodeConfig


class Twin(Struct, frozen=True, kw_only=True):
    """What the controller has of a microservice's twin."""

    desired: Raw
    """A JSON object, whole."""
    desired_version: int = 0
    reported_version: int = 0
    edits_through: int = 0
    """The device's own changes of what should be are decided up to this number of its reports:
    `desired` is what came of them. Those behind it are still to be added to it."""


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
    routes: list[Route] = field(default_factory=list)
    """That microservices of this node may send by: whole each time, as the next three."""
    inboxes: list[str] = field(default_factory=list)
    """Microservices of this node that routes lead to from other nodes."""
    broker: Broker | None = None
    """None: the network has no interior router."""
    public_ports: list[ProxiedPort] = field(default_factory=list)
    stream_requests: list[Raw] = field(default_factory=list)
    """Each an `AnyStreamRequest`; see `known_requests`."""
