"""A token for a name and a password: the same for every API that knows users."""

from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import COMMAND_ID, execute, first_event
from ecn.api.keys import CLOCK, LIVE, PASSWORDS, VAULT
from ecn.batch import Outcome
from ecn.commands import AnyCommand
from ecn.commands.together import Part, Together
from ecn.commands.user import IssueToken, RevokeToken
from ecn.errors import BadCredentials
from ecn.vault import hash_of
from events.ids import TokenId, UserId, new_id
from events.user import TokenIssued
from projections.users import UserRow


class LoggedIn(Struct, frozen=True):
    """A token that was issued, now or when the request arrived for the first time."""

    token: str
    token_id: TokenId
    expires_at: datetime | None
    outcome: Outcome


async def who_has(request: web.Request, name: str, password: str) -> tuple[UserId, UserRow]:
    """The user of that name and password. Errors: BadCredentials, TooMany."""
    world = request.app[LIVE].world
    user_id = world.users.one("name", name)
    row = world.users.get(user_id) if user_id is not None else None
    good = await request.app[PASSWORDS].matches(
        name, password, row.password_hash if row is not None else None
    )
    if not good or row is None or user_id is None:
        raise BadCredentials(
            "name or password is wrong", next_step="Check both; ask an admin if they are lost."
        )
    return user_id, row


async def logged_in(
    request: web.Request,
    user_id: UserId,
    row: UserRow,
    valid_for: timedelta,
    *,
    description: str = "",
    by_password: bool = True,
    instead_of: TokenId | None = None,
) -> LoggedIn:
    """Issue a token to a user who has shown who they are. Errors: as Writer.execute.

    by_password: of their password that has to be the right one still.
    instead_of: a token that is revoked by it.
    """
    vault = request.app[VAULT]
    token = vault.derived("token", request[COMMAND_ID])
    command = IssueToken(
        user_id=user_id,
        token_id=TokenId(new_id()),
        token_hash=hash_of(token),
        description=description,
        expires_at=request.app[CLOCK]() + valid_for,
        checked=row.password_hash if by_password else None,
    )
    whole: AnyCommand = command
    if instead_of is not None:
        part = Part(f"user/{row.name}", (RevokeToken(token_id=instead_of), command))
        whole = Together(parts=(part,))
    outcome = await execute(request, whole, actor=f"user/{row.name}")
    issued = await first_event(request, outcome, TokenIssued)
    if issued is not None:
        token = vault.derived_before("token", request[COMMAND_ID], issued.token_hash)
    known = issued or command
    return LoggedIn(token, known.token_id, known.expires_at, outcome)
