"""What is decided about sessions: who may, how many at once."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.command import ByToken
from ecn.commands.session import CloseSession, OpenSession, SessionCommand
from ecn.errors import Invalid, NotAllowed, NotFound, TooMany
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import Reach
from events.session import SessionClosed, SessionKind, SessionOpened
from events.user import Role
from projections.world import World

MOST_ON_A_NODE = 4
"""Commands that run in containers of one node from the centre at once, through all controllers."""

LONGEST_COMMAND = 6000
"""Bytes of a command line, all its words together: it has to fit into the word that controllers
pass on to each other."""

_RANK = {Reach.VIEWER: 0, Reach.OPERATOR: 1, Reach.ADMIN: 2, Reach.NOBODY: 3}
_ROLES = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}

_WORDS = {SessionKind.LOGS: "reading logs", SessionKind.EXEC: "running commands in containers"}


def check_reach(world: World, node_id: NodeId, kind: SessionKind, role: Role) -> None:
    """Errors: NotAllowed, with the setting that says so. Nobody is above `nobody`."""
    node = world.nodes[node_id]
    access = node.settings.access
    reach = access.logs if kind is SessionKind.LOGS else access.exec
    if _ROLES[role] >= _RANK[reach]:
        return
    setting = f"access.{kind.value}"
    whom = "nobody" if reach is Reach.NOBODY else f"the role {reach} or more"
    raise NotAllowed(
        f"node {node.name!r} allows {_WORDS[kind]} to {whom} ({setting}), and you are {role}",
        next_step=f"An admin can set {setting} of the node's settings: ecn deploy -f <file>",
    )


def decide(world: World, command: SessionCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to. Errors: Refused."""
    match command:
        case OpenSession():
            yield from _open(world, command)
        case CloseSession():
            row = world.sessions.get(command.session_id)
            if row is None:
                return  # closed already, by whoever noticed first
            yield SessionClosed(
                microservice_id=row.microservice_id,
                session_id=command.session_id,
                kind=row.kind,
                reason=command.reason,
                exit_code=command.exit_code,
                seconds=round(max(0.0, (command.now - row.opened_at).total_seconds()), 3),
            )
        case _:
            assert_never(command)


def _open(world: World, command: OpenSession) -> Iterator[KnownEvent]:
    microservice = world.microservices.get(command.microservice_id)
    if microservice is None:
        raise NotFound("microservice", command.microservice_id)
    node_id = microservice.node_id
    if isinstance(command.sent, ByToken):
        role = world.users[world.tokens[command.sent.token_id].user_id].role
        check_reach(world, node_id, command.kind, role)
    if command.kind is SessionKind.EXEC:
        check_command(command.command)
        open_now = sum(
            1
            for each in world.sessions.find("node", node_id)
            if world.sessions[each].kind is SessionKind.EXEC
        )
        if open_now >= MOST_ON_A_NODE:
            raise TooMany(
                f"{MOST_ON_A_NODE} sessions are open on node {world.nodes[node_id].name!r} already",
                retry_after=10.0,
            )
    yield SessionOpened(
        microservice_id=command.microservice_id,
        session_id=command.session_id,
        kind=command.kind,
        node_id=node_id,
        command=command.command,
        terminal=command.terminal,
        controller=command.controller,
    )


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
