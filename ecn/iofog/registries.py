"""Registries as ioFog's clients write and see them. Pure.

Two are always there and are no rows of ours: 1, the public one, from which everybody pulls
anonymously; 2, which says that a device has the image already.
"""

import re

from msgspec import UNSET, Struct, UnsetType

from ecn.errors import NotFound
from ecn.iofog import refusals
from ecn.iofog.fields import Email, NonEmpty
from ecn.iofog.numbers import of_a_row, on_the_wire
from ecn.iofog.owners import user_number
from events.ids import RegistryId
from projections.registries import RegistryRow
from projections.world import World

PUBLIC = 1
FROM_CACHE = 2
PUBLIC_URL = "registry.hub.docker.com"


class CreateRegistry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A registry to be made."""

    url: NonEmpty
    is_public: bool
    username: NonEmpty
    password: str
    email: Email
    requires_cert: bool = False
    certificate: str | UnsetType = UNSET


class UpdateRegistry(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent stays."""

    url: NonEmpty | UnsetType = UNSET
    is_public: bool | UnsetType = UNSET
    username: NonEmpty | UnsetType = UNSET
    password: str | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    requires_cert: bool | UnsetType = UNSET
    certificate: str | UnsetType = UNSET


class Registry(Struct, frozen=True, kw_only=True, rename="camel"):
    """A registry, without its password."""

    id: int
    url: str
    is_public: bool
    is_secure: bool
    certificate: str
    requires_cert: bool
    username: str
    user_email: str
    user_id: int | None


class Registries(Struct, frozen=True):
    """All of them, by number."""

    registries: list[Registry]


class Created(Struct, frozen=True):
    """The number of what was made."""

    id: int


def _always(number: int, url: str) -> Registry:
    return Registry(
        id=number,
        url=url,
        is_public=True,
        is_secure=True,
        certificate="",
        requires_cert=False,
        username="",
        user_email="",
        user_id=None,
    )


ALWAYS = (_always(PUBLIC, PUBLIC_URL), _always(FROM_CACHE, "from_cache"))


def registries(world: World) -> Registries:
    """The two that are always there, and all others."""
    rows = sorted(world.registries.items(), key=lambda item: item[1].number)
    return Registries([*ALWAYS, *(registry(world, row) for _, row in rows)])


def registry(world: World, row: RegistryRow) -> Registry:
    """One of ours."""
    settings = row.settings
    return Registry(
        id=on_the_wire(row.number),
        url=settings.url,
        is_public=settings.public,
        is_secure=settings.secure,
        certificate=settings.certificate,
        requires_cert=settings.requires_certificate,
        username=settings.username,
        user_email=settings.email,
        user_id=user_number(world, row.created_by),
    )


def registry_id(world: World, number: int, *, field: str = "") -> RegistryId | None:
    """The registry of that number; None for the two that are always there.

    field: where the number stands in the body, if it does. Errors: NotFound.
    """
    if number in (PUBLIC, FROM_CACHE):
        return None
    own = of_a_row(number)
    found = None if own is None else world.registries.one("number", own)
    if found is None:
        raise NotFound("registry", str(number), field=field)
    return found


def registry_number(world: World, key: RegistryId | None, *, from_cache: bool) -> int:
    """What a microservice or an item of the catalog shows as its registry."""
    if key is None:
        return FROM_CACHE if from_cache else PUBLIC
    row = world.registries.get(key)
    return PUBLIC if row is None else on_the_wire(row.number)


def host(url: str) -> str:
    """A registry as we name it: host and port, where ioFog's people write a whole address."""
    return re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", url.strip()).partition("/")[0]


def name(url: str, key: RegistryId) -> str:
    """A name for a registry that nobody named: of its host, and of its id, so that it is new."""
    slug = re.sub(r"[^a-z0-9]+", "-", host(url).lower()).strip("-")[:40].strip("-")
    return f"{slug or 'registry'}-{key[:6]}"


def check_certificate(requires: bool | UnsetType, certificate: str | UnsetType) -> None:
    """Errors: Refusal when one is needed and not given."""
    if requires is True and certificate is UNSET:
        raise refusals.invalid("Required field 'certificate' is missing")
