"""Connections to the Local API: how many, how long they may say nothing, and what they took.

Used by `http.py`, and loaded with it.
"""

import asyncio
import os
import sys
from collections import Counter
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ

from aiohttp import web

from agent.local_api.refusals import Refused

CONNECTIONS = 1024
CONNECTIONS_OF_ONE = 64
"""Of one address."""
HEADERS_WITHIN = 10.0
"""Seconds from the connection to the end of the first request's headers."""
IDLE_FOR = 75.0
"""Seconds between the requests of a connection."""
TAKEN_WITHIN = 30.0
"""Seconds for the other side to take an answer."""
LOOK_EVERY = 0.002
"""Seconds between looks whether it has come there."""


def refusal(refused: Refused) -> web.Response:
    """Its answer; the connection is closed after it, as ioFog's agent does."""
    response = web.Response(status=refused.status, body=refused.body, content_type="text/plain")
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    response.force_close()
    return response


class Line:
    """A connection, watched until all that was sent is at the other side."""

    def __init__(self, request: web.BaseRequest) -> None:
        """Errors: ConnectionError when there is none any more."""
        self._connection = request.protocol
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionError("nobody is there")
        # All of it is with the system when `write` returns, and asked after there.
        transport.set_write_buffer_limits(0)
        # Of its own: the other side may close as soon as it has read the answer.
        self._descriptor = os.dup(transport.get_extra_info("socket").fileno())

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    async def has_delivered(self) -> bool:
        """Whether it is. Asked again and again, as no system tells it: the other side is mostly on
        the same device, and has it in less than a millisecond."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(TAKEN_WITHIN):
                while not _broke(self._connection):
                    left = ioctl(self._descriptor, TIOCOUTQ, b"\0" * 4)
                    if not int.from_bytes(left, sys.byteorder):
                        return True
                    await asyncio.sleep(LOOK_EVERY)
        return False


class Connection(web.RequestHandler):
    """One that has to say something soon."""

    __slots__ = ("_address", "_present", "_timer", "broke")

    _timer: asyncio.TimerHandle | None

    def __init__(self, http: web.Server, present: Counter[str]) -> None:
        """present: how many there are of each address; kept by the connections themselves."""
        super().__init__(
            http,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=IDLE_FOR,
            lingering_time=1.0,
            tcp_keepalive=False,  # the listening socket has it, and shorter
            access_log=None,  # type: ignore[arg-type]  # so aiohttp is told to write none
            auto_decompress=False,  # a body counts as it comes
        )
        self._present = present
        self._address = ""
        self._timer = None
        self.broke = False
        """Whether the other side went without a good-bye."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock begins to run."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        self._present[self._address] += 1
        present = self._present[self._address]
        if present > CONNECTIONS_OF_ONE or self._present.total() > CONNECTIONS:
            loop.call_soon(self.force_close)
            return
        self._timer = loop.call_later(HEADERS_WITHIN, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nobody is waited for any more."""
        self.spoke()
        self.broke = exc is not None
        self._present[self._address] -= 1
        if self._present[self._address] <= 0:
            del self._present[self._address]
        super().connection_lost(exc)

    def spoke(self) -> None:
        """It did."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is answered, and no line of the agent's log."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is on its way")
        return refusal(Refused("this is no HTTP request that can be read", status))


def _broke(connection: object) -> bool:
    return isinstance(connection, Connection) and connection.broke
