"""A session of connections: each that somebody makes at the centre leads to a port here.

Opened by `streams.py`. How connections share a session, and how each has its own pace, is
routing/proxy/. The session ends when its reader leaves, or after so long; one connection that
fails ends nothing else.
"""

import asyncio
from contextlib import suppress

import msgspec
import structlog

from agent.contract import (
    Channel,
    ForwardRequest,
    NoFrame,
    Packets,
    SessionEnd,
    frame,
    packet_frames,
    unframed,
)
from agent.errors import AgentError, ControllerUnreachable
from agent.link.session_link import SessionLink
from agent.proxy.containers import Containers, NotThere
from routing.proxy.frames import Open, Why
from routing.proxy.multiplexer import Multiplexer
from routing.proxy.pump import BUFFERED, closed, pump
from routing.proxy.stream import Gone, Stream

log = structlog.get_logger()

MOST = 64
"""Connections of one session at a time."""
POOL = 8 << 20
"""Bytes that they may hold beyond what each has; see routing/proxy/flow.py."""
CONNECT_WITHIN = 5.0
"""Seconds."""
LOOPBACK = "127.0.0.1"
"""Where the device's own ports are."""
OPERATOR = "operator"
"""What the multiplexer calls the other end."""


async def hold(link: SessionLink, request: ForwardRequest, containers: Containers) -> None:
    """Carry connections until the reader leaves, or has to."""
    log.info("session-opened", session=request.request_id, ports=request.ports)
    forwards = _Forwards(link, request, containers)
    end = SessionEnd(reason="the agent stops")
    try:
        end = await forwards.run()
    finally:
        log.info("session-closed", session=request.request_id, reason=end.reason)
    with suppress(AgentError):  # nobody there to hear it
        await link.send(frame(Channel.EXIT, msgspec.json.encode(end)))


class _Forwards:
    def __init__(self, link: SessionLink, request: ForwardRequest, containers: Containers) -> None:
        self._link = link
        self._request = request
        self._containers = containers
        self._multiplexer = Multiplexer("device", self._accept, most=MOST, pool=POOL, asks=False)
        self._active = asyncio.get_running_loop().time()
        self._connections: asyncio.TaskGroup

    async def run(self) -> SessionEnd:
        """How it ended."""
        parts = [
            asyncio.ensure_future(part)
            for part in (self._carry(), self._inwards(), self._watch(), self._link.ping())
        ]
        carry, inwards, watch, _ = parts
        ways = (carry, inwards, watch)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in ways:
                if each.done():
                    return each.result() or SessionEnd(reason="ended")
        finally:
            for each in parts:
                each.cancel()
            await asyncio.wait(parts)
        raise AssertionError("one of them was done")

    async def _carry(self) -> SessionEnd:
        """The connections, and what is said of them."""
        reason = "ended"
        try:
            async with asyncio.TaskGroup() as self._connections:
                try:
                    await self._multiplexer.run(self._send)
                finally:
                    self._multiplexer.lost("the session ended")
        except* ControllerUnreachable:
            reason = "the session's link to the controller broke"
        return SessionEnd(reason=reason)

    async def _send(self, _: str, packet: bytes) -> None:
        self._active = asyncio.get_running_loop().time()
        for each in packet_frames(Channel.STDOUT, packet):
            await self._link.send(each)

    async def _inwards(self) -> SessionEnd:
        packets = Packets()
        while (said := await self._link.receive()) is not None:
            self._active = asyncio.get_running_loop().time()
            try:
                channel, content = unframed(said)
                packet = packets.add(content) if channel is Channel.STDIN else None
            except NoFrame as error:
                return SessionEnd(reason=f"what came for it makes no sense: {error}")
            if packet is not None:
                self._multiplexer.received(OPERATOR, packet)
        return SessionEnd(reason="left by its reader")

    async def _watch(self) -> SessionEnd:
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._request.longest
        while True:
            idle_ends = self._active + self._request.longest_idle
            now = loop.time()
            if now >= ends:
                return SessionEnd(reason=f"longer than {self._request.longest:.0f} s")
            if now >= idle_ends:
                return SessionEnd(reason=f"nothing said for {self._request.longest_idle:.0f} s")
            await asyncio.sleep(min(ends, idle_ends) - now)

    def _accept(self, stream: Stream, wanted: Open, _: str) -> None:
        # One that is silent among others that are not has the session's limit all the same.
        stream.longest_idle = self._request.longest_idle
        self._connections.create_task(self._connect(stream, wanted))

    async def _connect(self, stream: Stream, wanted: Open) -> None:
        try:
            port = int(wanted.port_id) if wanted.port_id.isdecimal() else 0
            if port not in self._request.ports:
                stream.reset(Why.UNKNOWN_PORT, "the session was not opened for that port")
                return
            reader, writer = await self._reached(port)
        except NotThere as error:
            stream.reset(Why.NOT_RUNNING, str(error))
            return
        except (OSError, TimeoutError) as error:
            stream.reset(Why.REFUSED, f"{self._whose()} port {port}: {_why(error)}")
            return
        stream.accept()
        broken = True
        try:
            await pump(stream, reader, writer)
            broken = False
        except (Gone, OSError) as error:
            log.debug("forwarded-connection-broke", port=port, error=str(error))
        finally:
            await closed(writer, at_once=broken)

    async def _reached(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to where the ports are. Errors: NotThere, OSError, TimeoutError."""
        microservice_id = self._request.microservice_id
        address = await self._containers.address(microservice_id) if microservice_id else LOOPBACK
        async with asyncio.timeout(CONNECT_WITHIN):
            return await asyncio.open_connection(address, port, limit=BUFFERED)

    def _whose(self) -> str:
        return "the container's" if self._request.microservice_id else "the device's"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not isinstance(error, ConnectionError):
        return f"no answer within {CONNECT_WITHIN:.0f} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
