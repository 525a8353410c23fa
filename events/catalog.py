"""Registries: where images come from, and with which credentials."""

from typing import ClassVar

from msgspec import Struct

from events.event import Event
from events.ids import RegistryId


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


CatalogEvents = RegistryCreated | RegistryUpdated | RegistryDeleted
