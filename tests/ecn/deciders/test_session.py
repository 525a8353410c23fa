"""Who may look into containers, how many at once, and that what was opened is closed once."""

from datetime import timedelta
from itertools import product

import pytest

from ecn.commands.command import ByToken
from ecn.commands.session import CloseSession, OpenSession, OpenTunnel
from ecn.deciders.decide import decide
from ecn.deciders.session import (
    LONGEST_COMMAND,
    MOST_FORWARDS_ON_A_NODE,
    MOST_ON_A_NODE,
    MOST_PORTS,
    check_reach,
)
from ecn.errors import Invalid, NotAllowed, NotFound, TooMany
from events.application import ApplicationCreated, MicroserviceCreated, MicroserviceSpec
from events.envelope import GENESIS, KnownEvent
from events.ids import ApplicationId, MicroserviceId, TokenId, UserId
from events.node import NodeAccess, NodeRegistered, NodeSettings, NodeUpdated, Reach
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionKind,
    SessionOpened,
)
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


def opening_of(kind: SessionKind, session_id: str = "s1") -> OpenSession | OpenTunnel:
    """One that would be in order, of any kind."""
    match kind:
        case SessionKind.TUNNEL:
            return tunnelling(session_id)
        case SessionKind.FORWARD:
            return opening(session_id, kind=kind, command=[], ports=[80])
        case SessionKind.LOGS:
            return opening(session_id, kind=kind, command=[])
        case _:
            return opening(session_id, kind=kind)


def tunnelling(session_id: str = "s1", **more: object) -> OpenTunnel:
    about: dict[str, object] = {
        "session_id": session_id,
        "node_id": EAST,
        "ports": [22],
        "controller": "c1",
        "sent": ByToken(TOKEN, tuple(Role)),
    }
    return OpenTunnel(**{**about, **more})  # type: ignore[arg-type]


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
    # The other settings say the opposite, so that none is taken for another.
    other = Reach.VIEWER if reach in (Reach.ADMIN, Reach.NOBODY) else Reach.NOBODY
    access = NodeAccess(
        **{each.value: reach if each is kind else other for each in SessionKind}  # type: ignore[arg-type]
    )
    at = world(role=role, access=access)
    command = opening_of(kind)
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


def test_forwards_and_tunnels_share_their_room_on_a_node_and_commands_have_their_own() -> None:
    at = world(role=Role.ADMIN)
    for number in range(MOST_FORWARDS_ON_A_NODE):
        kind = SessionKind.TUNNEL if number % 2 else SessionKind.FORWARD
        at = fold(at, chained(at.head, *decide(at, opening_of(kind, f"s{number}"))))
    for kind in (SessionKind.FORWARD, SessionKind.TUNNEL):
        with pytest.raises(TooMany, match="east"):
            decide(at, opening_of(kind, "one-more"))
    assert decide(at, opening("a-command"))


def test_a_tunnel_is_a_session_with_the_device_and_nobody_is_asked_of_a_microservice() -> None:
    at = world(role=Role.ADMIN)
    (told,) = decide(at, tunnelling("t1"))
    assert told == DeviceSessionOpened(node_id=EAST, session_id="t1", ports=[22], controller="c1")
    at = fold(at, chained(at.head, told))
    row = at.sessions["t1"]
    assert (row.kind, row.microservice_id, row.node_id) == (SessionKind.TUNNEL, None, EAST)
    now = row.opened_at + timedelta(seconds=7)
    command = CloseSession(session_id="t1", reason="ended", connections=3, now=now)
    (closed,) = decide(at, command)
    assert closed == DeviceSessionClosed(
        node_id=EAST, session_id="t1", reason="ended", seconds=7, connections=3
    )
    with pytest.raises(NotFound):
        decide(at, tunnelling(node_id="nobody"))
    with pytest.raises(Invalid):
        decide(at, opening(kind=SessionKind.TUNNEL))


@pytest.mark.parametrize(
    "ports", [[], [0], [65536], [-1], [80, 80], list(range(1, MOST_PORTS + 2))]
)
def test_the_ports_of_a_forward_have_their_rules(ports: list[int]) -> None:
    at = world(role=Role.ADMIN)
    with pytest.raises(Invalid):
        decide(at, tunnelling(ports=ports))
    with pytest.raises(Invalid):
        decide(at, opening(kind=SessionKind.FORWARD, command=[], ports=ports))
    assert decide(at, tunnelling(ports=list(range(1, MOST_PORTS + 1))))


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
