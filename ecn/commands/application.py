"""What may be asked of applications and microservices."""

from msgspec import field

from ecn.commands.command import Command
from events.application import MicroserviceSpec
from events.ids import ApplicationId, MicroserviceId, Position


class Placement(Command, frozen=True, kw_only=True):
    """A microservice as wanted. Node and registry by name or id: the decider looks them up."""

    microservice_id: MicroserviceId
    """For the case that it has to be made."""
    name: str
    node: str
    registry: str | None = None
    started: bool = True
    spec: MicroserviceSpec
    """`registry_id` is left to the decider."""


class ApplyApplication(Command, frozen=True, kw_only=True):
    """Let the application be exactly this: make, change, move and delete what differs."""

    application_id: ApplicationId
    """For the case that it has to be made."""
    name: str
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    microservices: list[Placement] = field(default_factory=list)


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
    | StartApplication
    | StopApplication
    | DeleteApplication
    | CreateMicroservice
    | UpdateMicroservice
    | StartMicroservice
    | StopMicroservice
    | MoveMicroservice
    | DeleteMicroservice
)
