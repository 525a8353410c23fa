"""The HTTP of the Local API: who comes in, within which bounds, and where it is sent.

A container is not trusted: its connections, bodies and patience are bounded, and nothing of a body
is read before it is known whose it is. Loaded by `local_api.py` when the first connection comes:
most microservices never ask, and its megabytes are better kept.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine

import structlog
from aiohttp import WSCloseCode, web

from agent.local_api.connections import TAKEN_WITHIN, Connection, Line, refusal
from agent.local_api.control_socket import ControlSocket
from agent.local_api.endpoints import (
    BLUETOOTH,
    ENDPOINTS,
    MANAGEMENT,
    MOST_MESSAGES,
    NEXT_MESSAGES,
    Asked,
    named_by,
    next_messages,
    of_one_answer,
)
from agent.local_api.frames import LARGEST_FRAME, IoSocket
from agent.local_api.identity import Caller, as_named, caller
from agent.local_api.message_socket import MessageSocket
from agent.local_api.node_state import NodeState
from agent.local_api.refusals import Refused

log = structlog.get_logger()

SOCKETS_OF_ONE = 8
"""WebSockets of one microservice: two are used, and others on their way out."""
ANSWERED = 8
"""Requests of one microservice at a time: each may have a large body, and a large answer."""
LARGEST_BODY = 1024 * 1024
BODY_WITHIN = 10.0
"""Seconds, as the next."""
CLOSED_WITHIN = 1.0
"""For the other side to say good-bye too."""

MESSAGE_SOCKET = "/v2/message/socket/id/"
CONTROL_SOCKET = "/v2/control/socket/id/"


class LocalApiHttp:
    """All who are in, by whichever address of the device."""

    def __init__(self, state: NodeState) -> None:
        self._state = state
        # Not cancelled when the other side leaves: no answer takes long, and what is half done of
        # one, a message stored or handed out, is better done.
        self._http = web.Server(self._answer)
        self._present: Counter[str] = Counter()
        self._answering: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(ANSWERED)
        )
        self._sockets: Counter[str] = Counter()

    async def close(self) -> None:
        """Who is in has to leave."""
        self._state.readers.only(())
        await self._http.shutdown(CLOSED_WITHIN)

    @property
    def connections(self) -> int:
        """How many are in."""
        return self._present.total()

    def entering(self) -> asyncio.Protocol:
        """Somebody comes in."""
        return Connection(self._http, self._present)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.spoke()
        try:
            return await self._answered(request)
        except Refused as refused:
            return await _sent(request, refusal(refused))
        except Exception as error:
            if isinstance(error, ConnectionError):
                raise
            # A fault of ours in one question must not end all others.
            log.exception("local-api-request-broke", path=request.path)
            return await _sent(request, refusal(Refused("the agent made a mistake", 500)))

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        method, path = request.method, request.path
        endpoint = ENDPOINTS.get((method, path))
        if endpoint is None and path != NEXT_MESSAGES:
            for prefix, kind in ((MESSAGE_SOCKET, MessageSocket), (CONTROL_SOCKET, ControlSocket)):
                if path.startswith(prefix):
                    return await self._opened(request, path.removeprefix(prefix), kind)
            raise _elsewhere(path)
        if path == NEXT_MESSAGES and method != "POST":
            raise Refused("", 405)
        if path != "/v2/edgeResources" and request.content_type != "application/json":
            raise Refused("Incorrect content type")
        who = await self._who(request)
        async with self._answering[who.microservice_id or ""]:
            body = await _body(request)
            if endpoint is None:
                return await self._next_messages(request, who, body)
            answer = await endpoint(self._state, Asked(who=who, body=body))
            return await _sent(request, _okay(answer.body))

    async def _who(self, request: web.BaseRequest) -> Caller:
        return await caller(
            self._state, request.headers.get("Authorization", ""), request.remote or ""
        )

    async def _next_messages(
        self, request: web.BaseRequest, who: Caller, body: bytes
    ) -> web.StreamResponse:
        """They are the microservice's when all of the answer is at its side, and not before."""
        microservice_id = as_named(self._state, who, named_by(body)).microservice_id
        readers = self._state.readers
        if readers.has_socket(microservice_id):
            return await _sent(request, _okay(next_messages([]).body))
        inbox = self._state.routing.inbox(microservice_id)
        async with readers.by_question(microservice_id):
            found = await inbox.next(MOST_MESSAGES, 0.0)
            count = of_one_answer(found)
            inbox.give_back(found[count:])
            found, arrived = found[:count], False
            try:
                with Line(request) as line:
                    response = await _sent(request, _okay(next_messages(found).body))
                    arrived = not found or await line.has_delivered()
            finally:
                if not arrived:
                    inbox.give_back(found)
            if arrived:
                await inbox.done(found)
            return response

    async def _opened(
        self,
        request: web.BaseRequest,
        named: str,
        kind: type[MessageSocket] | type[ControlSocket],
    ) -> web.StreamResponse:
        """Be a WebSocket until either side leaves."""
        _of_this_site(request)
        named = named.partition("/")[0]
        microservice_id = as_named(self._state, await self._who(request), named).microservice_id
        ws = web.WebSocketResponse(
            timeout=CLOSED_WITHIN, autoping=False, compress=False, max_msg_size=LARGEST_FRAME
        )
        if not ws.can_prepare(request).ok:
            raise Refused("a WebSocket is opened here, with GET and the headers that it has")
        if self._sockets[microservice_id] >= SOCKETS_OF_ONE:
            raise Refused("this microservice opens WebSockets faster than the former ones close")
        self._sockets[microservice_id] += 1
        try:
            await ws.prepare(request)
            socket, leave = IoSocket(ws, self._state.clock), asyncio.Event()
            readers = self._state.readers
            turn = readers.by_socket if kind is MessageSocket else readers.control

            async def served() -> None:
                async with turn(microservice_id, leave.set):
                    await kind(socket, self._state, microservice_id).run()

            await _until(served(), leave)
            if leave.is_set():
                await socket.close(WSCloseCode.GOING_AWAY, "another socket came, or the agent ends")
            else:
                await socket.close(WSCloseCode.OK, "")
        except* ConnectionError as errors:
            log.debug("local-api-socket-broke", microservice=microservice_id, error=str(errors))
            _abort(request)
        except* Exception:
            # A fault of ours in one socket ends that one: what is out is offered again.
            log.exception("local-api-socket-failed", microservice=microservice_id)
            _abort(request)
        finally:
            self._sockets[microservice_id] -= 1
            if not self._sockets[microservice_id]:
                del self._sockets[microservice_id]
        return ws


async def _until(serving: Coroutine[object, object, None], leave: asyncio.Event) -> None:
    """Serve until it is over, or until asked to leave."""
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(serving), tasks.create_task(leave.wait())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()


def _elsewhere(path: str) -> Refused:
    if any(path == each for _, each in ENDPOINTS):
        return Refused("", 405)
    if MANAGEMENT.fullmatch(path):
        return Refused(
            "the agent is not managed here: on the device, the command `ecn-agent` does that", 403
        )
    if path.startswith(BLUETOOTH):
        return Refused("the agent has no Bluetooth service", 404)
    return Refused("", 404)


def _of_this_site(request: web.BaseRequest) -> None:
    """A page in a browser of this device may open a WebSocket to anywhere; this is not for it.

    Some SDKs say where they come from too: from here. Errors: Refused.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("Host"):
        raise Refused("this is no place for pages of other sites", 403)


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _okay(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def _sent(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    response.headers["Server"] = "ecn-agent"
    try:
        async with asyncio.timeout(TAKEN_WITHIN):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        _abort(request)
    return response


async def _body(request: web.BaseRequest) -> bytes:
    """Errors: Refused when it is too large or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for piece in request.content.iter_chunked(64 * 1024):
                body += piece
                if len(body) > LARGEST_BODY:
                    raise Refused(f"a body has at most {LARGEST_BODY >> 10} KiB", 413)
    except TimeoutError:
        raise Refused(f"the body did not come within {BODY_WITHIN:.0f} s", 408) from None
    return bytes(body)
