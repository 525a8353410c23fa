"""Connections of a session, at the agent's end: to real servers, with an engine in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from aiohttp import WSMsgType, web
from msgspec import json
from msgspec.structs import replace

from agent.contract import (
    Channel,
    ForwardRequest,
    Packets,
    SessionEnd,
    frame,
    packet_frames,
    unframed,
)
from agent.link import streams as module
from agent.proxy import containers
from routing.proxy import multiplexer
from routing.proxy.frames import Why
from routing.proxy.multiplexer import Multiplexer
from routing.proxy.stream import Gone, Stream
from tests.agent.builders import new_container, spec
from tests.agent.test_sessions import IMAGE, Device, device
from tests.agent.waiting import until_true

__all__ = ["device"]

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what it hears; ends when the other has."""
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def listening(serve: Serve = echo) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Operator:
    """The other end: whoever makes connections at the centre."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.multiplexer = Multiplexer("operator", asks=False)
        self.end: SessionEnd | None = None
        self._socket = socket
        self._tasks = [asyncio.ensure_future(each) for each in (self._receive(), self._send_all())]

    def open(self, port: int) -> Stream:
        return self.multiplexer.open("device", str(port), "127.0.0.1:1")

    async def leave(self) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.wait(self._tasks)

    async def _send_all(self) -> None:
        await self.multiplexer.run(self._send)

    async def _send(self, _: str, packet: bytes) -> None:
        for each in packet_frames(Channel.STDIN, packet):
            await self._socket.send_bytes(each)

    async def _receive(self) -> None:
        packets = Packets()
        while (message := await self._socket.receive()).type is WSMsgType.BINARY:
            channel, content = unframed(message.data)
            if channel is Channel.EXIT:
                self.end = json.decode(content, type=SessionEnd)
                return
            if (packet := packets.add(content)) is not None:
                self.multiplexer.received("device", packet)


def wanted(*ports: int, **more: object) -> ForwardRequest:
    about = {"request_id": "r", "microservice_id": "", "ports": list(ports)}
    return ForwardRequest(**{**about, **more})  # type: ignore[arg-type]


@asynccontextmanager
async def operating(device: Device, request: ForwardRequest) -> AsyncIterator[Operator]:
    device.asked(request)
    await device.entered(request.request_id)
    operator = Operator(device.centre.sockets[request.request_id])
    try:
        yield operator
    finally:
        await operator.leave()


async def all_of(stream: Stream) -> bytes:
    got = b""
    while piece := await stream.read():
        got += piece
        stream.taken(len(piece))
    return got


async def refusal(stream: Stream) -> tuple[Why, str]:
    with pytest.raises(Gone) as info:
        await stream.read()
    return info.value.why, str(info.value)


async def test_bytes_go_both_ways_and_each_way_has_its_end(device: Device) -> None:
    async with listening() as port, operating(device, wanted(port)) as operator:
        stream, content = operator.open(port), bytes(range(256)) * 4000
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(all_of(stream))
            await stream.write(content)
            stream.end()
        assert reading.result() == content
        assert operator.multiplexer.connections == 0


async def test_many_share_a_session(device: Device) -> None:
    async with listening() as port, operating(device, wanted(port)) as operator:

        async def talk(number: int) -> None:
            stream = operator.open(port)
            await stream.write(str(number).encode())
            stream.end()
            assert await all_of(stream) == str(number).encode()

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for number in range(60):
                tasks.create_task(talk(number))


async def test_only_the_ports_that_were_asked_for_are_reached(device: Device) -> None:
    async with listening() as port, listening() as other, operating(device, wanted(port)) as op:
        why, text = await refusal(op.open(other))
        assert (why, "not opened for that port" in text) == (Why.UNKNOWN_PORT, True)


async def test_a_port_without_a_listener_says_so(device: Device) -> None:
    async with listening() as port:
        pass
    async with operating(device, wanted(port)) as operator:
        why, text = await refusal(operator.open(port))
        assert (why, text) == (
            Why.REFUSED,
            f"the device's port {port}: connection refused: nothing listens there",
        )


async def test_a_container_is_looked_for_where_it_is_now_and_said_to_be_gone(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = device.engine
    on_host = replace(spec(IMAGE), host_network=True)
    container = await engine.create(new_container("node1", "m2", of=on_host))
    await engine.start(container)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(listening())
        about = wanted(port, microservice_id="m2")
        operator = await stack.enter_async_context(operating(device, about))
        stream = operator.open(port)
        stream.end()
        assert await all_of(stream) == b""
        # What listens at its address now is somebody else's.
        monkeypatch.setattr(containers, "BELIEVED", 0.0)
        await engine.stop(container, 0)
        why, text = await refusal(operator.open(port))
        assert (why, "does not run" in text) == (Why.NOT_RUNNING, True)
        engine.down = True
        why, text = await refusal(operator.open(port))
        assert (why, "engine" in text.lower()) == (Why.NOT_RUNNING, True), text
        engine.down = False


async def test_who_leaves_takes_the_connections_along(device: Device) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        ended.set()

    async with listening(serve) as port, operating(device, wanted(port)) as operator:
        stream = operator.open(port)
        await stream.write(b"x")
        await until_true(lambda: stream.opened, 5)
        await device.centre.sockets["r"].close()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_silence_and_length_have_their_limits(device: Device) -> None:
    for number, more in enumerate(({"longest_idle": 0.3}, {"longest": 0.3})):
        about = wanted(1, request_id=f"r{number}", **more)
        async with operating(device, about) as operator:
            await until_true(lambda: operator.end is not None, 5)
            assert operator.end is not None
            assert ("nothing said" in operator.end.reason) == (number == 0), operator.end


async def test_what_makes_no_sense_ends_it(device: Device) -> None:
    async with operating(device, wanted(1)) as operator:
        await device.centre.sockets["r"].send_bytes(frame(Channel.STDIN, b"\7"))
        await until_true(lambda: operator.end is not None, 5)
        assert operator.end is not None
        assert "makes no sense" in operator.end.reason


async def test_a_node_has_room_for_so_many_and_an_agent_apart_from_its_device_for_none(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORWARDS_AT_ONCE", 1)
    async with operating(device, wanted(1)), operating(device, wanted(1, request_id="s")) as more:
        await until_true(lambda: more.end is not None, 5)
        assert more.end is not None
        assert "are open on this node" in more.end.reason


async def test_a_connection_outlives_a_silence_that_its_links_have_no_part_in(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASK_AFTER", "SILENCE", "TICK"):
        monkeypatch.setattr(multiplexer, name, 0.05)
    async with listening() as port, operating(device, wanted(port)) as operator:
        stream = operator.open(port)
        await until_true(lambda: stream.opened, 5)
        await asyncio.sleep(0.5)
        await stream.write(b"still there")
        stream.end()
        assert await all_of(stream) == b"still there"
