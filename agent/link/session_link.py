"""A session's WebSocket to the controller, as frames.

Whoever waits for words hears something within SILENCE, be it a ping, or the link is dead. Who does
not wait, because what came before has not been taken yet, draws no conclusion: so a reader may be
slow for as long as it likes.
"""

import asyncio

import aiohttp

from agent.errors import ControllerUnreachable

PING_EVERY = 15.0
SILENCE = 50.0
"""Seconds."""

_CONTROLLER_GONE = "the session's link to the controller broke"


class SessionLink:
    """Made by `controller_client.py`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        """At the pace of the one who reads. Errors: ControllerUnreachable."""
        try:
            await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError) as error:
            raise ControllerUnreachable(_CONTROLLER_GONE) from error

    async def receive(self) -> bytes | None:
        """The next frame; None when the other side has left, or the link broke."""
        while True:
            try:
                message = await self._socket.receive(timeout=SILENCE)
            except TimeoutError:
                return None
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    content: bytes = message.data
                    return content
                case aiohttp.WSMsgType.PING:
                    await self._answer(message.data)
                case aiohttp.WSMsgType.PONG:
                    continue
                case _:
                    return None

    async def ping(self) -> None:
        """Say now and then that we are there, until cancelled or the link broke."""
        while True:
            await asyncio.sleep(PING_EVERY)
            try:
                await self._socket.ping()
            except (aiohttp.ClientError, OSError):
                return  # whoever receives learns it, too

    async def _answer(self, content: bytes) -> None:
        try:
            await self._socket.pong(content)
        except (aiohttp.ClientError, OSError):
            return
