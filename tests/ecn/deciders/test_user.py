"""Users and tokens: somebody always remains who may manage them."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

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
)
from ecn.errors import (
    BadCredentials,
    Invalid,
    LastAdmin,
    NameTaken,
    NodesOnline,
    NotAllowed,
    NotFound,
    RegistryInUse,
)
from events.application import ApplicationDeleted, MicroserviceDeleted
from events.catalog import RegistryDeleted
from events.envelope import KnownEvent
from events.ids import TokenId, UserId, VolumeId
from events.node import NodeDeleted
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
from events.volume import VolumeCreated, VolumeDeleted, VolumeSettings
from projections.world import World, fold
from tests.builders import (
    ANNA,
    BERT,
    EAST,
    HUB,
    NOW,
    SHOP,
    WEB,
    Given,
    application,
    chained,
    given,
    key_issued,
    microservice,
    provisioned,
    registered,
    registry,
    spec,
    token,
    user,
)

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


BERTS = Profile(first_name="Bert", last_name="Brown")
JOIN = SignUp(user_id=BERT, name="bert", password_hash="argon2", profile=BERTS, open=False)


def joined(role: Role) -> UserCreated:
    """Bert, who signed up."""
    return UserCreated(user_id=BERT, name="bert", role=role, password_hash="argon2", profile=BERTS)


def test_who_joins_first_is_an_admin_and_others_join_where_it_is_open() -> None:
    given().when(JOIN).then(joined(Role.ADMIN))
    given(user()).when(JOIN).raises(NotAllowed)
    given(user()).when(replace(JOIN, open=True)).then(joined(Role.OPERATOR))
    given(user(), user(BERT)).when(replace(JOIN, open=True)).raises(NameTaken)
    assert given().when(replace(JOIN, name="b b")).raises(Invalid).field == "$.name"


def test_people_have_names_of_their_own() -> None:
    change = ChangeProfile(user_id=BERT, profile=BERTS)
    changed = (
        given(user(), user(BERT)).when(change).then(UserProfileChanged(user_id=BERT, profile=BERTS))
    )
    changed.when(change).then()
    assert changed.world.users[BERT].profile == BERTS
    long = replace(change, profile=Profile(last_name="x" * 5000))
    assert changed.when(long).raises(Invalid).field == "$.profile.last_name"
    given(user()).when(change).raises(NotFound)


def test_a_token_in_use_is_renewed_for_longer_and_never_for_less() -> None:
    hour, two = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    issued = given(user(), replace(token(), expires_at=hour))
    renew = RenewToken(token_id=TokenId("token"), expires_at=two)
    renewed = issued.when(renew).then(
        TokenRenewed(user_id=ANNA, token_id=TokenId("token"), expires_at=two)
    )
    assert renewed.world.tokens[TokenId("token")].expires_at == two
    renewed.when(replace(renew, expires_at=hour)).then()
    given(user(), token()).when(renew).then()
    given(user()).when(renew).then()


def of(creator: str, *events: KnownEvent, before: World | None = None) -> World:
    """The world behind these events, done by that user."""
    world = before or World()
    return fold(world, chained(world.head, *events, now=NOW, actor=f"user/{creator}"))


VOLUME = VolumeId("volume-v")
ADMINS = of("anna", user(), user(BERT))
BERT_MADE = of(
    "bert",
    registered(),
    registry(),
    application(),
    microservice(made_from=spec(registry_id=HUB)),
    VolumeCreated(volume_id=VOLUME, name="v", settings=VolumeSettings(destination="/srv")),
    before=ADMINS,
)
LEAVE = DeleteUser(user_id=BERT, with_created=True)


def test_what_somebody_created_goes_with_them_in_an_order_that_works() -> None:
    Given(BERT_MADE).when(LEAVE).then(
        MicroserviceDeleted(microservice_id=WEB),
        ApplicationDeleted(application_id=SHOP),
        NodeDeleted(node_id=EAST),
        RegistryDeleted(registry_id=HUB),
        VolumeDeleted(volume_id=VOLUME),
        UserDeleted(user_id=BERT),
    )


def test_what_others_created_stays_and_so_does_all_if_nobody_asks() -> None:
    Given(BERT_MADE).when(replace(LEAVE, user_id=ANNA)).then(UserDeleted(user_id=ANNA))
    Given(BERT_MADE).when(replace(LEAVE, with_created=False)).then(UserDeleted(user_id=BERT))


def test_nobody_leaves_with_a_node_that_is_at_work_unless_by_force() -> None:
    online = of("bert", key_issued(), provisioned(), before=BERT_MADE)
    assert "east" in Given(online).when(LEAVE).raises(NodesOnline).detail
    Given(online).when(replace(LEAVE, force=True)).then_world()


def test_nobody_leaves_with_what_others_use() -> None:
    mine = of("bert", registry(), before=ADMINS)
    used = of(
        "anna",
        registered(),
        application(),
        microservice(made_from=spec(registry_id=HUB)),
        before=mine,
    )
    Given(used).when(LEAVE).raises(RegistryInUse)
