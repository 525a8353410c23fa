"""Container logs on their way to somebody who reads them at the controller.

`uplink.py` hands the requests over; each is said once only, so each is answered once: with the log,
or with one line that says why there is none.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from agent.contract import AnyStreamRequest, LogRequest
from agent.controller_client import ControllerClient
from agent.engine import ContainerEngine, EngineState
from agent.errors import AgentError, EngineError

log = structlog.get_logger()

AT_ONCE = 8
"""Logs read at a time; each costs a connection to the engine and one to the controller."""


class LogStreams:
    """The open streams of one node."""

    def __init__(self, node_id: str, engine: ContainerEngine, client: ControllerClient) -> None:
        self._node_id = node_id
        self._engine = engine
        self._client = client
        self._open = 0

    def open(self, requests: Sequence[AnyStreamRequest], tasks: asyncio.TaskGroup) -> None:
        """Begin to send each of them, in a task of this group."""
        for request in requests:
            if isinstance(request, LogRequest):
                tasks.create_task(self._send(request))

    async def _send(self, request: LogRequest) -> None:
        self._open += 1
        try:
            pieces = self._pieces(request) if self._open <= AT_ONCE else _busy()
            async with aclosing(pieces):
                await self._client.stream(request.request_id, pieces)
        except AgentError as error:
            log.info("log-stream-ended", microservice=request.microservice_id, error=str(error))
        finally:
            self._open -= 1

    async def _pieces(self, request: LogRequest) -> AsyncGenerator[bytes]:
        try:
            container_id = await self._container(request.microservice_id)
            if container_id is None:
                yield b"[agent] it has no container on this node\n"
                return
            lines = self._engine.logs(
                container_id, tail=request.tail, follow=request.follow, since=request.since
            )
            async for piece in lines:
                yield piece
        except EngineError as error:
            yield f"[agent] {error}\n".encode()

    async def _container(self, microservice_id: str) -> str | None:
        """The one that runs, else the newest."""
        containers = [
            c
            for c in await self._engine.containers(self._node_id)
            if c.microservice_id == microservice_id
        ]
        containers.sort(key=lambda c: (c.state is EngineState.RUNNING, c.created_at))
        return containers[-1].container_id if containers else None


async def _busy() -> AsyncGenerator[bytes]:
    yield f"[agent] {AT_ONCE} logs of this node are being read already\n".encode()
