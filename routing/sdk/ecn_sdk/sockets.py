"""A WebSocket to the agent that comes back by itself: agents restart, networks change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType
from aiohttp.client_exceptions import WSServerHandshakeError

from ecn_sdk.errors import BadToken, Unreachable
from ecn_sdk.iomessage import PING, PONG
from ecn_sdk.rest import Rest, pause

log = logging.getLogger("ecn_sdk")

QUIET = 20.0
"""Seconds without a word after which the agent is asked whether it is there; so many again, and it
is not."""
LARGEST_FRAME = 4 * 1024 * 1024


class Socket:
    """One of the two of a microservice. For one reader at a time; anyone may send."""

    def __init__(self, rest: Rest, session: ClientSession, path: str) -> None:
        self._rest, self._session, self._path = rest, session, path
        self._ws: ClientWebSocketResponse | None = None
        self._failures = 0
        self._end = asyncio.Event()

    async def frame(self) -> bytes | None:
        """The next one; connects as often as it takes. None: `close` was called.

        Errors: BadToken.
        """
        asked = False
        while not self._end.is_set():
            ws = self._ws
            if ws is None:
                await self._connect()
                asked = False
                continue
            try:
                async with asyncio.timeout(QUIET):
                    message = await ws.receive()
            except TimeoutError:
                if asked or not await self._said(ws.ping(bytes([PING]))):
                    await self._lost("the agent is silent")
                asked = True
                continue
            asked = False
            match message.type:
                case WSMsgType.BINARY:
                    self._failures = 0
                    if message.data:
                        return bytes(message.data)
                case WSMsgType.PING:
                    mine = bytes(message.data) == bytes([PING])
                    await self._said(ws.pong(bytes([PONG]) if mine else bytes(message.data)))
                case WSMsgType.CLOSE | WSMsgType.CLOSING | WSMsgType.CLOSED | WSMsgType.ERROR:
                    await self._lost(f"closed ({ws.close_code})")
                case _:
                    pass  # a pong, or a text, which says nothing here
        return None

    async def send(self, frame: bytes) -> bool:
        """Whether it went out; not, when there is no connection just now."""
        return self._ws is not None and await self._said(self._ws.send_bytes(frame))

    async def close(self) -> None:
        """For good."""
        self._end.set()
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()

    async def _connect(self) -> None:
        if self._failures:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause(self._failures)):
                    await self._end.wait()
        if self._end.is_set():
            return
        # Counted before: a connection that is taken and dropped at once is a failure too.
        self._failures += 1
        try:
            url = await self._rest.url()
            async with asyncio.timeout(QUIET):
                ws = await self._session.ws_connect(
                    url + self._path,
                    headers=self._rest.headers,
                    autoping=False,
                    max_msg_size=LARGEST_FRAME,
                )
        except WSServerHandshakeError as error:
            if error.status == 401:
                raise BadToken(
                    401, f"the agent does not know this token: {error.message}"
                ) from error
            log.warning("the agent refuses the socket %s (%s)", self._path, error.status)
            return
        except (ClientError, OSError, TimeoutError, Unreachable) as error:
            log.info("the agent is not reached: %s", str(error) or type(error).__name__)
            return
        if self._end.is_set():
            await ws.close()
            return
        self._ws = ws

    async def _lost(self, why: str) -> None:
        if not self._end.is_set():
            log.info("the connection to the agent is lost: %s", why)
        ws, self._ws = self._ws, None
        if ws is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await ws.close()

    async def _said(self, sending: Awaitable[None]) -> bool:
        try:
            async with asyncio.timeout(QUIET):
                await sending
        except (ClientError, OSError, TimeoutError):
            return False
        return True
