"""What changed for a microservice: the agent says of what kind, and its client reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import Enum

from ecn_sdk.iomessage import ACK, NEW_CONFIG, NEW_EDGE_RESOURCES
from ecn_sdk.sockets import Socket


class Change(Enum):
    """What is to be read again."""

    CONFIG = NEW_CONFIG
    EDGE_RESOURCES = NEW_EDGE_RESOURCES


class Changes(AsyncIterator[Change]):
    """`async for change in changes`. Each is acknowledged when the next is asked for."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._heard = False

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> Change:
        if self._heard:
            self._heard = False
            await self._socket.send(bytes([ACK]))
        while (frame := await self._socket.frame()) is not None:
            try:
                change = Change(frame[0])
            except ValueError:
                continue
            self._heard = True
            return change
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """No more."""
        await self._socket.close()
