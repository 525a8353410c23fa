"""Registries over HTTP. Passwords come in and are sealed at once; they never go out."""

import hmac

import structlog
from aiohttp import web

from ecn.api import views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import Changed, Registries, RegistryDocument, RegistryManifest
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE, VAULT
from ecn.api.moments import asked
from ecn.commands import catalog as commands
from ecn.deciders import find
from ecn.errors import Invalid, Refused
from ecn.vault import SecretLost, Vault
from events.catalog import SealedSecret
from events.ids import RegistryId, new_id
from events.log import StoreUnavailable
from events.user import Role
from projections.world import World

log = structlog.get_logger()


def _password(world: World, name: str) -> SealedSecret | None:
    key = world.registries.one("name", name)
    return world.registries[key].settings.password if key is not None else None


async def is_password(vault: Vault, sealed: SealedSecret, password: str) -> bool:
    """Whether it is the sealed one."""
    try:
        there = await vault.open(sealed, lately=False)
    except SecretLost:
        return False  # what can't be opened is replaced
    return hmac.compare_digest(there.encode(), password.encode())


async def destroy_key(vault: Vault, sealed: SealedSecret) -> None:
    """Destroy what the log no longer needs. What can't be now is swept later (secret_keeper.py)."""
    try:
        await vault.destroy(sealed)
    except StoreUnavailable as e:
        # The command is done, and its answer says so; "nothing was changed" would be wrong.
        log.warning("secret_key_left", secret_id=sealed.secret_id, reason=str(e))


async def list_registries(request: web.Request) -> web.Response:
    """All registries."""
    about = asked(request)
    items = [views.registry(about.world, key) for key in about.world.registries]
    items.sort(key=lambda each: each.name)
    return json_answer(Registries(position=about.position, stale=about.stale, items=items))


async def show_registry(request: web.Request) -> web.Response:
    """One registry."""
    world = asked(request).world
    key = find.registry(world, request.match_info["registry"])
    return json_answer(views.registry(world, key))


async def apply_registry(request: web.Request) -> web.Response:
    """Let the registry be as the body says."""
    live, vault = request.app[LIVE], request.app[VAULT]
    name = request.match_info["registry"]
    body = await read_body(request, RegistryManifest)
    old = _password(live.world, name)
    password = None
    if body.password is not None:
        if len(body.password) > 4096:
            raise Invalid("is longer than 4096 characters", field="$.password")
        # The same password again changes nothing, so that applying twice is applying once.
        if old is None or not await is_password(vault, old, body.password):
            password = await vault.seal(body.password)
    command = commands.ApplyRegistry(
        registry_id=RegistryId(new_id()),
        name=name,
        url=body.url,
        username=body.username,
        password=password,
        email=body.email,
        public=body.public,
        secure=body.secure,
        certificate=body.certificate,
        requires_certificate=body.requires_certificate,
    )
    try:
        outcome = await execute(request, command)
    except Refused:
        if password is not None:
            await destroy_key(vault, password)
        raise
    # Only here, where it is known what became of it: a client that leaves ends the wait, and the
    # command is carried out all the same. A key too many opens nothing; one too few loses a secret.
    kept = _password(live.world, name)
    for secret in (old, password):
        if secret is not None and secret != kept:
            await destroy_key(vault, secret)
    subject = outcome.subject
    if not subject:
        subject = f"registry/{find.registry(await decided_on(request, outcome), name)}"
    return changed(outcome, subject, created_or_ok(outcome, "registry"))


async def delete_registry(request: web.Request) -> web.Response:
    """Remove it, and destroy its password's key."""
    world = request.app[LIVE].world
    key = find.registry(world, request.match_info["registry"])
    password = world.registries[key].settings.password
    outcome = await execute(request, commands.DeleteRegistry(registry_id=key))
    if password is not None:
        await destroy_key(request.app[VAULT], password)
    return changed(outcome, f"registry/{key}")


_REGISTRY = "/registries/{registry}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/registries",
        handler=list_registries,
        access=Role.VIEWER,
        tag="registries",
        summary="List registries",
        answer=Registries,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_REGISTRY,
        handler=apply_registry,
        access=Role.OPERATOR,
        tag="registries",
        summary="Create or update a registry; without a password the one there is stays",
        body=RegistryManifest,
        answer=Changed,
        also=(201,),
        creates="registry",
    ),
    Endpoint(
        method="GET",
        path=_REGISTRY,
        handler=show_registry,
        access=Role.VIEWER,
        tag="registries",
        summary="Show a registry",
        answer=RegistryDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_REGISTRY,
        handler=delete_registry,
        access=Role.OPERATOR,
        tag="registries",
        summary="Delete a registry that no microservice uses",
        answer=Changed,
        refusals=(404, 409),
    ),
)
