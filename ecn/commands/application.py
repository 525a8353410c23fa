"""What may be asked of applications and microservices."""

from msgspec import Struct, field

from ecn.commands.command import Command
from events.application import MicroserviceSpec
from events.ids import ApplicationId, MicroserviceId, Position, RouteId
from events.route import RouteTerms


class Placement(Command, frozen=True, kw_only=True):
    """A microservice as wanted. Node and registry by name or id: the decider looks them up."""

    microservice_id: MicroserviceId
    """For the case that it has to be made."""
    name: str
    node: str
    registry: str | None = None
    started: bool = True
    spec: MicroserviceSpec
    """`registry_id` is left to the decider, as are the queues of public ports. `catalog_item_id`
    may be a name, a public port's router a node's name."""


class WantedRoute(Struct, frozen=True, kw_only=True):
    """A route as wanted, within an application."""

    route_id: RouteId
    """For the case that it has to be made."""
    name: str = ""
    """Empty: `r-<source>-<destination>`."""
    source: str
    """A microservice's name, or its id, as `destination`; `*`: any of the application."""
    destination: str
    """Also `$upstream`."""
    terms: RouteTerms = RouteTerms()


class ApplyApplication(Command, frozen=True, kw_only=True):
    """Let the application be exactly this: make, change, move and delete what differs."""

    application_id: ApplicationId
    """For the case that it has to be made."""
    name: str
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    microservices: list[Placement] | None = field(default_factory=list)
    """None leaves them as they are, as below."""
    routes: list[WantedRoute] | None = field(default_factory=list)
    started: bool = True
    """When it has to be made."""
    system: bool = False
    new: bool = False
    """Refuse where the name is taken."""


class UpdateApplication(Command, frozen=True, kw_only=True):
    """Let it have this name and these attributes. Its microservices stay."""

    application_id: ApplicationId
    name: str
    description: str
    system: bool


class StartApplication(Command, frozen=True, kw_only=True):
    """Let its microservices run."""

    application_id: ApplicationId


class StopApplication(Command, frozen=True, kw_only=True):
    """Let none of its microservices run."""

    application_id: ApplicationId


class DeleteApplication(Command, frozen=True, kw_only=True):
    """Remove it with its microservices."""

    application_id: ApplicationId


class CreateMicroservice(Command, frozen=True, kw_only=True):
    """Add one to an application."""

    application_id: ApplicationId
    placement: Placement


class UpdateMicroservice(Command, frozen=True, kw_only=True):
    """Let it be as `placement` says; its name stays. `seen` guards against a change in between."""

    microservice_id: MicroserviceId
    placement: Placement
    seen: Position
    """Revision that the new placement was made from."""


class RenameMicroservice(Command, frozen=True, kw_only=True):
    """Let it have another name within its application."""

    microservice_id: MicroserviceId
    name: str


class RebuildMicroservice(Command, frozen=True, kw_only=True):
    """Let its container be made anew."""

    microservice_id: MicroserviceId


class SwitchTracing(Command, frozen=True, kw_only=True):
    """Let its system calls be traced, or no more."""

    microservice_id: MicroserviceId
    enabled: bool


class RequestSnapshot(Command, frozen=True, kw_only=True):
    """Let its node send an image of its container as it is, once."""

    microservice_id: MicroserviceId


class StartMicroservice(Command, frozen=True, kw_only=True):
    """Let it run."""

    microservice_id: MicroserviceId


class StopMicroservice(Command, frozen=True, kw_only=True):
    """Let it not run."""

    microservice_id: MicroserviceId


class MoveMicroservice(Command, frozen=True, kw_only=True):
    """Let it run on another node, named by name or id."""

    microservice_id: MicroserviceId
    node: str


class DeleteMicroservice(Command, frozen=True, kw_only=True):
    """Remove it."""

    microservice_id: MicroserviceId


ApplicationCommand = (
    ApplyApplication
    | UpdateApplication
    | StartApplication
    | StopApplication
    | DeleteApplication
    | CreateMicroservice
    | UpdateMicroservice
    | RenameMicroservice
    | RebuildMicroservice
    | SwitchTracing
    | RequestSnapshot
    | StartMicroservice
    | StopMicroservice
    | MoveMicroservice
    | DeleteMicroservice
)
