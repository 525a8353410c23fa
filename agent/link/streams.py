"""What somebody at the controller asked to see or to do here, on its way to them.

`uplink.py` hands the requests over. Each is said once only, so each is answered once: a log, usage
or events as a stream, a command in a container (`sessions.py`) or connections to ports
(`forwards.py`) as a session. Nothing of it is kept.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import msgspec
import structlog

from agent.contract import (
    AnyStreamRequest,
    EventsRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    StreamProblem,
    UsageRequest,
    known_requests,
)
from agent.errors import AgentError, EngineError
from agent.lifecycle.engine import Container, ContainerEngine, EngineState
from agent.link.controller_client import ControllerClient

log = structlog.get_logger()

AT_ONCE = 12
"""Streams at a time; each costs a connection to the engine and one to the controller."""
SESSIONS_AT_ONCE = 4
FORWARDS_AT_ONCE = 8
REMEMBERED = 100
"""Requests that are known again: two controllers may pass the same one on."""


class Streams:
    """The open streams and sessions of one node."""

    def __init__(
        self,
        node_id: str,
        engine: ContainerEngine,
        client: ControllerClient,
        *,
        reaches: bool = True,
    ) -> None:
        """reaches: whether containers, and the device, can be connected to from here."""
        self._reaches = reaches
        self._node_id = node_id
        self._engine = engine
        self._client = client
        self._open = 0
        self._sessions = 0
        self._forwards = 0
        self._clearing = asyncio.Lock()
        self._seen: deque[str] = deque(maxlen=REMEMBERED)

    def open(self, said: Sequence[msgspec.Raw], tasks: asyncio.TaskGroup) -> None:
        """Begin to answer each request, in a task of this group."""
        for request in known_requests(said):
            if request.request_id not in self._seen:
                self._seen.append(request.request_id)
                tasks.create_task(self._answer(request))

    async def end_former(self) -> None:
        """End what sessions of a former life of this agent left running. Once, at its start."""
        try:
            async with self._clearing:
                ended = await self._engine.end_former_executions(self._node_id)
        except EngineError as error:
            log.info("former-sessions-not-seen", error=str(error))
        else:
            if ended:
                log.warning("former-sessions-ended", commands=ended)

    async def _answer(self, request: AnyStreamRequest) -> None:
        try:
            if isinstance(request, ExecRequest):
                await self._hold(request)
            elif isinstance(request, ForwardRequest):
                await self._forward(request)
            else:
                await self._send(request)
        except AgentError as error:
            log.info("stream-ended", request=type(request).__name__, error=str(error))
        except Exception:
            # A fault of ours in what somebody looks at must not end the agent.
            log.exception("stream-failed", request=type(request).__name__)

    async def _hold(self, request: ExecRequest) -> None:
        # Read when it is first used: most agents never are asked.
        from agent.link import sessions

        async with self._clearing:
            pass  # or this one would be taken for a former one

        self._sessions += 1
        try:
            async with self._client.session(request.request_id) as link:
                if self._sessions > SESSIONS_AT_ONCE:
                    await sessions.refuse(
                        link, f"{SESSIONS_AT_ONCE} sessions are open on this node already"
                    )
                    return
                try:
                    container = await self._container(request.microservice_id)
                except EngineError as error:
                    await sessions.refuse(link, str(error))
                    return
                if container is None or container.state is not EngineState.RUNNING:
                    await sessions.refuse(link, _not_running(container))
                    return
                await sessions.hold(link, self._engine, container.container_id, request)
        finally:
            self._sessions -= 1

    async def _forward(self, request: ForwardRequest) -> None:
        from agent.link import forwards, sessions
        from agent.proxy.containers import Containers

        self._forwards += 1
        try:
            async with self._client.session(request.request_id) as link:
                if self._forwards > FORWARDS_AT_ONCE:
                    reason = f"{FORWARDS_AT_ONCE} sessions of connections are open on this node"
                    await sessions.refuse(link, reason)
                    return
                if not self._reaches:
                    reason = (
                        "the agent runs in a container without the device's network, and reaches "
                        "no port of it"
                    )
                    await sessions.refuse(link, reason)
                    return
                clock = asyncio.get_running_loop().time
                await forwards.hold(link, request, Containers(self._node_id, self._engine, clock))
        finally:
            self._forwards -= 1

    async def _send(self, request: LogRequest | UsageRequest | EventsRequest) -> None:
        self._open += 1
        try:
            pieces = self._pieces(request)
            if self._open > AT_ONCE:
                pieces = _only(_problem(request, f"{AT_ONCE} streams of this node are open"))
            async with aclosing(pieces):
                await self._client.stream(request.request_id, pieces)
        finally:
            self._open -= 1

    async def _pieces(
        self, request: LogRequest | UsageRequest | EventsRequest
    ) -> AsyncGenerator[bytes]:
        try:
            match request:
                case LogRequest():
                    pieces = self._log(request)
                case UsageRequest():
                    from agent.link.usage import usage

                    pieces = _lines(usage(self._engine, self._node_id, request))
                case EventsRequest():
                    pieces = _lines(self._events(request))
            async for piece in pieces:
                yield piece
        except EngineError as error:
            yield _problem(request, str(error))

    async def _log(self, request: LogRequest) -> AsyncIterator[bytes]:
        container = await self._container(request.microservice_id)
        if container is None:
            yield _problem(request, "it has no container on this node")
            return
        async for piece in self._engine.logs(
            container.container_id,
            tail=request.tail,
            follow=request.follow,
            since=request.since,
            timestamps=request.timestamps,
        ):
            yield piece

    async def _events(self, request: EventsRequest) -> AsyncIterator[msgspec.Struct]:
        async for event in self._engine.happenings(
            self._node_id, since=request.since, follow=request.follow
        ):
            if not request.microservice_ids or event.microservice_id in request.microservice_ids:
                yield event

    async def _container(self, microservice_id: str) -> Container | None:
        """The one that runs, else the newest."""
        return newest(
            [
                each
                for each in await self._engine.containers(self._node_id)
                if each.microservice_id == microservice_id
            ]
        )


def newest(containers: Sequence[Container]) -> Container | None:
    """The one that runs, else the newest."""
    if not containers:
        return None
    return max(containers, key=lambda c: (c.state is EngineState.RUNNING, c.created_at))


def _not_running(container: Container | None) -> str:
    if container is None:
        return "it has no container on this node"
    code = f" with exit code {container.exit_code}" if container.exit_code is not None else ""
    return f"its container does not run: {container.state}{code}"


def _problem(request: LogRequest | UsageRequest | EventsRequest, why: str) -> bytes:
    if isinstance(request, LogRequest):
        return f"[agent] {why}\n".encode()
    return msgspec.json.encode(StreamProblem(problem=why)) + b"\n"


async def _only(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece


async def _lines(documents: AsyncIterator[msgspec.Struct]) -> AsyncIterator[bytes]:
    async for each in documents:
        yield msgspec.json.encode(each) + b"\n"
