"""What comes for a microservice, each message once.

The agent offers a message again when it is not acknowledged in time, or after a connection was
lost; what is in hand or was acknowledged is recognised by its id and not given out a second time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator

from ecn_sdk.iomessage import ACK, MESSAGE, BadIoMessage, read_message_frame
from ecn_sdk.message import Received, received
from ecn_sdk.sockets import Socket, log

REMEMBERED = 10_000
"""Ids of acknowledged messages."""


class Inbox(AsyncIterator[Received]):
    """`async for message in inbox`. For one reader; acknowledgements may come from any task.

    acknowledging: each message is acknowledged when the next one is asked for. A reader that fails
    in between gets it again.
    """

    def __init__(self, socket: Socket, *, acknowledging: bool) -> None:
        self._socket = socket
        self._acknowledging = acknowledging
        self._in_hand: set[str] = set()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._last: Received | None = None
        self._reading = False

    def __aiter__(self) -> Inbox:
        return self

    async def __anext__(self) -> Received:
        if self._reading:
            raise RuntimeError("these messages are being waited for by another task already")
        self._reading = True
        try:
            if self._acknowledging and self._last is not None:
                last, self._last = self._last, None
                await last.acknowledge()
            message = await self._next()
        finally:
            self._reading = False
        self._last = message
        return message

    async def _next(self) -> Received:
        while True:
            frame = await self._socket.frame()
            if frame is None:
                raise StopAsyncIteration
            if frame[0] != MESSAGE:
                continue
            try:
                io = read_message_frame(frame)
            except BadIoMessage as error:
                log.warning("a message can't be read: %s", error)
                continue
            if io.id in self._done:
                await self._say(io.id)
            elif io.id not in self._in_hand:
                self._in_hand.add(io.id)
                return received(io, self._acknowledge)

    async def _acknowledge(self, message_id: str) -> None:
        self._in_hand.discard(message_id)
        self._done[message_id] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        # When it does not go out, the message comes again, and is acknowledged then.
        await self._say(message_id)

    async def _say(self, message_id: str) -> None:
        name = message_id.encode("ascii", "replace")
        await self._socket.send(bytes([ACK, len(name)]) + name)

    async def aclose(self) -> None:
        """No more; what is not acknowledged is the agent's again."""
        await self._socket.close()
