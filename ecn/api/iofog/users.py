"""Users as ioFog's clients make and know them. Their e-mail address is their name here.

Whoever signs up is an operator of the one network that there is: nothing is theirs alone.
"""

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import OPERATOR, execute, first_event
from ecn.api.endpoint import Access, Query
from ecn.api.iofog.authentication import SESSION, SESSION_VALID_FOR
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.api.keys import LIVE, OPEN_SIGNUP, PASSWORDS
from ecn.api.logging_in import logged_in, who_has
from ecn.commands import user as commands
from ecn.commands.together import Part, Together
from ecn.errors import BadCredentials, NameTaken, NotAllowed
from ecn.iofog import refusals
from ecn.iofog import users as wire
from ecn.iofog.numbers import on_the_wire
from events.ids import UserId, new_id
from events.user import Profile, Role, UserCreated

ACCOUNT_EXISTS = "There is already an account associated with your email address: log in instead"
"""ioFog's command line looks for a part of it."""


async def sign_up(request: web.Request) -> web.Response:
    """Make an account. Errors: NotAllowed where accounts are made by admins only."""
    said = await body(request, wire.SignUp)
    if not request.app[OPEN_SIGNUP] and len(world(request).users):
        raise _closed()  # before the work of hashing a password
    command = commands.SignUp(
        user_id=UserId(new_id()),
        name=said.email,
        password_hash=await request.app[PASSWORDS].hash(said.password),
        profile=Profile(first_name=said.first_name, last_name=said.last_name),
        open=request.app[OPEN_SIGNUP],
    )
    try:
        outcome = await execute(request, command, actor=f"user/{said.email}")
    except NameTaken as e:
        raise refusals.invalid(ACCOUNT_EXISTS) from e
    made = await first_event(request, outcome, UserCreated)
    user_id = made.user_id if made is not None else command.user_id
    row = request.app[LIVE].world.users.get(user_id)
    return answer(
        wire.SignedUp(
            user_id=on_the_wire(row.number if row is not None else outcome.position),
            first_name=said.first_name,
            last_name=said.last_name,
            email=said.email,
            email_activated=True,
        ),
        201,
    )


def _closed() -> NotAllowed:
    return NotAllowed(
        "nobody may sign up here by themselves",
        next_step="Ask an admin for an account (ecn create user), or start the controller with "
        "--open-signup.",
    )


async def log_in(request: web.Request) -> web.Response:
    """A token that lives on while it is used."""
    said = await body(request, wire.Login)
    try:
        user_id, row = await who_has(request, said.email, said.password)
    except BadCredentials as e:
        raise refusals.Refusal(401, "InvalidCredentialsError", "Invalid credentials") from e
    login = await logged_in(request, user_id, row, SESSION_VALID_FOR, description=SESSION)
    return answer(wire.LoginAnswer(login.token))


async def log_out(request: web.Request) -> web.Response:
    """All tokens of the user that came of logins like this end; others stay."""
    who, there = request[OPERATOR], world(request)
    ending = [
        commands.RevokeToken(token_id=token_id)
        for token_id in there.tokens.find("user", who.user_id)
        if token_id == who.token_id or there.tokens[token_id].description == SESSION
    ]
    part = Part(f"user/{who.name}", tuple(ending))
    await execute(request, Together(parts=(part,)))
    return empty()


async def resend_activation(request: web.Request) -> web.Response:
    """No mail is sent. Errors: Refusal, whatever is asked."""
    raise _no_mail()


async def activate(request: web.Request) -> web.Response:
    """There are no codes. Errors: Refusal, whatever is asked."""
    await body(request, wire.Activate)
    raise refusals.not_found("Activation code not found")


async def get_profile(request: web.Request) -> web.Response:
    """Who is asking."""
    return answer(_profile(request))


async def change_profile(request: web.Request) -> web.Response:
    """Let the user go by another name."""
    said = await body(request, wire.ProfileChange)
    who = request[OPERATOR]
    old = world(request).users[who.user_id].profile
    new = Profile(
        first_name=old.first_name if said.first_name is UNSET else said.first_name,
        last_name=old.last_name if said.last_name is UNSET else said.last_name,
    )
    await execute(request, commands.ChangeProfile(user_id=who.user_id, profile=new))
    return answer(_profile(request))


async def delete_profile(request: web.Request) -> web.Response:
    """Delete the user, and what they made."""
    said = await body(request, wire.DeleteUser)
    who = request[OPERATOR]
    command = commands.DeleteUser(user_id=who.user_id, with_created=True, force=said.force)
    await execute(request, command)
    return empty()


async def change_password(request: web.Request) -> web.Response:
    """Another password. Errors: Refusal for a wrong old one."""
    said = await body(request, wire.PasswordChange)
    who = request[OPERATOR]
    try:
        await who_has(request, who.name, said.old_password)
    except BadCredentials as e:
        raise refusals.invalid("Old password is incorrect") from e
    new_hash = await request.app[PASSWORDS].hash(said.new_password)
    await execute(request, commands.UpdateUser(user_id=who.user_id, password_hash=new_hash))
    return empty()


async def reset_password(request: web.Request) -> web.Response:
    """No mail is sent. Errors: Refusal, whatever is asked: nobody learns which addresses exist."""
    await body(request, wire.PasswordReset)
    raise _no_mail()


def _no_mail() -> refusals.Refusal:
    return refusals.Refusal(
        400,
        "EmailActivationSetupError",
        "This controller sends no mail. Ask an admin for another password.",
    )


def _profile(request: web.Request) -> wire.ProfileAnswer:
    who = request[OPERATOR]
    row = world(request).users.get(who.user_id)
    if row is None:
        raise BadCredentials("the user is gone")
    return wire.ProfileAnswer(row.profile.first_name, row.profile.last_name, row.name)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/user/signup",
        handler=sign_up,
        access=Access.ANYONE,
        tag="user",
        summary="Make an account, where the controller lets people do that",
        body=wire.SignUp,
        answer=wire.SignedUp,
        status=201,
        refusals=(403,),
    ),
    Endpoint(
        method="POST",
        path="/user/login",
        handler=log_in,
        access=Access.ANYONE,
        tag="user",
        summary="Log in",
        body=wire.Login,
        answer=wire.LoginAnswer,
        refusals=(401, 409, 429),
    ),
    Endpoint(
        method="POST",
        path="/user/logout",
        handler=log_out,
        access=Role.VIEWER,
        tag="user",
        summary="End all that logged in like this",
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/user/signup/resend-activation",
        handler=resend_activation,
        access=Access.ANYONE,
        tag="user",
        summary="Always refused: no mail is sent",
        status=204,
        queries=(Query("email", "whose"),),
    ),
    Endpoint(
        method="POST",
        path="/user/activate",
        handler=activate,
        access=Access.ANYONE,
        tag="user",
        summary="Always refused: accounts are active from the beginning",
        body=wire.Activate,
        status=303,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/user/profile",
        handler=get_profile,
        access=Role.VIEWER,
        tag="user",
        summary="Who is asking",
        answer=wire.ProfileAnswer,
    ),
    Endpoint(
        method="PATCH",
        path="/user/profile",
        handler=change_profile,
        access=Role.VIEWER,
        tag="user",
        summary="Go by another name",
        body=wire.ProfileChange,
        answer=wire.ProfileAnswer,
    ),
    Endpoint(
        method="DELETE",
        path="/user/profile",
        handler=delete_profile,
        access=Role.VIEWER,
        tag="user",
        summary="Delete the user who asks, and what they made",
        body=wire.DeleteUser,
        status=204,
        refusals=(409,),
    ),
    Endpoint(
        method="PATCH",
        path="/user/password",
        handler=change_password,
        access=Role.VIEWER,
        tag="user",
        summary="Another password; all tokens end",
        body=wire.PasswordChange,
        status=204,
        refusals=(429,),
    ),
    Endpoint(
        method="DELETE",
        path="/user/password",
        handler=reset_password,
        access=Access.ANYONE,
        tag="user",
        summary="Always refused: no mail is sent",
        body=wire.PasswordReset,
        status=204,
    ),
)
