"""What is decided about users and tokens."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.user import (
    ChangeProfile,
    CreateFirstAdmin,
    CreateUser,
    DeleteUser,
    IssueToken,
    RenewToken,
    RevokeToken,
    SignUp,
    UpdateUser,
    UserCommand,
)
from ecn.deciders import leaving, rules
from ecn.errors import BadCredentials, LastAdmin, NameTaken, NotAllowed, NotFound
from events.envelope import KnownEvent
from events.ids import UserId
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
from projections.users import UserRow
from projections.world import World


def decide(world: World, command: UserCommand, one: leaving.Decide) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused.

    one: decides what goes with a user, each by a command of its own.
    """
    match command:
        case CreateFirstAdmin():
            if len(world.users):
                return
            yield UserCreated(
                user_id=command.user_id,
                name=command.name,
                role=Role.ADMIN,
                password_hash=command.password_hash,
            )
            yield TokenIssued(
                user_id=command.user_id,
                token_id=command.token_id,
                token_hash=command.token_hash,
                description="made at first start",
            )
        case CreateUser():
            yield from _create(world, command, command.role)
        case SignUp():
            first = not len(world.users)
            if not first and not command.open:
                raise NotAllowed(
                    "nobody joins this network by themselves",
                    next_step="Ask an admin for an account: ecn create user NAME",
                )
            yield from _create(world, command, Role.ADMIN if first else Role.OPERATOR)
        case ChangeProfile():
            _profile(command.profile)
            if command.profile != _row(world, command.user_id).profile:
                yield UserProfileChanged(user_id=command.user_id, profile=command.profile)
        case UpdateUser():
            yield from _update(world, command)
        case DeleteUser():
            row = world.users.get(command.user_id)
            if row is None:
                return  # a retried delete has already succeeded
            _keep_an_admin(world, row)
            if command.with_created:
                yield from leaving.everything(world, row.name, force=command.force, decide=one)
            yield UserDeleted(user_id=command.user_id)
        case IssueToken():
            row = _row(world, command.user_id)
            if command.checked is not None and command.checked != row.password_hash:
                # Or a token for the old password would come right after all those were revoked.
                raise BadCredentials("the password was changed a moment ago")
            rules.text(command.description, field="$.description")
            yield TokenIssued(
                user_id=command.user_id,
                token_id=command.token_id,
                token_hash=command.token_hash,
                description=command.description,
                expires_at=command.expires_at,
            )
        case RenewToken():
            token = world.tokens.get(command.token_id)
            if token is None or token.expires_at is None or token.expires_at >= command.expires_at:
                return  # revoked meanwhile, or good for longer
            yield TokenRenewed(
                user_id=token.user_id, token_id=command.token_id, expires_at=command.expires_at
            )
        case RevokeToken():
            token = world.tokens.get(command.token_id)
            if token is not None:
                yield TokenRevoked(user_id=token.user_id, token_id=command.token_id)
        case _:
            assert_never(command)


def _create(world: World, command: CreateUser | SignUp, role: Role) -> Iterator[KnownEvent]:
    rules.user_name(command.name)
    _profile(command.profile)
    if world.users.one("name", command.name) is not None:
        raise NameTaken("user", command.name)
    yield UserCreated(
        user_id=command.user_id,
        name=command.name,
        role=role,
        password_hash=command.password_hash,
        profile=command.profile,
    )


def _profile(profile: Profile) -> None:
    for part in ("first_name", "last_name"):
        rules.text(getattr(profile, part), field=f"$.profile.{part}")


def _update(world: World, command: UpdateUser) -> Iterator[KnownEvent]:
    row = _row(world, command.user_id)
    if command.role is not None and command.role is not row.role:
        if Role.ROUTER in (command.role, row.role):
            # Its token lies on another machine, for years.
            raise NotAllowed(
                f"{row.name!r} can't become a {command.role}: a router is no person",
                next_step="Make another user, or an interior proxy's: ecn router create NAME",
            )
        _keep_an_admin(world, row)
        yield UserRoleChanged(user_id=command.user_id, role=command.role)
    if command.password_hash is not None:
        yield UserPasswordChanged(user_id=command.user_id, password_hash=command.password_hash)
        # Whoever knew the old password may hold a token.
        for token_id in sorted(world.tokens.find("user", command.user_id)):
            yield TokenRevoked(user_id=command.user_id, token_id=token_id)


def _keep_an_admin(world: World, row: UserRow) -> None:
    if row.role is Role.ADMIN and world.users.count("role", Role.ADMIN) == 1:
        raise LastAdmin(row.name)


def _row(world: World, user_id: UserId) -> UserRow:
    row = world.users.get(user_id)
    if row is None:
        raise NotFound("user", user_id)
    return row
