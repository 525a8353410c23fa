"""Logging in and out of the dashboard: a token of the user's, kept in a cookie.

Who shows a password, or a token, gets a token of their own for the browser. It is in the log as any
other is, so that it outlives a controller and is revoked with the rest by a new password. How
requests by cookie are kept to our page: standing.py, origin.py.
"""

from datetime import timedelta

from aiohttp import web

from ecn.api.answers import json_answer
from ecn.api.commanding import OPERATOR, SENDER, changed, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Access, Endpoint, read_body
from ecn.api.keys import CLOCK, LIVE
from ecn.api.logging_in import LoggedIn, logged_in, who_has
from ecn.api.middleware import LOOK
from ecn.api.premises import by_token
from ecn.api.principal import ONCE, Operator, operator
from ecn.api.standing import check_origin, csrf_token, forget, set_cookie
from ecn.commands.user import RevokeToken
from ecn.dashboard.session_documents import DashboardLink, OpenSession, Session
from ecn.errors import BadCredentials, NotAllowed
from events.user import Role
from projections.users import UserRow

DESCRIPTION = "dashboard"
VALID_FOR = timedelta(hours=12)
LINK_VALID_FOR = timedelta(minutes=2)


async def open_session(request: web.Request) -> web.Response:
    """Log in, by password or by token. A token of a link is spent on it."""
    # Before anything else: another site must not log somebody in as somebody.
    check_origin(request)
    if "Authorization" in request.headers:
        login, row = await _by_token(request)
    else:
        body = await read_body(request, OpenSession)
        if not body.name or not body.password:
            raise BadCredentials("a name and a password are needed", next_step="Give both.")
        user_id, row = await who_has(request, body.name, body.password)
        _check_person(row)
        login = await logged_in(request, user_id, row, VALID_FOR, description=DESCRIPTION)
    seconds = int(VALID_FOR.total_seconds())
    if login.expires_at is not None:
        seconds = max(0, int((login.expires_at - request.app[CLOCK]()).total_seconds()))
    answer = Session(
        user=row.name,
        role=row.role,
        csrf_token=csrf_token(request, login.token_id),
        expires_at=login.expires_at,
    )
    return json_answer(answer, headers={"Set-Cookie": set_cookie(request, login.token, seconds)})


async def _by_token(request: web.Request) -> tuple[LoggedIn, UserRow]:
    try:
        who = _named(request)
    except BadCredentials:
        # Maybe another controller has just made it.
        if not await request.app[LOOK](request.app[LIVE]):
            raise
        who = _named(request)
    request[OPERATOR] = who
    world = request.app[LIVE].world
    row = world.users[who.user_id]
    _check_person(row)
    # Spent and exchanged in one, and only if it is good at that very moment: once means once.
    request[SENDER] = by_token(who, Role.VIEWER)
    spent = world.tokens[who.token_id].description == ONCE
    login = await logged_in(
        request,
        who.user_id,
        row,
        VALID_FOR,
        description=DESCRIPTION,
        instead_of=who.token_id if spent else None,
        by_password=False,
    )
    return login, row


def _named(request: web.Request) -> Operator:
    world, authorization = request.app[LIVE].world, request.headers.get("Authorization")
    return operator(world, authorization, request.app[CLOCK](), once=True)


def _check_person(row: UserRow) -> None:
    if row.role is Role.ROUTER:
        raise NotAllowed(
            f"{row.name!r} is a router and no person", next_step="Log in as somebody else."
        )


async def show_session(request: web.Request) -> web.Response:
    """Who is logged in."""
    who = request[OPERATOR]
    token = request.app[LIVE].world.tokens[who.token_id]
    return json_answer(
        Session(
            user=who.name,
            role=who.role,
            csrf_token=csrf_token(request, who.token_id),
            expires_at=token.expires_at,
        )
    )


async def close_session(request: web.Request) -> web.Response:
    """Log out."""
    who: Operator = request[OPERATOR]
    outcome = await execute(request, RevokeToken(token_id=who.token_id))
    answer = changed(outcome, f"user/{who.user_id}")
    forget(request, answer)
    return answer


async def make_link(request: web.Request) -> web.Response:
    """A token that lets one browser in, once, and is good for nothing else."""
    who = request[OPERATOR]
    row = request.app[LIVE].world.users[who.user_id]
    login = await logged_in(
        request, who.user_id, row, LINK_VALID_FOR, description=ONCE, by_password=False
    )
    return json_answer(
        DashboardLink(
            position=login.outcome.position,
            command_id=login.outcome.command_id,
            subject=login.outcome.subject,
            events=list(login.outcome.events),
            token=login.token,
            expires_at=login.expires_at,
        ),
        status=201,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/session",
        handler=open_session,
        access=Access.ANYONE,
        tag="dashboard",
        summary="Log in to the dashboard, by password or by token: sets its cookie",
        body=OpenSession,
        answer=Session,
        refusals=(401, 403, 409, 429),
    ),
    Endpoint(
        method="GET",
        path="/session",
        handler=show_session,
        access=Role.VIEWER,
        tag="dashboard",
        summary="Who is logged in",
        answer=Session,
    ),
    Endpoint(
        method="DELETE",
        path="/session",
        handler=close_session,
        access=Role.VIEWER,
        tag="dashboard",
        summary="Log out of the dashboard: revokes the token in use, and takes the cookie away",
        answer=Changed,
    ),
    Endpoint(
        method="POST",
        path="/session/link",
        handler=make_link,
        access=Role.VIEWER,
        tag="dashboard",
        summary="A token that opens the dashboard in one browser, once, within two minutes",
        answer=DashboardLink,
        status=201,
        refusals=(409,),
    ),
)
