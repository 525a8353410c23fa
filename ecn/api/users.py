"""Users over HTTP: logging in and out, and who may."""

from datetime import timedelta

import msgspec
from aiohttp import web

from ecn.api import views
from ecn.api.answers import json_answer
from ecn.api.commanding import (
    COMMAND_ID,
    OPERATOR,
    changed,
    execute,
    first_event,
    replayed,
)
from ecn.api.documents import Changed, CreateUser, Login, Token, UpdateUser, Users
from ecn.api.endpoint import Access, Endpoint, read_body
from ecn.api.keys import CLOCK, LIVE, PASSWORDS, VAULT
from ecn.api.moments import asked
from ecn.commands import user as commands
from ecn.deciders import find
from ecn.errors import BadCredentials, Invalid
from ecn.vault import hash_of
from events.ids import TokenId, UserId, new_id
from events.user import Role, TokenIssued

TOKEN_VALID_FOR = timedelta(days=30)
LONGEST_TOKEN = timedelta(days=3650)


async def login(request: web.Request) -> web.Response:
    """A token for a name and a password."""
    body = await read_body(request, Login)
    world = request.app[LIVE].world
    user_id = world.users.one("name", body.name)
    row = world.users.get(user_id) if user_id is not None else None
    good = await request.app[PASSWORDS].matches(
        body.name, body.password, row.password_hash if row is not None else None
    )
    if not good or row is None or user_id is None:
        raise BadCredentials(
            "name or password is wrong", next_step="Check both; ask an admin if they are lost."
        )
    valid_for = TOKEN_VALID_FOR
    if body.valid_for is not None:
        longest = int(LONGEST_TOKEN.total_seconds())
        if not 1 <= body.valid_for <= longest:
            raise Invalid(f"is not between 1 and {longest} seconds", field="$.valid_for")
        valid_for = timedelta(seconds=body.valid_for)
    token = request.app[VAULT].derived("token", request[COMMAND_ID])
    command = commands.IssueToken(
        user_id=user_id,
        token_id=TokenId(new_id()),
        token_hash=hash_of(token),
        description=body.description,
        expires_at=request.app[CLOCK]() + valid_for,
        checked=row.password_hash,
    )
    outcome = await execute(request, command, actor=f"user/{body.name}")
    issued = await first_event(request, outcome, TokenIssued)
    if issued is not None:
        vault = request.app[VAULT]
        token = vault.derived_before("token", request[COMMAND_ID], issued.token_hash)
    return json_answer(
        Token(
            position=outcome.position,
            command_id=outcome.command_id,
            subject=outcome.subject,
            events=list(outcome.events),
            token=token,
            user=row.name,
            role=row.role,
            expires_at=(issued or command).expires_at,
        ),
        headers=replayed(outcome),
    )


async def logout(request: web.Request) -> web.Response:
    """Revoke the token in use."""
    who = request[OPERATOR]
    outcome = await execute(request, commands.RevokeToken(token_id=who.token_id))
    return changed(outcome, f"user/{who.user_id}")


async def list_users(request: web.Request) -> web.Response:
    """All users."""
    about = asked(request)
    items = [views.user(about.world, key) for key in about.world.users]
    items.sort(key=lambda each: each.name)
    return json_answer(Users(position=about.position, stale=about.stale, items=items))


async def create_user(request: web.Request) -> web.Response:
    """Let someone log in."""
    body = await read_body(request, CreateUser)
    command = commands.CreateUser(
        user_id=UserId(new_id()),
        name=body.name,
        role=body.role,
        password_hash=await request.app[PASSWORDS].hash(body.password),
    )
    return changed(await execute(request, command), f"user/{command.user_id}", 201)


async def update_user(request: web.Request) -> web.Response:
    """Another role or password."""
    user_id = find.user(request.app[LIVE].world, request.match_info["user"])
    body = await read_body(request, UpdateUser)
    command = commands.UpdateUser(
        user_id=user_id,
        role=None if body.role is msgspec.UNSET else body.role,
        password_hash=None
        if body.password is msgspec.UNSET
        else await request.app[PASSWORDS].hash(body.password),
    )
    return changed(await execute(request, command), f"user/{user_id}")


async def delete_user(request: web.Request) -> web.Response:
    """Let someone not log in any more."""
    user_id = find.user(request.app[LIVE].world, request.match_info["user"])
    outcome = await execute(request, commands.DeleteUser(user_id=user_id))
    return changed(outcome, f"user/{user_id}")


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/login",
        handler=login,
        access=Access.ANYONE,
        tag="users",
        summary="Log in: a token for a name and a password",
        body=Login,
        answer=Token,
        refusals=(401, 409, 429),
    ),
    Endpoint(
        method="POST",
        path="/logout",
        handler=logout,
        access=Role.VIEWER,
        tag="users",
        summary="Revoke the token in use",
        answer=Changed,
    ),
    Endpoint(
        method="GET",
        path="/users",
        handler=list_users,
        access=Role.ADMIN,
        tag="users",
        summary="List users",
        answer=Users,
        at=True,
    ),
    Endpoint(
        method="POST",
        path="/users",
        handler=create_user,
        access=Role.ADMIN,
        tag="users",
        summary="Create a user",
        body=CreateUser,
        answer=Changed,
        status=201,
        refusals=(409,),
    ),
    Endpoint(
        method="PATCH",
        path="/users/{user}",
        handler=update_user,
        access=Role.ADMIN,
        tag="users",
        summary="Change a user's role or password; a new password revokes the tokens",
        body=UpdateUser,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="/users/{user}",
        handler=delete_user,
        access=Role.ADMIN,
        tag="users",
        summary="Delete a user",
        answer=Changed,
        refusals=(404, 409),
    ),
)
