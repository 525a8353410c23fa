"""Users, and the tokens that speak for them."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from events.event import Event
from events.ids import TokenId, UserId


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "admin"
    """Everything, users included."""
    OPERATOR = "operator"
    """Everything but users."""
    VIEWER = "viewer"
    """Read."""
    ROUTER = "router"
    """No person: an interior proxy, which learns the public ports and nothing else."""


class Profile(Struct, frozen=True, kw_only=True, gc=False):
    """A person's own name."""

    first_name: str = ""
    last_name: str = ""


class UserEvent(Event, frozen=True, kw_only=True):
    """About one user."""

    KIND: ClassVar[str] = "user"
    user_id: UserId


class UserCreated(UserEvent, frozen=True, kw_only=True, tag="user.created.v1"):
    """Someone may log in."""

    name: str
    role: Role
    password_hash: str
    """Argon2id, in its own encoded form."""
    profile: Profile = Profile()


class UserProfileChanged(UserEvent, frozen=True, kw_only=True, tag="user.profile-changed.v1"):
    """They go by this name."""

    profile: Profile


class UserRoleChanged(UserEvent, frozen=True, kw_only=True, tag="user.role-changed.v1"):
    """They may do more, or less."""

    role: Role


class UserPasswordChanged(UserEvent, frozen=True, kw_only=True, tag="user.password-changed.v1"):
    """Another password holds; the tokens given out before are revoked by their own events."""

    password_hash: str


class UserDeleted(UserEvent, frozen=True, kw_only=True, tag="user.deleted.v1"):
    """They may not log in any more, and none of their tokens speaks."""


class TokenIssued(UserEvent, frozen=True, kw_only=True, tag="user.token-issued.v1"):
    """A bearer token speaks for the user."""

    token_id: TokenId
    token_hash: str
    """SHA-256 of the token, hexadecimal."""
    description: str = ""
    expires_at: datetime | None = None


class TokenRenewed(UserEvent, frozen=True, kw_only=True, tag="user.token-renewed.v1"):
    """It was in use, and speaks until this later time."""

    token_id: TokenId
    expires_at: datetime


class TokenRevoked(UserEvent, frozen=True, kw_only=True, tag="user.token-revoked.v1"):
    """It speaks no more."""

    token_id: TokenId


UserEvents = (
    UserCreated
    | UserProfileChanged
    | UserRoleChanged
    | UserPasswordChanged
    | UserDeleted
    | TokenIssued
    | TokenRenewed
    | TokenRevoked
)
