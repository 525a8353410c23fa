"""Several commands as one: all of them happen, in this order, or none does."""

from msgspec import Struct, field

from ecn.commands.application import ApplicationCommand
from ecn.commands.catalog import CatalogCommand
from ecn.commands.command import Command
from ecn.commands.edge_resource import EdgeResourceCommand
from ecn.commands.network import NetworkCommand
from ecn.commands.node import NodeCommand
from ecn.commands.route import RouteCommand
from ecn.commands.template import TemplateCommand
from ecn.commands.user import UserCommand
from ecn.commands.volume import VolumeCommand
from events.application import MicroserviceSpec
from events.catalog import RegistrySettings
from events.ids import NodeId
from events.node import NodeSettings

SingleCommand = (
    NodeCommand
    | ApplicationCommand
    | CatalogCommand
    | RouteCommand
    | TemplateCommand
    | EdgeResourceCommand
    | VolumeCommand
    | NetworkCommand
    | UserCommand
)


class Subject(Struct, frozen=True):
    """One thing by what it is known by as long as there is history.

    A node is known by its id, as it may be renamed. All others keep their names, and may come
    back under another id: an application, a registry, and a microservice as `<application>/<name>`.
    """

    kind: str
    """node, application, microservice, registry."""
    key: str


class NodeStanding(Struct, frozen=True):
    """All that operators decide of a node."""

    name: str
    settings: NodeSettings


class MicroserviceStanding(Struct, frozen=True):
    """All that operators decide of a microservice."""

    node_id: NodeId
    started: bool
    spec: MicroserviceSpec


class ApplicationStanding(Struct, frozen=True):
    """All that operators decide of an application."""

    description: str
    labels: dict[str, str]
    started: bool
    microservices: dict[str, MicroserviceStanding]


Standing = NodeStanding | MicroserviceStanding | ApplicationStanding | RegistrySettings


class Part(Struct, frozen=True):
    """Commands about one thing."""

    about: str
    """`<kind>/<name>`, for the refusal of any of them."""
    commands: tuple[SingleCommand, ...]


class Together(Command, frozen=True, kw_only=True):
    """Do all of it, each on what the ones before leave, or nothing."""

    parts: tuple[Part, ...]
    seen: dict[Subject, Standing | None] = field(default_factory=dict)
    """How these stood when the parts were made; None is not at all. Guards against a change in
    between."""
