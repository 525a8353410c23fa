"""Commands in containers from afar: the operator's WebSocket, the agent's, and what is open.

The first word of the operator's socket is a StartExec; the answer is SessionStarted, or a Problem
and the end: browsers and libraries hide the body of a refused upgrade. From then on there are
frames (agent/contract/) both ways, and an EXIT frame is the last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from aiohttp import web

from agent.contract import Channel, ExecRequest, NoFrame, SessionEnd, frame, unframed
from ecn.api import problems
from ecn.api.answers import json_answer
from ecn.api.commanding import DEVICE, REQUEST_ID, changed, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Access, Endpoint, parse
from ecn.api.keys import CLOCK, LIVE, STREAMS
from ecn.api.looking import check_reachable, may_look, told, watched
from ecn.api.moments import asked
from ecn.api.relaying import PASSED_ON, relayed_session
from ecn.api.session_documents import SessionDocument, Sessions, SessionStarted, StartExec
from ecn.api.session_link import LinkBroken, SessionLink, new_socket
from ecn.api.standing import asker
from ecn.commands.session import CloseSession
from ecn.deciders import find
from ecn.deciders.session import check_command, check_reach
from ecn.errors import Invalid, NotFound, Refused
from events.ids import MicroserviceId
from events.log import OutcomeUnknown, StoreUnavailable
from events.session import SessionKind
from events.user import Role
from projections.things import name_of

START_WITHIN = 10.0
"""Seconds for the first word."""

PART_WITHIN = 5.0
"""Seconds for a last word."""

LONGEST, LONGEST_IDLE = 8 * 3600.0, 1800.0
"""Seconds that a session may last, and be silent. The agent sees to it; if it does not, we do."""

LATE = 60.0
"""Seconds that the agent has for that."""


async def run_command(request: web.Request) -> web.StreamResponse:
    """A command in a container, for as long as it runs and somebody is there."""
    return await conversed(request, _run)


async def conversed(
    request: web.Request, talk: Callable[[web.Request, SessionLink], Awaitable[None]]
) -> web.StreamResponse:
    """An operator's socket, over which they are told what goes wrong."""
    socket = new_socket()
    await socket.prepare(request)
    link = SessionLink(socket)
    try:
        await talk(request, link)
    except Refused as error:
        await _say(link, msgspec.json.encode(problems.document(error, request[REQUEST_ID])))
    except (StoreUnavailable, OutcomeUnknown) as error:
        refusal = problems.unavailable(error, request[REQUEST_ID], disk_full=False)
        await _say(link, bytes(refusal.body) if isinstance(refusal.body, bytes) else b"{}")
    finally:
        await link.close()
    return socket


async def _run(request: web.Request, link: SessionLink) -> None:
    """Errors: Refused; StoreUnavailable, OutcomeUnknown."""
    start = parse(await first_word(link), StartExec)
    if not (1 <= start.width <= 10_000 and 1 <= start.height <= 10_000):
        raise Invalid("a terminal has 1 to 10000 columns and rows", field="$.width")
    key = await named_microservice(request)
    world = request.app[LIVE].world
    node_id = world.microservices[key].node_id
    check_reach(world, node_id, SessionKind.EXEC, asker(request).role)
    check_command(start.command)
    check_reachable(world, node_id)
    async with told(
        request, SessionKind.EXEC, key, command=start.command, terminal=start.terminal
    ) as session:
        wanted = ExecRequest(
            request_id=session.session_id,
            microservice_id=key,
            command=start.command,
            input=start.input,
            terminal=start.terminal,
            width=start.width,
            height=start.height,
            longest=LONGEST,
            longest_idle=LONGEST_IDLE,
        )
        async with request.app[STREAMS].open_session(node_id, wanted) as door:
            device = await door.entered()
            await say_started(link, session.session_id)
            check = may_look(request, node_id, SessionKind.EXEC, session.session_id)
            end = await Relay(link, device, check).run()
            session.reason, session.exit_code = end.reason, end.exit_code


async def first_word(link: SessionLink) -> bytes:
    """What the operator wants, as JSON. Errors: Invalid."""
    try:
        async with asyncio.timeout(START_WITHIN):
            said = await link.receive()
    except TimeoutError:
        said = None
    if not isinstance(said, str):
        raise Invalid("the first word of a session is what is wanted, as JSON text")
    return said.encode()


async def say_started(link: SessionLink, session_id: str) -> None:
    """The device is there: frames follow."""
    await _say(link, msgspec.json.encode(SessionStarted(session_id=session_id)))


async def named_microservice(request: web.Request) -> MicroserviceId:
    """The one in the request's path. Errors: NotFound."""
    parts = request.match_info
    ref = parts.get("id") or f"{parts['application']}/{parts['name']}"
    try:
        return find.microservice(request.app[LIVE].world, ref)
    except NotFound:
        # Maybe another controller has just made it.
        await request.app[LIVE].catch_up()
        return find.microservice(request.app[LIVE].world, ref)


async def _say(link: SessionLink, document: bytes) -> None:
    try:
        await link.say(document.decode())
    except LinkBroken:
        return  # nobody there to hear it


class Relay:
    """Frames from one to the other, both ways, until one of them has left or it has to end."""

    def __init__(
        self,
        operator: SessionLink,
        device: SessionLink,
        check: Callable[[], None],
        heard: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """check: refuses once it may not go on. heard: is given what comes on STDIN, and raises
        NoFrame where that makes no sense."""
        self._heard = heard
        self._operator = operator
        self._device = device
        self._check = check
        self._active = asyncio.get_running_loop().time()

    async def run(self) -> SessionEnd:
        """How it ended."""
        ways = [
            asyncio.ensure_future(way)
            for way in (self._outwards(), self._inwards(), self._bound(), self._refusal())
        ]
        pings = [asyncio.ensure_future(each.ping()) for each in (self._operator, self._device)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            end = next(way.result() for way in ways if way.done())
        finally:
            for each in (*ways, *pings):
                each.cancel()
            await asyncio.wait((*ways, *pings))
        await self._part(end)
        return end

    async def _refusal(self) -> SessionEnd:
        try:
            await watched(self._check)
        except Refused as refused:
            return SessionEnd(reason=refused.detail)
        raise AssertionError("it watches for ever")

    async def _part(self, end: SessionEnd) -> None:
        """Who is there is told why, and what runs on the device has to end."""
        last = self._operator.send(frame(Channel.EXIT, msgspec.json.encode(end)))
        await asyncio.gather(_bounded(last), self._device.close())

    async def _outwards(self) -> SessionEnd:
        """From the device."""
        while (said := await self._device.receive()) is not None:
            self._active = asyncio.get_running_loop().time()
            try:
                channel, content = _unframed(said)
                if channel is Channel.EXIT:
                    return msgspec.json.decode(content, type=SessionEnd)
                if channel in (Channel.STDOUT, Channel.STDERR):
                    await self._operator.send(frame(channel, content))
            except (NoFrame, msgspec.DecodeError) as error:
                return SessionEnd(reason=f"the device's words make no sense: {error}")
            except LinkBroken:
                return SessionEnd(reason="left by its reader")
        return SessionEnd(reason="the link to the device broke")

    async def _inwards(self) -> SessionEnd:
        """To the device."""
        while (said := await self._operator.receive()) is not None:
            self._active = asyncio.get_running_loop().time()
            try:
                channel, content = _unframed(said)
                if channel is Channel.STDIN:
                    self._heard(content)
                if channel in (Channel.STDIN, Channel.RESIZE):
                    await self._device.send(frame(channel, content))
            except NoFrame as error:
                return SessionEnd(reason=f"what was sent makes no sense: {error}")
            except LinkBroken:
                # The device may have said its last word all the same.
                await asyncio.sleep(1.0)
                return SessionEnd(reason="the link to the device broke")
        return SessionEnd(reason="left by its reader")

    async def _bound(self) -> SessionEnd:
        loop = asyncio.get_running_loop()
        ends = loop.time() + LONGEST + LATE
        while True:
            idle_ends = self._active + LONGEST_IDLE + LATE
            now = loop.time()
            if now >= min(ends, idle_ends):
                return SessionEnd(reason="too long, or silent for too long")
            await asyncio.sleep(min(ends, idle_ends) - now)


async def _bounded(last: Awaitable[None]) -> None:
    """A last word to who may have stopped listening."""
    with suppress(LinkBroken, TimeoutError):
        async with asyncio.timeout(PART_WITHIN):
            await last


def _unframed(said: bytes | str) -> tuple[Channel, bytes]:
    if isinstance(said, str):
        raise NoFrame("it is text")
    return unframed(said)


async def enter_session(request: web.Request) -> web.StreamResponse:
    """A node's agent comes to a session that was asked for."""
    request_id = request.match_info["request_id"]
    url = await request.app[STREAMS].elsewhere(request_id)
    if url is not None and PASSED_ON not in request.headers:
        return await relayed_session(request, url)
    door = request.app[STREAMS].door(request[DEVICE].node_id, request_id)
    socket = new_socket()
    await socket.prepare(request)
    link = SessionLink(socket)
    try:
        await door.enter(link)
    finally:
        await link.close()
    return socket


async def list_sessions(request: web.Request) -> web.Response:
    """Who looks into which container or device now, or works in it."""
    about = asked(request)
    world = about.world
    items = [
        SessionDocument(
            id=key,
            kind=row.kind,
            microservice_id=row.microservice_id,
            microservice=(
                None
                if row.microservice_id is None
                else name_of(world, "microservice", row.microservice_id)
            ),
            node=name_of(world, "node", row.node_id),
            actor=row.actor,
            opened_at=row.opened_at,
            command=row.command,
            ports=row.ports,
        )
        for key, row in world.sessions.items()
    ]
    items.sort(key=lambda each: (each.opened_at, each.id))
    return json_answer(Sessions(position=about.position, stale=about.stale, items=items))


async def end_session(request: web.Request) -> web.Response:
    """Let it end. Whoever holds it sees that it is closed, and cuts it."""
    session_id = request.match_info["session"]
    row = request.app[LIVE].world.sessions.get(session_id)
    if row is None:
        raise NotFound("session", session_id)
    command = CloseSession(
        session_id=session_id, reason="ended by an operator", now=request.app[CLOCK]()
    )
    about = (
        f"node/{row.node_id}"
        if row.microservice_id is None
        else f"microservice/{row.microservice_id}"
    )
    return changed(await execute(request, command), about)


ENDPOINTS = (
    *(
        Endpoint(
            method="GET",
            path=f"/microservices/{of}/exec",
            handler=run_command,
            access=Role.VIEWER,
            tag="sessions",
            summary="Run a command in its container: a WebSocket, see docs/sessions.md",
            status=101,
            refusals=(404,),
        )
        for of in (r"{id:[0-9a-f]{32}}", r"{application}/{name}")
    ),
    Endpoint(
        method="GET",
        path="/sessions",
        handler=list_sessions,
        access=Role.VIEWER,
        tag="sessions",
        summary="List open sessions: who looks into which container, or works in it",
        answer=Sessions,
        at=True,
    ),
    Endpoint(
        method="DELETE",
        path="/sessions/{session}",
        handler=end_session,
        access=Role.OPERATOR,
        tag="sessions",
        summary="End a session",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/agent/sessions/{request_id}",
        handler=enter_session,
        access=Access.AGENT,
        tag="agent",
        summary="Enter a session that was asked for: a WebSocket",
        status=101,
        refusals=(404, 410),
    ),
)
