"""A look into a node from afar: whether it may begin, its trace in the log, whether it may go on.

Used by the endpoints that stream from devices, and by sessions. What a look shows is never kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from ecn.api.commanding import COMMAND_ID, OPERATOR, execute
from ecn.api.keys import LIVE, SESSIONS
from ecn.api.standing import asker
from ecn.api.streams import Stream
from ecn.commands.session import OpenSession, OpenTunnel
from ecn.deciders.session import check_reach
from ecn.errors import AgentTooOld, NotAllowed, NotFound, Refused, Unreachable
from events.ids import MicroserviceId, NodeId, new_id
from events.session import SessionKind
from projections.nodes import NodeState
from projections.world import World

CHECK_EVERY = 1.0
"""Seconds: so long after it was withdrawn, somebody still sees what they may not."""


class Opened:
    """A session that the log knows of."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.reason = "ended"
        """Said when it is closed; so are the exit code and how many connections, if there are."""
        self.exit_code: int | None = None
        self.connections: int | None = None


def check_reachable(world: World, node_id: NodeId) -> None:
    """Errors: NotFound, Unreachable, AgentTooOld."""
    node = world.nodes.get(node_id)
    if node is None:
        raise NotFound("node", node_id)
    if node.state is not NodeState.ONLINE:
        raise Unreachable(
            f"node {node.name!r} is {node.state} since {node.since.isoformat(timespec='seconds')}: "
            "nothing on it can be looked at now",
            next_step=f"See whether its agent runs: ecn describe node {node.name}",
        )
    changed = world.changes.get(node_id)
    if changed is not None and changed.acknowledged:
        raise AgentTooOld(node.name, node.facts.agent_version)


@asynccontextmanager
async def told(
    request: web.Request,
    kind: SessionKind,
    target: MicroserviceId | NodeId,
    *,
    command: list[str] | None = None,
    terminal: bool = False,
    ports: list[int] | None = None,
) -> AsyncIterator[Opened]:
    """Write into the log that it begins, and at the end how it ended.

    target: the node of a tunnel, the microservice of all else.
    Errors: NotAllowed, NotFound, TooMany; as Writer.execute: what can't be told is not done.
    """
    keeper, session = request.app[SESSIONS], Opened(new_id())
    request[COMMAND_ID] = new_id()
    opening: OpenSession | OpenTunnel
    if kind is SessionKind.TUNNEL:
        opening = OpenTunnel(
            session_id=session.session_id,
            node_id=NodeId(target),
            ports=ports or [],
            controller=keeper.controller,
        )
    else:
        opening = OpenSession(
            session_id=session.session_id,
            microservice_id=MicroserviceId(target),
            kind=kind,
            command=command or [],
            terminal=terminal,
            ports=ports or [],
            controller=keeper.controller,
        )
    await execute(request, opening)
    try:
        yield session
    except Refused as error:
        session.reason = error.detail
        raise
    except asyncio.CancelledError:
        session.reason = "left by its reader"
        raise
    except Exception as error:
        session.reason = str(error) or type(error).__name__
        raise
    finally:
        keeper.close(
            session.session_id,
            session.reason,
            actor=request[OPERATOR].actor,
            exit_code=session.exit_code,
            connections=session.connections,
        )


def may_look(
    request: web.Request, node_id: NodeId, kind: SessionKind | None, session_id: str = ""
) -> Callable[[], None]:
    """A check that is made again and again while it goes on.

    kind: None for what any viewer may see. session_id: that has to be open still.
    Errors, of the check: BadCredentials, NotAllowed, NotFound.
    """

    def check() -> None:
        world, role = request.app[LIVE].world, asker(request).role
        if node_id not in world.nodes:
            raise NotFound("node", node_id)
        if kind is not None:
            check_reach(world, node_id, kind, role)
        if session_id and session_id not in world.sessions:
            raise NotAllowed("the session was closed")

    return check


async def watched(check: Callable[[], None]) -> None:
    """Returns never, until the check refuses. Errors: those of the check."""
    while True:
        await asyncio.sleep(CHECK_EVERY)
        check()


async def passed_on(
    request: web.Request, stream: Stream, media: str, check: Callable[[], None]
) -> web.StreamResponse:
    """The answer: what comes, for as long as the check holds."""
    chunks = stream.chunks()
    # The first piece decides whether this is an answer or a refusal.
    first = await anext(chunks, b"")
    response = web.StreamResponse(headers={"X-Content-Type-Options": "nosniff"})
    response.content_type, response.charset = media, "utf-8"
    await response.prepare(request)
    await response.write(first)

    async def write() -> None:
        async for chunk in chunks:
            check()  # here too: nothing goes out that was withdrawn a moment ago
            await response.write(chunk)
        await response.write_eof()

    writing, watching = asyncio.ensure_future(write()), asyncio.ensure_future(watched(check))
    try:
        done, _ = await asyncio.wait((writing, watching), return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        writing.cancel()
        watching.cancel()
        await asyncio.wait((writing, watching))
    return response
