"""Registries, and the catalog: where images come from, and which there are to choose from."""

from typing import ClassVar

from msgspec import Struct, field

from events.event import Event
from events.ids import CatalogItemId, RegistryId


class SealedSecret(Struct, frozen=True, kw_only=True, gc=False):
    """A secret as the log may hold it: unreadable without a key that is kept outside the log.

    Destroying that key destroys the secret, in every copy of the log.
    """

    secret_id: str
    ciphertext: bytes
    """Base64 in JSON; made and opened by the controller's vault."""


class RegistrySettings(Struct, frozen=True, kw_only=True, gc=False):
    """How to reach a registry."""

    url: str
    """Host and optional port, as it begins an image's name: `registry.example:5000`."""
    username: str = ""
    password: SealedSecret | None = None
    email: str = ""
    public: bool = False
    secure: bool = True
    certificate: str = ""
    requires_certificate: bool = False


class RegistryEvent(Event, frozen=True, kw_only=True):
    """About one registry."""

    KIND: ClassVar[str] = "registry"
    registry_id: RegistryId


class RegistryCreated(RegistryEvent, frozen=True, kw_only=True, tag="registry.created.v1"):
    """Images may be pulled from there."""

    name: str
    settings: RegistrySettings


class RegistryUpdated(RegistryEvent, frozen=True, kw_only=True, tag="registry.updated.v1"):
    """Its settings are now these, whole."""

    settings: RegistrySettings


class RegistryDeleted(RegistryEvent, frozen=True, kw_only=True, tag="registry.deleted.v1"):
    """No image is pulled from there any more; its password's key is destroyed."""


class DataType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What a microservice takes in or gives out, in words."""

    kind: str = ""
    format: str = ""


class CatalogItemSettings(Struct, frozen=True, kw_only=True, gc=False):
    """What an item is, whole."""

    images: dict[str, str] = field(default_factory=dict)
    """By platform: `x86`, `arm`."""
    registry_id: RegistryId | None = None
    """None pulls anonymously."""
    from_cache: bool = False
    """Never pulled: a device has the image, or the microservice can't run there."""
    description: str = ""
    category: str = ""
    publisher: str = ""
    picture: str = ""
    disk_required: int = 0
    ram_required: int = 0
    public: bool = False
    config_example: str = ""
    input: DataType | None = None
    output: DataType | None = None


class CatalogItemEvent(Event, frozen=True, kw_only=True):
    """About one item of the catalog."""

    KIND: ClassVar[str] = "catalog-item"
    catalog_item_id: CatalogItemId


class CatalogItemCreated(
    CatalogItemEvent, frozen=True, kw_only=True, tag="catalog-item.created.v1"
):
    """Microservices may be made of it."""

    name: str
    settings: CatalogItemSettings


class CatalogItemUpdated(
    CatalogItemEvent, frozen=True, kw_only=True, tag="catalog-item.updated.v1"
):
    """It has this name and is this now. Microservices made of it follow."""

    name: str
    settings: CatalogItemSettings


class CatalogItemDeleted(
    CatalogItemEvent, frozen=True, kw_only=True, tag="catalog-item.deleted.v1"
):
    """It is gone."""


RegistryEvents = RegistryCreated | RegistryUpdated | RegistryDeleted
CatalogItemEvents = CatalogItemCreated | CatalogItemUpdated | CatalogItemDeleted
CatalogEvents = RegistryEvents | CatalogItemEvents
