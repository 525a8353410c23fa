"""Proxied connections over a carrier in memory: bytes in are bytes out, and nothing is left."""

import asyncio
import os
import random
import tracemalloc

import pytest

from routing.proxy import multiplexer
from routing.proxy.frames import Data, End, Open, Reset, Why, encoded, packed
from routing.proxy.multiplexer import Multiplexer, TooMany
from routing.proxy.stream import Gone
from tests.routing.proxy_ends import NODE, ROUTER, ends


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass
    finally:
        writer.close()


async def until_none(*ends: Multiplexer) -> None:
    async with asyncio.timeout(10):
        while any(each.connections for each in ends):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)


async def sent_and_heard(port: int, content: bytes, seed: int = 0) -> bytes:
    chance = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        start = 0
        while start < len(content):
            size = chance.choice([1, 100, 10_000, 300_000])
            writer.write(content[start : start + size])
            await writer.drain()
            start += size
        writer.write_eof()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        heard = tasks.create_task(reader.read(-1))
    writer.close()
    return heard.result()


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
async def test_bytes_in_are_bytes_out(size: int) -> None:
    content = os.urandom(size)
    async with ends(echo) as (both, port):
        assert await sent_and_heard(port, content) == content
        await until_none(both.centre, both.edge)


async def test_three_hundred_connections_at_once() -> None:
    content = [os.urandom(50_000 + each) for each in range(300)]
    async with ends(echo) as (both, port):
        heard = await asyncio.gather(
            *(sent_and_heard(port, each, seed) for seed, each in enumerate(content))
        )
        assert heard == content
        await until_none(both.centre, both.edge)


async def test_one_way_may_end_long_before_the_other() -> None:
    async def answers_at_the_end(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        whole = await reader.read(-1)
        await asyncio.sleep(0.1)
        writer.write(b"%d bytes" % len(whole))
        writer.close()

    async with ends(answers_at_the_end) as (_, port):
        assert await sent_and_heard(port, b"x" * 12345) == b"12345 bytes"


async def test_a_slow_reader_holds_up_nobody_else_and_no_more_than_its_window() -> None:
    sent = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            if await reader.readexactly(1) == b"!":
                while True:
                    writer.write(bytes(65536))
                    await writer.drain()
                    sent += 65536
            writer.write(b"quick")
        except OSError:
            pass
        finally:
            writer.close()

    async with ends(floods) as (both, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"!")
        await asyncio.sleep(0.5)
        before = sent
        await asyncio.sleep(0.5)
        assert sent == before, "it goes on though nobody reads"
        # Kernels have buffers too, of both sockets, of a few MiB each.
        assert sent < 24 << 20
        assert await sent_and_heard(port, b"?") == b"quick"
        writer.transport.abort()
        await until_none(both.centre, both.edge)
        del reader


async def test_a_connection_that_nobody_takes_is_reset() -> None:
    async with ends(echo) as (both, port):
        both._port = 1
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(1), 5)
        writer.close()
        await until_none(both.centre, both.edge)


async def test_a_break_at_one_side_is_a_break_at_the_other() -> None:
    broken = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(-1)
        except ConnectionResetError:
            broken.set()
        writer.close()

    async with ends(waits) as (both, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        await asyncio.sleep(0.1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: closing is a reset
        writer.transport.abort()
        await asyncio.wait_for(broken.wait(), 5)
        await until_none(both.centre, both.edge)


async def test_a_packet_that_is_lost_resets_what_it_may_have_concerned() -> None:
    async with ends(echo) as (both, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        lost = both.packets + 1
        both.lose = lambda number: number == lost
        writer.write(b"two")
        await asyncio.sleep(0.1)
        writer.write(b"three")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(3), 5)
        await until_none(both.centre, both.edge)
        assert await sent_and_heard(port, b"again") == b"again"
        writer.close()


async def test_a_lost_link_ends_all_connections_and_new_ones_are_made() -> None:
    async with ends(echo) as (both, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        both.edge.lost("the broker is away")
        # The other end learns it by what it says next.
        writer.write(b"two")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(3), 5)
        await until_none(both.centre, both.edge)
        assert await sent_and_heard(port, b"again") == b"again"
        writer.close()


async def test_an_other_end_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiplexer, "TICK", 0.02)
    monkeypatch.setattr(multiplexer, "ASK_AFTER", 0.1)
    monkeypatch.setattr(multiplexer, "SILENCE", 0.4)
    async with ends(echo) as (both, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        await asyncio.sleep(0.8)  # it is asked, and answers
        assert both.centre.connections == 1
        both.cut = True
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(3), 5)
        await until_none(both.centre, both.edge)
        writer.close()


async def test_idle_and_total_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiplexer, "TICK", 0.02)
    async with ends(echo) as (both, _):
        idle = both.centre.open(NODE, "port", "client")
        idle.longest_idle = 0.2
        with pytest.raises(Gone) as gone:
            await idle.read()
        assert gone.value.why is Why.IDLE
        long = both.centre.open(NODE, "port", "client")
        long.longest, long.longest_idle = 0.4, 0.2

        async def talks() -> None:
            while True:
                await long.write(b"x")
                await asyncio.sleep(0.01)

        with pytest.raises(Gone) as gone:
            await talks()
        assert gone.value.why is Why.TOO_LONG
        await until_none(both.centre, both.edge)


async def test_a_node_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiplexer, "TICK", 0.02)
    monkeypatch.setattr(multiplexer, "OPEN_WITHIN", 0.1)
    async with ends(echo) as (both, _):
        both.cut = True
        stream = both.centre.open(NODE, "port", "client")
        with pytest.raises(Gone) as gone:
            await stream.read()
        assert gone.value.why is Why.SILENT


async def test_no_more_connections_than_may_be() -> None:
    centre = Multiplexer("r", most=2)
    centre.open(NODE, "p", "c")
    stream = centre.open(NODE, "p", "c")
    with pytest.raises(TooMany):
        centre.open(NODE, "p", "c")
    stream.reset(Why.BROKEN)
    centre.open(NODE, "p", "c")


async def test_nobody_opens_at_an_end_that_takes_none() -> None:
    centre = Multiplexer(ROUTER)
    centre.received(NODE, packed(NODE, b"12345678", 0, [encoded(Open(7, "p", "c"))]))
    assert centre.connections == 0


async def test_unreadable_packets_and_words_of_no_connection_do_no_harm() -> None:
    centre = Multiplexer(ROUTER)
    centre.received(NODE, b"")
    centre.received(NODE, os.urandom(100))
    words = [encoded(each) for each in (Data(5, b"x"), End(6), Reset(7, Why.IDLE))]
    centre.received(NODE, packed(NODE, b"12345678", 0, words))
    assert centre.connections == 0


async def test_who_sends_more_than_it_may_is_reset() -> None:
    centre = Multiplexer(ROUTER)
    stream = centre.open(NODE, "p", "c")
    said = [encoded(Data(stream.connection, bytes(60_000))) for _ in range(2)]
    centre.received(NODE, packed(NODE, b"12345678", 0, said))
    assert centre.connections == 0
    with pytest.raises(Gone):
        await stream.read()


async def test_a_hundred_megabytes_both_ways_take_no_memory() -> None:
    async with ends(echo) as (both, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        size, piece = 100 << 20, bytes(1 << 16)
        tracemalloc.start()

        async def send() -> None:
            for _ in range(size // len(piece)):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()

        async def hear() -> int:
            heard = 0
            while content := await reader.read(1 << 16):
                heard += len(content)
            return heard

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(send())
                heard = tasks.create_task(hear())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert heard.result() == size
        assert peak < 24 << 20
        writer.close()
        await until_none(both.centre, both.edge)
