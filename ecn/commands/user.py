"""What may be asked of users and tokens."""

from datetime import datetime

from ecn.commands.command import Command
from events.ids import TokenId, UserId
from events.user import Profile, Role


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
    profile: Profile = Profile()


class SignUp(Command, frozen=True, kw_only=True):
    """Someone makes their own account: an admin where there is no user at all, else an operator."""

    user_id: UserId
    name: str
    password_hash: str
    profile: Profile
    open: bool
    """Whether others may join where there are users already."""


class ChangeProfile(Command, frozen=True, kw_only=True):
    """Let the user go by this name."""

    user_id: UserId
    profile: Profile


class UpdateUser(Command, frozen=True, kw_only=True):
    """Another role, another password, or both. A new password revokes the tokens."""

    user_id: UserId
    role: Role | None = None
    password_hash: str | None = None


class DeleteUser(Command, frozen=True, kw_only=True):
    """Let someone not log in any more."""

    user_id: UserId
    with_created: bool = False
    """What they created goes too: applications, templates, catalog items, registries, edge
    resources, nodes; refused while one of those nodes is online, unless by `force`."""
    force: bool = False


class IssueToken(Command, frozen=True, kw_only=True):
    """Let a token speak for the user."""

    user_id: UserId
    token_id: TokenId
    token_hash: str
    description: str = ""
    expires_at: datetime | None = None
    checked: str | None = None
    """The password hash that whoever asks has matched; None where no password was asked for."""


class RenewToken(Command, frozen=True, kw_only=True):
    """Let a token speak until this later time."""

    token_id: TokenId
    expires_at: datetime


class RevokeToken(Command, frozen=True, kw_only=True):
    """Let a token speak no more."""

    token_id: TokenId


UserCommand = (
    CreateFirstAdmin
    | CreateUser
    | SignUp
    | ChangeProfile
    | UpdateUser
    | DeleteUser
    | IssueToken
    | RenewToken
    | RevokeToken
)
