"""Metrics of an interior proxy: counted where connections go through, all of it documented."""

import asyncio

import pytest

from ecn.router.metrics import RouterLook
from routing.amqp_shapes import Access
from routing.metrics.page import page
from tests.broker_fixtures import Vhost
from tests.ecn.router.proxied import proxied
from tests.metrics_page import documented, own_names, samples


@pytest.fixture
def access(broker: Vhost) -> Access:
    return Access(url=broker.url, user=broker.user, password=broker.password)


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says twice what it heard, once it heard all."""
    writer.write(2 * await reader.read(-1))
    writer.close()


async def test_connections_are_counted_with_their_bytes_and_how_long_they_took_to_open(
    access: Access,
) -> None:
    async with proxied(access, shout) as both:
        for _ in range(3):
            reader, writer = await both.connect()
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read(-1) == b"hellohello"
            writer.close()
        await both.quiet()
        both.wish(allow=["192.0.2.0/24"])
        await asyncio.sleep(0.2)
        reader, writer = await both.connect()
        with pytest.raises(ConnectionError):
            await reader.read(-1)
        writer.close()
        found = samples(page(await RouterLook(both.link, both.gates)())[0].decode())
        port = str(both.port)
        for name, labels, value in (
            ("up", (), 1),
            ("connections", (), 0),
            ("ports", (("state", "listening"),), 1),
            ("ports", (("state", "closed"),), 0),
            ("connections_ended_total", (("port", port),), 3),
            ("connections_refused_total", (("port", port),), 1),
            ("bytes_total", (("direction", "in"), ("port", port)), 15),
            ("bytes_total", (("direction", "out"), ("port", port)), 30),
            ("open_seconds_count", (), 3),
        ):
            assert found[f"ecn_router_{name}", labels] == value, name
        assert own_names(found) == documented("Interior proxy")
