"""Where the ports of a microservice are at this moment. Used by `edge.py` for each connection.

A container's address is free for another one as soon as it ends, so what was seen counts for a
moment only. Asked once for all who wait: hundreds may connect at the same time.
"""

import asyncio
from collections.abc import Callable

from agent.errors import EngineError
from agent.lifecycle.engine import Container, ContainerEngine, EngineState

BELIEVED = 1.0
"""Seconds."""


class NotThere(Exception):
    """There is nothing to connect to; the sentence says why."""


class Containers:
    """Of one node. reaches: whether containers can be reached from here at all."""

    def __init__(
        self,
        node_id: str,
        engine: ContainerEngine,
        clock: Callable[[], float],
        *,
        reaches: bool = True,
    ) -> None:
        self._node_id = node_id
        self._engine = engine
        self._clock = clock
        self._reaches = reaches
        self._seen: list[Container] = []
        self._seen_at: float | None = None
        self._asking = asyncio.Lock()

    async def address(self, microservice_id: str) -> str:
        """Where the device reaches the microservice's ports. Errors: NotThere."""
        if not self._reaches:
            raise NotThere(
                "the node's agent can't reach containers: it runs in one with a network of its own"
            )
        came = self._clock()
        if not self._fresh(came - BELIEVED):
            async with self._asking:
                if not self._fresh(came - BELIEVED):
                    await self._ask()
        own = [each for each in self._seen if each.microservice_id == microservice_id]
        running = [each for each in own if each.state is EngineState.RUNNING and each.address]
        if not running:
            raise NotThere(
                "the microservice does not run" if own else "the microservice has no container"
            )
        # While a new version is on trial there are two: the one that was there serves on.
        return min(running, key=lambda each: each.created_at).address

    def _fresh(self, since: float) -> bool:
        return self._seen_at is not None and self._seen_at >= since

    async def _ask(self) -> None:
        asked_at = self._clock()
        try:
            self._seen = await self._engine.containers(self._node_id)
        except EngineError as error:
            raise NotThere(f"the node's container engine does not answer: {error}") from error
        self._seen_at = asked_at
