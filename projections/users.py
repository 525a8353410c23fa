"""Users and their tokens as they are."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.ids import TokenId, UserId
from events.user import (
    Profile,
    Role,
    TokenIssued,
    TokenRenewed,
    TokenRevoked,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
    UserProfileChanged,
    UserRoleChanged,
)
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "users", 1
TOKENS, TOKENS_VERSION = "tokens", 1
EVENTS = UserCreated | UserProfileChanged | UserRoleChanged | UserPasswordChanged | UserDeleted
TOKEN_EVENTS = TokenIssued | TokenRenewed | TokenRevoked | UserDeleted


class UserRow(Struct, frozen=True, kw_only=True, gc=False):
    """One user."""

    name: str
    role: Role
    password_hash: str
    created_at: datetime
    profile: Profile
    number: int
    """The event that made them: stable, and theirs alone."""


class TokenRow(Struct, frozen=True, kw_only=True, gc=False):
    """One token that speaks for a user."""

    user_id: UserId
    token_hash: str
    description: str
    expires_at: datetime | None
    created_at: datetime


def table() -> Table[UserId, UserRow]:
    """An empty table of users."""
    return Table({"name": lambda row: (row.name,), "role": lambda row: (row.role,)})


def token_table() -> Table[TokenId, TokenRow]:
    """An empty table of tokens."""
    return Table(
        {
            "hash": lambda row: (row.token_hash,),
            "user": lambda row: (row.user_id,),
            "expires": lambda row: (row.expires_at.date(),) if row.expires_at else (),
        }
    )


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[UserId, UserRow] | Drop[UserId]]:
    """See view.py."""
    match event:
        case UserCreated():
            yield Put(
                event.user_id,
                UserRow(
                    name=event.name,
                    role=event.role,
                    password_hash=event.password_hash,
                    created_at=recorded.time,
                    profile=event.profile,
                    number=recorded.position,
                ),
            )
        case UserProfileChanged():
            yield Put(event.user_id, replace(world.users[event.user_id], profile=event.profile))
        case UserRoleChanged():
            yield Put(event.user_id, replace(world.users[event.user_id], role=event.role))
        case UserPasswordChanged():
            row = world.users[event.user_id]
            yield Put(event.user_id, replace(row, password_hash=event.password_hash))
        case UserDeleted():
            yield Drop(event.user_id)
        case _:
            assert_never(event)


def project_tokens(
    world: "World", event: TOKEN_EVENTS, recorded: Recorded
) -> Iterator[Put[TokenId, TokenRow] | Drop[TokenId]]:
    """See view.py."""
    match event:
        case TokenIssued():
            yield from _expired(world, recorded.time.date() - timedelta(days=1))
            yield Put(
                event.token_id,
                TokenRow(
                    user_id=event.user_id,
                    token_hash=event.token_hash,
                    description=event.description,
                    expires_at=event.expires_at,
                    created_at=recorded.time,
                ),
            )
        case TokenRenewed():
            token = world.tokens[event.token_id]
            yield Put(event.token_id, replace(token, expires_at=event.expires_at))
        case TokenRevoked():
            yield Drop(event.token_id)
        case UserDeleted():
            for token_id in world.tokens.find("user", event.user_id):
                yield Drop(token_id)
        case _:
            assert_never(event)


def _expired(world: "World", before: date) -> Iterator[Drop[TokenId]]:
    """Tokens that speak no more since an earlier day: some clients log in for each command."""
    for day in world.tokens.values("expires"):
        if isinstance(day, date) and day < before:
            for token_id in world.tokens.find("expires", day):
                yield Drop(token_id)
