"""What may be asked of registries and of the catalog."""

from ecn.commands.command import Command
from events.catalog import CatalogItemSettings, RegistrySettings, SealedSecret
from events.ids import CatalogItemId, RegistryId


class ApplyRegistry(Command, frozen=True, kw_only=True):
    """Let the registry be this."""

    registry_id: RegistryId
    """For the case that it has to be made."""
    name: str
    url: str
    username: str = ""
    password: SealedSecret | None = None
    """None keeps the one that is there."""
    email: str = ""
    public: bool = False
    secure: bool = True
    certificate: str = ""
    requires_certificate: bool = False


class DeleteRegistry(Command, frozen=True, kw_only=True):
    """Remove it; refused while a microservice uses it."""

    registry_id: RegistryId


class RestoreRegistry(Command, frozen=True, kw_only=True):
    """Let the registry be as it was: its settings whole, the password too, or none."""

    registry_id: RegistryId
    """For the case that it has to be made."""
    name: str
    settings: RegistrySettings


class CreateCatalogItem(Command, frozen=True, kw_only=True):
    """Make one; refused where the name is taken."""

    catalog_item_id: CatalogItemId
    name: str
    settings: CatalogItemSettings


class ApplyCatalogItem(Command, frozen=True, kw_only=True):
    """Let the item of that name be this: made where there is none."""

    catalog_item_id: CatalogItemId
    """For the case that it has to be made."""
    name: str
    settings: CatalogItemSettings


class UpdateCatalogItem(Command, frozen=True, kw_only=True):
    """Let it have this name and be this. `seen` guards against a change in between."""

    catalog_item_id: CatalogItemId
    name: str
    settings: CatalogItemSettings
    seen: CatalogItemSettings


class DeleteCatalogItem(Command, frozen=True, kw_only=True):
    """Remove it; refused while a microservice is made of it."""

    catalog_item_id: CatalogItemId


RegistryCommand = ApplyRegistry | RestoreRegistry | DeleteRegistry
CatalogCommand = (
    RegistryCommand | CreateCatalogItem | ApplyCatalogItem | UpdateCatalogItem | DeleteCatalogItem
)
