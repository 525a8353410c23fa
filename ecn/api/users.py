"""Users over HTTP: logging in and out, and who may."""

from datetime import timedelta

import msgspec
from aiohttp import web

from ecn.api import views
from ecn.api.answers import json_answer
from ecn.api.commanding import (
    OPERATOR,
    changed,
    execute,
    replayed,
)
from ecn.api.documents import Changed, CreateUser, Login, Token, UpdateUser, Users
from ecn.api.endpoint import Access, Endpoint, read_body
from ecn.api.keys import LIVE, PASSWORDS
from ecn.api.logging_in import logged_in, who_has
from ecn.api.moments import asked
from ecn.commands import user as commands
from ecn.deciders import find
from ecn.errors import Invalid
from events.ids import UserId, new_id
from events.user import Role

TOKEN_VALID_FOR = timedelta(days=30)
LONGEST_TOKEN = timedelta(days=3650)


async def login(request: web.Request) -> web.Response:
    """A token for a name and a password."""
    body = await read_body(request, Login)
    user_id, row = await who_has(request, body.name, body.password)
    valid_for = TOKEN_VALID_FOR
    if body.valid_for is not None:
        longest = int(LONGEST_TOKEN.total_seconds())
        if not 1 <= body.valid_for <= longest:
            raise Invalid(f"is not between 1 and {longest} seconds", field="$.valid_for")
        valid_for = timedelta(seconds=body.valid_for)
    login = await logged_in(request, user_id, row, valid_for, description=body.description)
    return json_answer(
        Token(
            position=login.outcome.position,
            command_id=login.outcome.command_id,
            subject=login.outcome.subject,
            events=list(login.outcome.events),
            token=login.token,
            user=row.name,
            role=row.role,
            expires_at=login.expires_at,
        ),
        headers=replayed(login.outcome),
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
