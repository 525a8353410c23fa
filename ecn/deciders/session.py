"""What is decided about sessions: who may, how many at once."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.command import ByToken
from ecn.commands.session import CloseSession, OpenSession, OpenTunnel, SessionCommand
from ecn.errors import Invalid, NotAllowed, NotFound, TooMany
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import NodeAccess, Reach
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionKind,
    SessionOpened,
)
from events.user import Role
from projections.world import World

MOST_ON_A_NODE = 4
"""Commands that run in containers of one node from the centre at once, through all controllers."""

MOST_FORWARDS_ON_A_NODE = 8
"""Sessions of connections with one node at once, through all controllers."""

MOST_PORTS = 16
"""That one session reaches."""

LONGEST_COMMAND = 6000
"""Bytes of a command line, all its words together: it has to fit into the word that controllers
pass on to each other."""

_RANK = {Reach.VIEWER: 0, Reach.OPERATOR: 1, Reach.ADMIN: 2, Reach.NOBODY: 3}
_ROLES = {Role.ROUTER: -1, Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}

_WORDS = {
    SessionKind.LOGS: "reading logs",
    SessionKind.EXEC: "running commands in containers",
    SessionKind.FORWARD: "connections to ports of containers",
    SessionKind.TUNNEL: "connections to ports of its device",
}
_FORWARDS = (SessionKind.FORWARD, SessionKind.TUNNEL)


def check_reach(world: World, node_id: NodeId, kind: SessionKind, role: Role) -> None:
    """Errors: NotAllowed, with the setting that says so. Nobody is above `nobody`."""
    node = world.nodes[node_id]
    reach = _reach(node.settings.access, kind)
    if _ROLES[role] >= _RANK[reach]:
        return
    setting = f"access.{kind.value}"
    whom = "nobody" if reach is Reach.NOBODY else f"the role {reach} or more"
    raise NotAllowed(
        f"node {node.name!r} allows {_WORDS[kind]} to {whom} ({setting}), and you are {role}",
        next_step=f"An admin can set {setting} of the node's settings: ecn deploy -f <file>",
    )


def _reach(access: NodeAccess, kind: SessionKind) -> Reach:
    match kind:
        case SessionKind.LOGS:
            return access.logs
        case SessionKind.EXEC:
            return access.exec
        case SessionKind.FORWARD:
            return access.forward
        case SessionKind.TUNNEL:
            return access.tunnel
        case _:
            assert_never(kind)


def decide(world: World, command: SessionCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to. Errors: Refused."""
    match command:
        case OpenSession():
            yield from _open(world, command)
        case OpenTunnel():
            yield from _open_tunnel(world, command)
        case CloseSession():
            yield from _close(world, command)
        case _:
            assert_never(command)


def _close(world: World, command: CloseSession) -> Iterator[KnownEvent]:
    row = world.sessions.get(command.session_id)
    if row is None:
        return  # closed already, by whoever noticed first
    seconds = round(max(0.0, (command.now - row.opened_at).total_seconds()), 3)
    if row.microservice_id is None:
        yield DeviceSessionClosed(
            node_id=row.node_id,
            session_id=command.session_id,
            reason=command.reason,
            seconds=seconds,
            connections=command.connections,
        )
        return
    yield SessionClosed(
        microservice_id=row.microservice_id,
        session_id=command.session_id,
        kind=row.kind,
        reason=command.reason,
        exit_code=command.exit_code,
        seconds=seconds,
        connections=command.connections,
    )


def _open_tunnel(world: World, command: OpenTunnel) -> Iterator[KnownEvent]:
    if command.node_id not in world.nodes:
        raise NotFound("node", command.node_id)
    _check_sender(world, command, command.node_id, SessionKind.TUNNEL)
    check_ports(command.ports)
    _check_room(world, command.node_id, _FORWARDS, MOST_FORWARDS_ON_A_NODE)
    yield DeviceSessionOpened(
        node_id=command.node_id,
        session_id=command.session_id,
        ports=command.ports,
        controller=command.controller,
    )


def _check_sender(
    world: World, command: OpenSession | OpenTunnel, node_id: NodeId, kind: SessionKind
) -> None:
    if isinstance(command.sent, ByToken):
        role = world.users[world.tokens[command.sent.token_id].user_id].role
        check_reach(world, node_id, kind, role)


def _check_room(world: World, node_id: NodeId, kinds: tuple[SessionKind, ...], most: int) -> None:
    open_now = sum(
        1 for each in world.sessions.find("node", node_id) if world.sessions[each].kind in kinds
    )
    if open_now >= most:
        raise TooMany(
            f"{most} sessions are open on node {world.nodes[node_id].name!r} already",
            retry_after=10.0,
        )


def _open(world: World, command: OpenSession) -> Iterator[KnownEvent]:
    microservice = world.microservices.get(command.microservice_id)
    if microservice is None:
        raise NotFound("microservice", command.microservice_id)
    node_id = microservice.node_id
    _check_sender(world, command, node_id, command.kind)
    match command.kind:
        case SessionKind.LOGS:
            pass
        case SessionKind.EXEC:
            check_command(command.command)
            _check_room(world, node_id, (SessionKind.EXEC,), MOST_ON_A_NODE)
        case SessionKind.FORWARD:
            check_ports(command.ports)
            _check_room(world, node_id, _FORWARDS, MOST_FORWARDS_ON_A_NODE)
        case SessionKind.TUNNEL:
            raise Invalid("a tunnel leads to a node, not to a microservice", field="$.kind")
        case _:
            assert_never(command.kind)
    yield SessionOpened(
        microservice_id=command.microservice_id,
        session_id=command.session_id,
        kind=command.kind,
        node_id=node_id,
        command=command.command,
        terminal=command.terminal,
        ports=command.ports,
        controller=command.controller,
    )


def check_ports(ports: list[int]) -> None:
    """Errors: Invalid."""
    if not 1 <= len(ports) <= MOST_PORTS:
        raise Invalid(f"name 1 to {MOST_PORTS} ports to connect to", field="$.ports")
    if len(set(ports)) < len(ports):
        raise Invalid("a port is named twice", field="$.ports")
    for number, port in enumerate(ports):
        if not 1 <= port <= 65535:
            raise Invalid("a port is 1 to 65535", field=f"$.ports[{number}]")


def check_command(words: list[str]) -> None:
    """Errors: Invalid."""
    if not words or not words[0]:
        raise Invalid("there is no command to run", field="$.command")
    if any("\0" in word for word in words):
        raise Invalid("a command holds no NUL", field="$.command")
    if sum(len(word.encode(errors="surrogatepass")) + 1 for word in words) > LONGEST_COMMAND:
        raise Invalid(
            f"a command has at most {LONGEST_COMMAND} bytes",
            field="$.command",
            next_step="Send what is longer through its input: ecn exec -i APP/NAME -- sh < script",
        )
