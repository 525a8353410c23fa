"""Several commands as one: all of them happen, in this order, or none does."""

from msgspec import Raw, Struct, field

from ecn.commands.application import ApplicationCommand
from ecn.commands.catalog import CatalogCommand
from ecn.commands.command import Command
from ecn.commands.edge_resource import EdgeResourceCommand
from ecn.commands.network import NetworkCommand
from ecn.commands.node import NodeCommand
from ecn.commands.route import RouteCommand
from ecn.commands.session import SessionCommand
from ecn.commands.template import TemplateCommand
from ecn.commands.twin import TwinCommand
from ecn.commands.user import UserCommand
from ecn.commands.volume import VolumeCommand
from events.application import MicroserviceSpec
from events.catalog import CatalogItemSettings, RegistrySettings
from events.edge_resource import EdgeResourceSettings
from events.ids import NodeId
from events.network import DefaultRouter
from events.node import NodeSettings
from events.route import RouteTerms
from events.template import TemplateSettings
from events.volume import VolumeSettings

SingleCommand = (
    NodeCommand
    | ApplicationCommand
    | CatalogCommand
    | RouteCommand
    | TemplateCommand
    | EdgeResourceCommand
    | VolumeCommand
    | NetworkCommand
    | TwinCommand
    | UserCommand
    | SessionCommand
)


class Subject(Struct, frozen=True):
    """One thing, at two moments: by its id, as names move; but what was deleted and made again
    under its old name is taken for the same."""

    kind: str
    """node, application, microservice, route, template, catalog-item, registry, edge-resource,
    volume, network."""
    key: str
    """Its id, or its name."""
    was: str = ""
    """The id that it had at the other moment, if that was another."""


class NodeStanding(Struct, frozen=True):
    """All that operators decide of a node."""

    name: str
    settings: NodeSettings


class MicroserviceStanding(Struct, frozen=True):
    """All that operators decide of a microservice."""

    name: str
    node_id: NodeId
    started: bool
    spec: MicroserviceSpec
    desired: Raw
    """Of its twin."""


class RouteStanding(Struct, frozen=True):
    """All that operators decide of a route. Its ends by their names."""

    name: str
    source: str
    destination: str
    terms: RouteTerms


class ApplicationStanding(Struct, frozen=True):
    """All that operators decide of an application. What is in it by name."""

    name: str
    description: str
    labels: dict[str, str]
    started: bool
    system: bool
    microservices: dict[str, MicroserviceStanding]
    routes: dict[str, RouteStanding]


class TemplateStanding(Struct, frozen=True):
    """A template."""

    name: str
    settings: TemplateSettings


class CatalogItemStanding(Struct, frozen=True):
    """An item of the catalog."""

    name: str
    settings: CatalogItemSettings


class EdgeResourceStanding(Struct, frozen=True):
    """An edge resource, with the nodes that it is linked to, sorted."""

    name: str
    version: str
    settings: EdgeResourceSettings
    node_ids: tuple[NodeId, ...]


class VolumeStanding(Struct, frozen=True):
    """A volume."""

    name: str
    settings: VolumeSettings


class SettingStanding(Struct, frozen=True):
    """A setting of the network."""

    value: str


Standing = (
    NodeStanding
    | MicroserviceStanding
    | ApplicationStanding
    | RouteStanding
    | TemplateStanding
    | CatalogItemStanding
    | RegistrySettings
    | EdgeResourceStanding
    | VolumeStanding
    | DefaultRouter
    | SettingStanding
)


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
