"""The control socket: whoever has something new to read hears of it, as long as it has not."""

import pytest

from agent.contract import EdgeResource
from agent.local_api import control_socket
from agent.local_api.unacknowledged import TIMES
from tests.agent.local_api.serving import CONTROL, serving

NEW_CONFIG, NEW_RESOURCES, ACKNOWLEDGED = b"\x0c", b"\x0f", b"\x0b"
CAMERA = EdgeResource(edge_resource_id="er1", name="camera", version="1.0")


async def test_who_has_read_its_configuration_hears_of_the_next() -> None:
    async with serving() as it:
        await it.ask("/v2/config/get", {"id": "m1"})
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.silent(0.2)
        it.configured("m1", '{"rate": 2}')
        assert await socket.binary() == NEW_CONFIG
        await socket.send(ACKNOWLEDGED)
        it.configured("m2", '{"rate": 2}')  # another one's is no news
        assert await socket.silent(0.2)


async def test_who_has_read_none_since_the_agent_began_hears_of_it_at_once() -> None:
    async with serving() as it:
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.binary() == NEW_CONFIG


async def test_what_came_while_nobody_was_there_is_said_at_the_next_connection() -> None:
    async with serving() as it:
        await it.ask("/v2/config/get", {"id": "m1"})
        socket = await it.socket("m1", of=CONTROL)
        socket.break_off()
        it.configured("m1", '{"rate": 2}')
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.binary() == NEW_CONFIG
        socket.break_off()  # unacknowledged
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.binary() == NEW_CONFIG
        await socket.send(ACKNOWLEDGED)
        assert await socket.silent(0.1)
        socket.break_off()
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.silent(0.2)


async def test_edge_resources_have_a_signal_of_their_own() -> None:
    async with serving() as it:
        await it.ask("/v2/config/get", {"id": "m1"})
        socket = await it.socket("m1", of=CONTROL)
        it.wish(edge_resources=[CAMERA])
        assert await socket.binary() == NEW_RESOURCES
        await socket.send(ACKNOWLEDGED)
        assert await socket.silent(0.1)
        it.wish(edge_resources=[])
        assert await socket.binary() == NEW_RESOURCES
        await it.ask("/v2/edgeResources", method="GET")
        socket.break_off()
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.silent(0.2)


async def test_a_signal_is_said_again_some_times_and_the_socket_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control_socket, "AGAIN_AFTER", 0.05)
    async with serving() as it:
        it.wish(edge_resources=[CAMERA])
        await it.ask("/v2/config/get", {"id": "m1"})
        socket = await it.socket("m1", of=CONTROL)
        for _ in range(TIMES):
            assert await socket.binary() == NEW_RESOURCES
        assert await socket.silent(0.3)
        it.configured("m1", '{"rate": 2}')
        assert await socket.binary() == NEW_CONFIG


async def test_who_reads_it_unasked_hears_no_more_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_socket, "AGAIN_AFTER", 0.1)
    async with serving() as it:
        socket = await it.socket("m1", of=CONTROL)
        assert await socket.binary() == NEW_CONFIG
        await it.ask("/v2/config/get", {"id": "m1"})
        assert await socket.silent(0.4)
