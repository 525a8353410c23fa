"""Connections through an interior proxy, a real RabbitMQ and an edge proxy."""

import asyncio
import io
import os
import resource

import aiohttp
import pytest
from aiohttp import web

from agent.lifecycle.engine import EngineState
from ecn.api.router_documents import OpenPort
from routing.amqp_shapes import Access
from routing.proxy import multiplexer
from tests.broker_fixtures import Vhost
from tests.ecn.api.server import soon
from tests.ecn.router.proxied import Proxied, proxied
from tests.ports import free_port
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker


@pytest.fixture
def access(broker: Vhost) -> Access:
    return Access(url=broker.url, user=broker.user, password=broker.password)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(1 << 17):
            writer.write(content)
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass
    finally:
        writer.close()


async def sent_and_heard(both: Proxied, content: bytes) -> bytes:
    reader, writer = await both.connect()

    async def send() -> None:
        writer.write(content)
        await writer.drain()
        writer.write_eof()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        heard = tasks.create_task(reader.read(-1))
    writer.close()
    return heard.result()


async def broken(reader: asyncio.StreamReader, within: float = 10) -> bool:
    """Whether the connection breaks rather than ends."""
    try:
        async with asyncio.timeout(within):
            while await reader.read(1 << 16):
                pass
    except ConnectionError:
        return True
    return False


async def test_bytes_in_are_bytes_out_and_each_way_ends_by_itself(access: Access) -> None:
    async with proxied(access, echo) as both:
        for size in (0, 1, 3_000_000):
            content = os.urandom(size)
            assert await sent_and_heard(both, content) == content
        await both.quiet()


async def test_three_hundred_connections_at_once(access: Access) -> None:
    content = [os.urandom(20_000 + each) for each in range(300)]
    async with proxied(access, echo) as both:
        heard = await asyncio.gather(*(sent_and_heard(both, each) for each in content))
        assert heard == content
        await both.quiet()


async def test_a_hundred_megabytes_both_ways_with_flat_memory(access: Access) -> None:
    size, piece = 100 << 20, os.urandom(1 << 16)

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

    async with proxied(access, echo) as both:
        await sent_and_heard(both, bytes(8 << 20))
        before = peak()
        reader, writer = await both.connect()

        async def send() -> None:
            for _ in range(size // len(piece)):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()

        async def hear() -> int:
            heard = 0
            while content := await reader.read(1 << 18):
                heard += len(content)
            return heard

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            heard = tasks.create_task(hear())
        assert heard.result() == size
        # All of it is in this process: client, both proxies, server.
        assert peak() - before < 48
        writer.close()


async def test_a_slow_reader_holds_up_nobody_else(access: Access) -> None:
    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(1) == b"!":
                while True:
                    writer.write(bytes(65536))
                    await writer.drain()
            writer.write(b"quick")
        except OSError:
            pass
        finally:
            writer.close()

    async with proxied(access, floods) as both:
        _, writer = await both.connect()
        writer.write(b"!")
        await asyncio.sleep(1)
        async with asyncio.timeout(2):
            assert await sent_and_heard(both, b"?") == b"quick"
        writer.transport.abort()
        await both.quiet()


async def test_a_container_that_restarts_breaks_its_connections_and_takes_new_ones(
    access: Access,
) -> None:
    async with proxied(access, echo) as both:
        both.engine.state = EngineState.EXITED
        reader, _ = await both.connect()
        assert await broken(reader)
        both.engine.state = EngineState.RUNNING
        await asyncio.sleep(1.1)  # what was seen of containers is believed for a second
        assert await sent_and_heard(both, b"again") == b"again"


async def test_rules_hold_for_new_connections_and_for_those_that_are(access: Access) -> None:
    async with proxied(access, echo) as both:
        reader, writer = await both.connect()
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        both.wish(allow=["10.0.0.0/8"])
        assert await broken(reader)
        reader, _ = await both.connect()
        assert await broken(reader)
        assert both.gates.refused == 1
        both.wish(allow=["10.0.0.0/8", "127.0.0.0/8"])
        await asyncio.sleep(0.1)
        assert await sent_and_heard(both, b"x") == b"x"


async def test_limits_end_a_connection(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiplexer, "TICK", 0.05)
    async with proxied(access, echo) as both:
        both.wish(longest_idle=1, longest=3)
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        reader, writer = await both.connect()
        writer.write(b"x")
        assert await broken(reader)
        assert 0.9 < asyncio.get_running_loop().time() - began < 3


async def test_an_agent_that_stops_says_so(access: Access) -> None:
    async with proxied(access, echo) as both:
        reader, writer = await both.connect()
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        both.at_edge.cancel()
        assert await broken(reader, within=3)


async def test_ports_are_opened_and_closed_live_and_others_do_not_notice(access: Access) -> None:
    async with proxied(access, echo) as both:
        reader, writer = await both.connect()
        first, other = both.wished, free_port()
        taken = await asyncio.start_server(echo, "127.0.0.1", 0)
        number = taken.sockets[0].getsockname()[1]
        ports = [
            OpenPort(port_id=f"{each}", port=each, protocol="tcp", node_id="n", microservice="a/b")
            for each in (other, number)
        ]
        both.gates.wish([first, *ports])
        await soon(lambda: bool(both.gates.closed))
        assert both.gates.listening == sorted([first.port, other])
        assert both.gates.closed[0].port == number
        assert "another program" in both.gates.closed[0].reason
        both.gates.wish([first])
        await soon(lambda: both.gates.listening == [first.port])
        writer.write(b"still")
        assert await reader.readexactly(5) == b"still"
        taken.close()
        writer.close()


async def test_a_broker_that_dies_breaks_all_and_comes_back(own_broker: PrivateBroker) -> None:
    own_broker.make_vhost("ecn")
    access = Access(url=own_broker.url("ecn"), user=ADMIN, password=PASSWORD)
    async with proxied(access, echo) as both:
        reader, writer = await both.connect()
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        await asyncio.to_thread(own_broker.kill9)
        assert await broken(reader)
        reader, _ = await both.connect()
        assert await broken(reader)
        await asyncio.to_thread(own_broker.start)
        await both.up(60)
        assert await sent_and_heard(both, b"again") == b"again"


# --- http -------------------------------------------------------------------------------------


async def _web(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/who":
            return web.json_response(dict(request.headers))
        case "/count":
            count = sum([len(each) async for each in request.content.iter_any()])
            return web.Response(text=str(count))
        case "/ticks":
            answer = web.StreamResponse()
            await answer.prepare(request)
            for number in range(3):
                await answer.write(b"%d\n" % number)
                await asyncio.sleep(0.1)
            return answer
        case "/socket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(message.data.upper())
            return socket
        case _:
            return web.Response(status=404)


def http_server() -> web.Server:
    return web.Server(_web)  # type: ignore[arg-type]


async def serving(both: Proxied) -> web.ServerRunner:
    runner = web.ServerRunner(http_server())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    both.inner = runner.addresses[0][1]
    both.wish()
    return runner


async def test_http_with_its_sender_streams_and_sockets(access: Access) -> None:
    async with proxied(access, echo, "http") as both, aiohttp.ClientSession() as session:
        runner = await serving(both)
        url = f"http://127.0.0.1:{both.port}"
        async with session.get(f"{url}/who", headers={"X-Forwarded-For": "10.1.1.1"}) as answer:
            seen = await answer.json()
            assert seen["X-Forwarded-For"] == "10.1.1.1, 127.0.0.1"
            assert seen["X-Forwarded-Proto"] == "http"
            assert seen["Host"] == f"127.0.0.1:{both.port}"
        async with session.post(f"{url}/count", data=io.BytesIO(bytes(3_000_000))) as answer:
            assert await answer.text() == "3000000"

        async def pieces() -> object:
            for _ in range(10):
                yield bytes(1000)

        async with session.post(f"{url}/count", data=pieces()) as answer:
            assert await answer.text() == "10000"
        async with session.get(f"{url}/ticks") as answer:
            first = await answer.content.readline()
            assert first == b"0\n"
            assert await answer.read() == b"1\n2\n"
        async with session.ws_connect(f"{url}/socket") as socket:
            for each in ("a", "b" * 100_000):
                await socket.send_str(each)
                assert await socket.receive_str() == each.upper()
        await runner.cleanup()


async def test_http_says_why_there_is_no_answer(access: Access) -> None:
    async with proxied(access, echo, "http") as both, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{both.port}"
        both.engine.state = EngineState.EXITED
        async with session.get(url) as answer:
            assert answer.status == 503
            assert "shop/web" in (text := await answer.text())
            assert "does not run" in text
        both.engine.state = EngineState.RUNNING
        both.inner = free_port()
        both.wish()
        await asyncio.sleep(1.1)
        async with session.post(url, data=io.BytesIO(bytes(1_000_000))) as answer:
            assert answer.status == 502
            assert "nothing listens" in await answer.text()
        reader, writer = await both.connect()
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.read(-1)).startswith(b"HTTP/1.1 400 ")
        writer.close()
        both.link.wish("router-1", None, frozenset())
        await soon(lambda: both.link.multiplexer is None)
        async with session.get(url) as answer:
            assert answer.status == 503
            assert "no interior router" in await answer.text()
