"""What may be asked of registries."""

from ecn.commands.command import Command
from events.catalog import RegistrySettings, SealedSecret
from events.ids import RegistryId


class ApplyRegistry(Command, frozen=True, kw_only=True):
    """Let the registry be this."""

    registry_id: RegistryId
    """For the case that it has to be made."""
    name: str
    url: str
    username: str = ""
    password: SealedSecret | None = None
    """None keeps the one that is there."""


class DeleteRegistry(Command, frozen=True, kw_only=True):
    """Remove it; refused while a microservice uses it."""

    registry_id: RegistryId


class RestoreRegistry(Command, frozen=True, kw_only=True):
    """Let the registry be as it was: its settings whole, the password too, or none."""

    registry_id: RegistryId
    """For the case that it has to be made."""
    name: str
    settings: RegistrySettings


CatalogCommand = ApplyRegistry | RestoreRegistry | DeleteRegistry
