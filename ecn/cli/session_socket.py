"""A session's WebSocket to the controller, as frames and words.

Whoever waits for words hears something within SILENCE, be it a ping, or the link is dead: a person
before a raw terminal must not wait for what will never come.
"""

import asyncio

import aiohttp

from ecn.cli.errors import Unreachable

PING_EVERY = 15.0
SILENCE = 50.0
"""Seconds."""


class SessionSocket:
    """Made by `transport.py`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        """At the pace of the one who reads. Errors: Unreachable."""
        try:
            await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the controller can't be reached any more: {error}") from error

    async def say(self, document: str) -> None:
        """A word beside the frames. Errors: Unreachable."""
        try:
            await self._socket.send_str(document)
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the controller can't be reached any more: {error}") from error

    async def receive(self) -> bytes | str | None:
        """The next frame, or word; None when the controller has left, or the link is dead."""
        while True:
            try:
                message = await self._socket.receive(timeout=SILENCE)
            except TimeoutError:
                return None
            match message.type:
                case aiohttp.WSMsgType.BINARY | aiohttp.WSMsgType.TEXT:
                    content: bytes | str = message.data
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
