"""One of ioFog's WebSockets: what both kinds have in common. Loaded with `http.py`.

A ping of the one byte 09 is answered with a pong of the one byte 0A, as ioFog's SDKs have it;
any other is answered as WebSockets have it, with its own payload.
"""

from collections.abc import AsyncIterator, Callable

from aiohttp import WSCloseCode, WSMsgType, web

from routing.iomessage import PING, PONG

SEND_WITHIN = 200.0
"""Seconds for the other side to read: ioFog's agent gives one up after as long."""
LARGEST_FRAME = 1024 * 1024


class IoSocket:
    """A WebSocket that is open."""

    def __init__(self, ws: web.WebSocketResponse, clock: Callable[[], float]) -> None:
        """clock: seconds that do not jump."""
        self._ws = ws
        self._clock = clock
        self._sending_since: float | None = None

    async def frames(self) -> AsyncIterator[bytes]:
        """What comes, until the other side leaves. Read no faster than it is taken."""
        while True:
            message = await self._ws.receive()
            match message.type:
                case WSMsgType.BINARY:
                    if message.data:
                        yield message.data
                case WSMsgType.PING:
                    payload = bytes(message.data)
                    await self._ws.pong(bytes([PONG]) if payload == bytes([PING]) else payload)
                case WSMsgType.CLOSE:
                    await self._ws.close()
                    return
                case WSMsgType.CLOSING | WSMsgType.CLOSED | WSMsgType.ERROR:
                    return
                case _:
                    continue  # texts and pongs say nothing here

    async def send(self, frame: bytes) -> None:
        """Handed over before anything else runs; waits while the other side does not read.

        Errors: ConnectionError.
        """
        if self._sending_since is None:
            self._sending_since = self._clock()
        await self._ws.send_bytes(frame)
        self._sending_since = None

    @property
    def stuck(self) -> bool:
        """Whether the other side has not read for very long. To be looked at now and then: a
        timer for each frame would cost as much as the frame."""
        since = self._sending_since
        return since is not None and self._clock() - since > SEND_WITHIN

    async def close(self, code: WSCloseCode, why: str) -> None:
        """Say why, and go."""
        await self._ws.close(code=code, message=why.encode())
