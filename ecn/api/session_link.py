"""A session's WebSocket, to an agent or to an operator, as frames.

Whoever waits for words hears something within SILENCE, be it a ping, or the link is dead. Who does
not wait, because what came before has not been taken yet, draws no conclusion: so a reader may be
slow for as long as it likes. aiohttp's own heartbeat would cut such a session.
"""

import asyncio
from contextlib import suppress

from aiohttp import ClientError, WSMsgType, web

from agent.contract import LARGEST_FRAME

PING_EVERY = 15.0
SILENCE = 50.0
PART_WITHIN = 2.0
"""Seconds."""


class LinkBroken(Exception):
    """What is sent does not arrive any more."""


def new_socket() -> web.WebSocketResponse:
    """One whose pings and pongs a SessionLink looks after."""
    return web.WebSocketResponse(autoping=False, max_msg_size=2 * LARGEST_FRAME, compress=False)


class SessionLink:
    """One end of a session."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        """At the pace of the one who reads. Errors: LinkBroken."""
        try:
            await self._socket.send_bytes(frame)
        except (ClientError, OSError, RuntimeError) as error:
            raise LinkBroken(str(error)) from error

    async def say(self, document: str) -> None:
        """A word beside the frames. Errors: LinkBroken."""
        try:
            await self._socket.send_str(document)
        except (ClientError, OSError, RuntimeError) as error:
            raise LinkBroken(str(error)) from error

    async def receive(self) -> bytes | str | None:
        """The next frame, or word; None when the other side has left, or the link broke."""
        while True:
            try:
                message = await self._socket.receive(timeout=SILENCE)
            except TimeoutError:
                return None
            match message.type:
                case WSMsgType.BINARY | WSMsgType.TEXT:
                    content: bytes | str = message.data
                    return content
                case WSMsgType.PING:
                    with suppress(ClientError, OSError, RuntimeError):
                        await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    continue
                case _:
                    return None

    async def ping(self) -> None:
        """Say now and then that we are there, until cancelled or the link broke."""
        while True:
            await asyncio.sleep(PING_EVERY)
            try:
                await self._socket.ping()
            except (ClientError, OSError, RuntimeError):
                return  # whoever receives learns it, too

    async def close(self) -> None:
        """Part in good order, if the other side is still there."""
        with suppress(ClientError, OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(PART_WITHIN):
                await self._socket.close()
