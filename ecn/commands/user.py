"""What may be asked of users and tokens."""

from datetime import datetime

from ecn.commands.command import Command
from events.ids import TokenId, UserId
from events.user import Role


class CreateFirstAdmin(Command, frozen=True, kw_only=True):
    """Make the first user of all, with a token. Does nothing where there is any user."""

    user_id: UserId
    name: str
    password_hash: str
    token_id: TokenId
    token_hash: str


class CreateUser(Command, frozen=True, kw_only=True):
    """Let someone log in."""

    user_id: UserId
    name: str
    role: Role
    password_hash: str


class UpdateUser(Command, frozen=True, kw_only=True):
    """Another role, another password, or both. A new password revokes the tokens."""

    user_id: UserId
    role: Role | None = None
    password_hash: str | None = None


class DeleteUser(Command, frozen=True, kw_only=True):
    """Let someone not log in any more."""

    user_id: UserId


class IssueToken(Command, frozen=True, kw_only=True):
    """Let a token speak for the user."""

    user_id: UserId
    token_id: TokenId
    token_hash: str
    description: str = ""
    expires_at: datetime | None = None
    checked: str | None = None
    """The password hash that whoever asks has matched; None where no password was asked for."""


class RevokeToken(Command, frozen=True, kw_only=True):
    """Let a token speak no more."""

    token_id: TokenId


UserCommand = CreateFirstAdmin | CreateUser | UpdateUser | DeleteUser | IssueToken | RevokeToken
