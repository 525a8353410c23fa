"""Registries by ioFog's API. Passwords are sealed as they come in; none goes out but to agents."""

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import execute, first_event
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.api.keys import LIVE, VAULT
from ecn.api.registries import destroy_key, is_password
from ecn.commands import catalog as commands
from ecn.errors import Invalid, NotFound, Refused
from ecn.iofog import numbers
from ecn.iofog import registries as wire
from ecn.iofog.numbers import on_the_wire
from events.catalog import RegistryCreated, SealedSecret
from events.ids import RegistryId, new_id
from events.user import Role

LONGEST_PASSWORD = 4096


async def list_registries(request: web.Request) -> web.Response:
    """All registries."""
    return answer(wire.registries(world(request)))


async def create_registry(request: web.Request) -> web.Response:
    """Make one, under a name made of its address."""
    said = await body(request, wire.CreateRegistry)
    wire.check_certificate(said.requires_cert, said.certificate)
    key = RegistryId(new_id())
    password = await _sealed(request, said.password, None)
    command = commands.ApplyRegistry(
        registry_id=key,
        name=wire.name(said.url, key),
        url=wire.host(said.url),
        username=said.username,
        password=password,
        email=said.email,
        public=said.is_public,
        certificate="" if said.certificate is UNSET else said.certificate,
        requires_certificate=said.requires_cert,
    )
    try:
        outcome = await execute(request, command)
    except Refused:
        if password is not None:
            await destroy_key(request.app[VAULT], password)
        raise
    made = await first_event(request, outcome, RegistryCreated)
    if made is not None and password is not None:
        await destroy_key(request.app[VAULT], password)
    row = request.app[LIVE].world.registries.get(made.registry_id if made is not None else key)
    return answer(wire.Created(on_the_wire(row.number if row else outcome.position)), 201)


async def update_registry(request: web.Request) -> web.Response:
    """Change what is given. Of the two that are always there nothing changes, as with ioFog."""
    said = await body(request, wire.UpdateRegistry)
    wire.check_certificate(said.requires_cert, said.certificate)
    key = _key(request)
    if key is None:
        return empty()
    row = world(request).registries[key]
    old = row.settings
    password = None
    if said.password is not UNSET:
        password = await _sealed(request, said.password, old.password)
    command = commands.ApplyRegistry(
        registry_id=key,
        name=row.name,
        url=old.url if said.url is UNSET else wire.host(said.url),
        username=old.username if said.username is UNSET else said.username,
        password=password,
        email=old.email if said.email is UNSET else said.email,
        public=old.public if said.is_public is UNSET else said.is_public,
        secure=old.secure,
        certificate=old.certificate if said.certificate is UNSET else said.certificate,
        requires_certificate=old.requires_certificate
        if said.requires_cert is UNSET
        else said.requires_cert,
    )
    vault = request.app[VAULT]
    try:
        await execute(request, command)
    except Refused:
        if password is not None:
            await destroy_key(vault, password)
        raise
    now = request.app[LIVE].world.registries.get(key)
    kept = None if now is None else now.settings.password
    for secret in (old.password, password):
        if secret is not None and secret != kept:
            await destroy_key(vault, secret)
    return empty()


async def delete_registry(request: web.Request) -> web.Response:
    """Remove it, and destroy its password's key."""
    key = _key(request)
    if key is None:
        raise NotFound("registry", request.match_info["id"])
    password = world(request).registries[key].settings.password
    await execute(request, commands.DeleteRegistry(registry_id=key))
    if password is not None:
        await destroy_key(request.app[VAULT], password)
    return empty()


def _key(request: web.Request) -> RegistryId | None:
    """The registry that the path names; None for one that is always there. Errors: NotFound."""
    text = request.match_info["id"]
    number = numbers.read(text)
    if number is None:
        raise NotFound("registry", text)
    return wire.registry_id(world(request), number)


async def _sealed(
    request: web.Request, password: str, old: SealedSecret | None
) -> SealedSecret | None:
    """The password for the log; None where it is the old one, or there is none."""
    if len(password) > LONGEST_PASSWORD:
        raise Invalid(f"is longer than {LONGEST_PASSWORD} characters", field="$.password")
    vault = request.app[VAULT]
    if not password or (old is not None and await is_password(vault, old, password)):
        return None
    return await vault.seal(password)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/registries",
        handler=list_registries,
        access=Role.VIEWER,
        tag="registries",
        summary="List registries",
        answer=wire.Registries,
    ),
    Endpoint(
        method="POST",
        path="/registries",
        handler=create_registry,
        access=Role.OPERATOR,
        tag="registries",
        summary="Make a registry",
        body=wire.CreateRegistry,
        liquid=True,
        answer=wire.Created,
        status=201,
        refusals=(409,),
    ),
    Endpoint(
        method="PATCH",
        path="/registries/{id}",
        handler=update_registry,
        access=Role.OPERATOR,
        tag="registries",
        summary="Change what is given of a registry",
        body=wire.UpdateRegistry,
        liquid=True,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="/registries/{id}",
        handler=delete_registry,
        access=Role.OPERATOR,
        tag="registries",
        summary="Delete a registry",
        status=204,
        refusals=(404, 409),
    ),
)
