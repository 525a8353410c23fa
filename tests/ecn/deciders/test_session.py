"""Who may look into containers, how many at once, and that what was opened is closed once."""

from datetime import timedelta
from itertools import product

import pytest

from ecn.commands.command import ByToken
from ecn.commands.session import CloseSession, OpenSession
from ecn.deciders.decide import decide
from ecn.deciders.session import LONGEST_COMMAND, MOST_ON_A_NODE, check_reach
from ecn.errors import Invalid, NotAllowed, NotFound, TooMany
from events.application import ApplicationCreated, MicroserviceCreated, MicroserviceSpec
from events.envelope import GENESIS, KnownEvent
from events.ids import ApplicationId, MicroserviceId, TokenId, UserId
from events.node import NodeAccess, NodeRegistered, NodeSettings, NodeUpdated, Reach
from events.session import SessionClosed, SessionKind, SessionOpened
from events.user import Role, TokenIssued, UserCreated
from projections.world import World, fold
from tests.builders import EAST, NOW, chained

WEB, SHOP = MicroserviceId("web"), ApplicationId("shop")
OTTO, TOKEN = UserId("otto"), TokenId("token")


def world(*more: KnownEvent, role: Role = Role.OPERATOR, access: NodeAccess | None = None) -> World:
    events: list[KnownEvent] = [
        NodeRegistered(
            node_id=EAST, name="east", settings=NodeSettings(access=access or NodeAccess())
        ),
        ApplicationCreated(application_id=SHOP, name="shop"),
        MicroserviceCreated(
            microservice_id=WEB,
            application_id=SHOP,
            node_id=EAST,
            name="web",
            spec=MicroserviceSpec(image="web:1"),
        ),
        UserCreated(user_id=OTTO, name="otto", role=role, password_hash="x"),
        TokenIssued(user_id=OTTO, token_id=TOKEN, token_hash="h"),
    ]
    return fold(World(), chained(GENESIS, *events, *more))


def opening(session_id: str = "s1", **more: object) -> OpenSession:
    about: dict[str, object] = {
        "session_id": session_id,
        "microservice_id": WEB,
        "kind": SessionKind.EXEC,
        "command": ["sh"],
        "controller": "c1",
        "sent": ByToken(TOKEN, tuple(Role)),
    }
    return OpenSession(**{**about, **more})  # type: ignore[arg-type]


def opened(session_id: str) -> SessionOpened:
    return SessionOpened(
        microservice_id=WEB,
        session_id=session_id,
        kind=SessionKind.EXEC,
        node_id=EAST,
        command=["sh"],
        controller="c1",
    )


def test_opening_says_who_is_looked_into_and_with_which_words() -> None:
    assert decide(world(), opening("s1")) == [opened("s1")]


RANK = [Role.VIEWER, Role.OPERATOR, Role.ADMIN]
REACHES = [Reach.VIEWER, Reach.OPERATOR, Reach.ADMIN, Reach.NOBODY]


@pytest.mark.parametrize(("kind", "role", "reach"), list(product(SessionKind, RANK, REACHES)))
def test_a_role_reaches_as_far_as_the_node_lets_it_and_nobody_is_nobody(
    kind: SessionKind, role: Role, reach: Reach
) -> None:
    access = NodeAccess(logs=reach) if kind is SessionKind.LOGS else NodeAccess(exec=reach)
    at = world(role=role, access=access)
    command = opening(kind=kind, command=[] if kind is SessionKind.LOGS else ["sh"])
    if RANK.index(role) >= REACHES.index(reach):
        assert decide(at, command)
        check_reach(at, EAST, kind, role)
        return
    with pytest.raises(NotAllowed, match=f"access.{kind.value}"):
        decide(at, command)


def test_what_the_node_withdraws_counts_from_then_on() -> None:
    settings = NodeSettings(access=NodeAccess(exec=Reach.ADMIN))
    at = world(NodeUpdated(node_id=EAST, settings=settings))
    with pytest.raises(NotAllowed, match="the role admin or more"):
        check_reach(at, EAST, SessionKind.EXEC, Role.OPERATOR)


def test_a_node_has_a_bounded_number_and_logs_do_not_count() -> None:
    full = world(*(opened(f"s{number}") for number in range(MOST_ON_A_NODE)))
    with pytest.raises(TooMany, match="east"):
        decide(full, opening("one-more"))
    assert decide(full, opening("log", kind=SessionKind.LOGS, command=[]))
    (closed,) = decide(full, CloseSession(session_id="s1", reason="ended", exit_code=0, now=NOW))
    free = fold(full, chained(full.head, closed))
    assert decide(free, opening("one-more"))


def test_closing_tells_how_long_it_was_and_happens_once() -> None:
    at = world(opened("s1"))
    row = at.sessions["s1"]
    command = CloseSession(
        session_id="s1", reason="ended", exit_code=3, now=row.opened_at + timedelta(seconds=2.5)
    )
    (closed,) = decide(at, command)
    assert isinstance(closed, SessionClosed)
    assert (closed.exit_code, closed.seconds, closed.kind) == (3, 2.5, SessionKind.EXEC)
    after = fold(at, chained(at.head, closed))
    assert "s1" not in after.sessions
    assert decide(after, command) == []


@pytest.mark.parametrize(
    "words", [[], [""], ["a\0b"], ["x" * (LONGEST_COMMAND + 1)], ["x"] * LONGEST_COMMAND]
)
def test_a_command_has_its_rules(words: list[str]) -> None:
    with pytest.raises(Invalid):
        decide(world(), opening(command=words))


def test_nothing_is_opened_where_nothing_is() -> None:
    with pytest.raises(NotFound):
        decide(world(), opening(microservice_id=MicroserviceId("gone")))
