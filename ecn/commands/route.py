"""What may be asked of routes."""

from ecn.commands.command import Command
from events.ids import ApplicationId, RouteId
from events.route import RouteTerms


class CreateRoute(Command, frozen=True, kw_only=True):
    """Let messages of one microservice reach another of the same application."""

    route_id: RouteId
    application_id: ApplicationId
    name: str
    """Empty: `r-<source>-<destination>`."""
    source: str
    """A name within the application, or an id, as `destination`; `*`: any that is in it."""
    destination: str
    """Also `$upstream`."""
    terms: RouteTerms = RouteTerms()
    sole: bool = False
    """Refuse where another that takes all messages leads from and to the same."""


class UpdateRoute(Command, frozen=True, kw_only=True):
    """Let it have this name, these ends and these terms. As CreateRoute."""

    route_id: RouteId
    name: str
    source: str
    destination: str
    terms: RouteTerms = RouteTerms()
    sole: bool = False


class DeleteRoute(Command, frozen=True, kw_only=True):
    """Remove it."""

    route_id: RouteId


RouteCommand = CreateRoute | UpdateRoute | DeleteRoute
