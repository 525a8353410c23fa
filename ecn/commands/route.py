"""What may be asked of routes."""

from ecn.commands.command import Command
from events.ids import ApplicationId, RouteId


class CreateRoute(Command, frozen=True, kw_only=True):
    """Let messages of one microservice reach another of the same application."""

    route_id: RouteId
    application_id: ApplicationId
    name: str
    """Empty: `r-<source>-<destination>`."""
    source: str
    """A name within the application, or an id, as `destination`."""
    destination: str


class UpdateRoute(Command, frozen=True, kw_only=True):
    """Let it have this name and these ends."""

    route_id: RouteId
    name: str
    source: str
    destination: str


class DeleteRoute(Command, frozen=True, kw_only=True):
    """Remove it."""

    route_id: RouteId


RouteCommand = CreateRoute | UpdateRoute | DeleteRoute
