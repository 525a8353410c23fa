"""Users and tokens: somebody always remains who may manage them."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecn.commands.user import (
    CreateFirstAdmin,
    CreateUser,
    DeleteUser,
    IssueToken,
    RevokeToken,
    UpdateUser,
)
from ecn.errors import BadCredentials, Invalid, LastAdmin, NameTaken, NotFound
from events.ids import TokenId, UserId
from events.user import (
    Role,
    TokenIssued,
    TokenRevoked,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
    UserRoleChanged,
)
from tests.builders import ANNA, BERT, NOW, given, token, user

NOBODY = UserId("nobody")
FIRST = CreateFirstAdmin(
    user_id=ANNA,
    name="anna",
    password_hash="argon2",
    token_id=TokenId("token"),
    token_hash="hash of token",
)


def create(name: str, user_id: UserId = BERT) -> CreateUser:
    return CreateUser(user_id=user_id, name=name, role=Role.VIEWER, password_hash="argon2")


def test_the_first_admin_is_made_once_with_a_token() -> None:
    made = (
        given()
        .when(FIRST)
        .then(
            user(),
            TokenIssued(
                user_id=ANNA,
                token_id=TokenId("token"),
                token_hash="hash of token",
                description="made at first start",
            ),
        )
    )
    made.when(FIRST).then()
    given(user(BERT, Role.VIEWER)).when(FIRST).then()


def test_a_user_is_made() -> None:
    given(user()).when(create("bert")).then(user(BERT, Role.VIEWER))


def test_two_users_never_share_a_name() -> None:
    assert given(user()).when(create("anna")).raises(NameTaken).kind == "user"


def test_a_users_name_keeps_the_rules() -> None:
    assert given(user()).when(create("b b")).raises(Invalid).field == "$.name"


def test_role_and_password_are_changed_where_they_differ() -> None:
    both = given(user(), user(BERT, Role.VIEWER))
    both.when(UpdateUser(user_id=BERT)).then()
    both.when(UpdateUser(user_id=BERT, role=Role.VIEWER)).then()
    both.when(UpdateUser(user_id=BERT, role=Role.ADMIN, password_hash="new")).then(
        UserRoleChanged(user_id=BERT, role=Role.ADMIN),
        UserPasswordChanged(user_id=BERT, password_hash="new"),
    )


def test_a_new_password_revokes_the_users_tokens_and_no_others() -> None:
    tokens = (token(), token(BERT, "b2"), token(BERT, "b1"))
    after = (
        given(user(), user(BERT), *tokens)
        .when(UpdateUser(user_id=BERT, password_hash="new"))
        .then(
            UserPasswordChanged(user_id=BERT, password_hash="new"),
            TokenRevoked(user_id=BERT, token_id=TokenId("b1")),
            TokenRevoked(user_id=BERT, token_id=TokenId("b2")),
        )
    )
    assert set(after.world.tokens) == {"token"}


@pytest.mark.parametrize(
    "command",
    [
        DeleteUser(user_id=ANNA),
        UpdateUser(user_id=ANNA, role=Role.OPERATOR),
        UpdateUser(user_id=ANNA, role=Role.VIEWER, password_hash="new"),
    ],
)
def test_the_last_admin_stays_one(command: DeleteUser | UpdateUser) -> None:
    given(user(), user(BERT, Role.OPERATOR)).when(command).raises(LastAdmin)


def test_the_last_admin_may_get_a_new_password() -> None:
    given(user()).when(UpdateUser(user_id=ANNA, role=Role.ADMIN, password_hash="new")).then(
        UserPasswordChanged(user_id=ANNA, password_hash="new")
    )


def test_of_two_admins_one_may_go() -> None:
    one = given(user(), user(BERT)).when(DeleteUser(user_id=ANNA)).then(UserDeleted(user_id=ANNA))
    one.when(DeleteUser(user_id=BERT)).raises(LastAdmin)
    one.when(DeleteUser(user_id=ANNA)).then()


def test_a_deleted_users_tokens_speak_no_more() -> None:
    gone = (
        given(user(), user(BERT), token(), token(BERT, "b"))
        .when(DeleteUser(user_id=BERT))
        .then(UserDeleted(user_id=BERT))
    )
    assert set(gone.world.tokens) == {"token"}


def test_a_token_is_issued_and_revoked_once() -> None:
    expires = NOW + timedelta(days=1)
    issue = IssueToken(
        user_id=ANNA,
        token_id=TokenId("t"),
        token_hash="h",
        description="for the build",
        expires_at=expires,
    )
    issued = (
        given(user())
        .when(issue)
        .then(
            TokenIssued(
                user_id=ANNA,
                token_id=TokenId("t"),
                token_hash="h",
                description="for the build",
                expires_at=expires,
            )
        )
    )
    assert issued.world.tokens.one("hash", "h") == "t"
    revoke = RevokeToken(token_id=TokenId("t"))
    revoked = issued.when(revoke).then(TokenRevoked(user_id=ANNA, token_id=TokenId("t")))
    revoked.when(revoke).then()


def test_a_token_for_a_password_that_was_just_changed_is_refused() -> None:
    changed = (
        given(user(), user(BERT))
        .when(UpdateUser(user_id=BERT, password_hash="new"))
        .then(UserPasswordChanged(user_id=BERT, password_hash="new"))
    )
    late = IssueToken(user_id=BERT, token_id=TokenId("t"), token_hash="h", checked="old")
    changed.when(late).raises(BadCredentials)
    changed.when(replace(late, checked="new")).then(
        TokenIssued(user_id=BERT, token_id=TokenId("t"), token_hash="h")
    )


def test_a_tokens_description_keeps_the_rules() -> None:
    issue = IssueToken(user_id=ANNA, token_id=TokenId("t"), token_hash="h", description="x" * 5000)
    assert given(user()).when(issue).raises(Invalid).field == "$.description"


@pytest.mark.parametrize(
    "command",
    [
        UpdateUser(user_id=NOBODY, role=Role.ADMIN),
        IssueToken(user_id=NOBODY, token_id=TokenId("t"), token_hash="h"),
    ],
)
def test_what_is_not_there_is_not_found(command: UpdateUser | IssueToken) -> None:
    assert given(user()).when(command).raises(NotFound).kind == "user"


def test_a_deleted_users_name_is_free() -> None:
    given(user(), user(BERT), UserDeleted(user_id=BERT)).when(
        create("bert", UserId("user-new"))
    ).then(
        UserCreated(
            user_id=UserId("user-new"), name="bert", role=Role.VIEWER, password_hash="argon2"
        )
    )
