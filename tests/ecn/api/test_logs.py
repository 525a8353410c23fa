"""Container logs: from the device that posts them to the operator who reads, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from agent.contract import LogRequest
from events.ids import NodeId
from tests.ecn.api.server import BASE, Agent, Client, Controller, Network, manifest, soon


@pytest.fixture
async def east(controller: Controller) -> Agent:
    """With shop/web."""
    agent = await controller.agent("east")
    web = {"microservices": [manifest("web")]}
    (await controller.operator.put("/applications/shop", web)).is_good(201)
    agent.known = await agent.revision()
    return agent


@asynccontextmanager
async def reading(client: Client, **query: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """The log of shop/web. Enters when the answer begins."""
    url = f"{client.url}{BASE}/microservices/shop/web/logs"
    async with client.session.get(url, headers=client.headers(), params=query) as response:
        yield response


async def read(client: Client, **query: str) -> tuple[int, bytes]:
    async with reading(client, **query) as response:
        return response.status, await response.read()


async def asked(agent: Agent) -> dict[str, object]:
    """The log request that the agent's long-poll brings."""
    (request,) = await all_asked(agent)
    return request


async def all_asked(agent: Agent) -> list[dict[str, object]]:
    # The revision that the agent has: to ask for it would bring the log requests already.
    return (await agent.desired(agent.known, wait=5)).items("stream_requests")


async def send(agent: Agent, request_id: object, body: object) -> int:
    url = f"{agent.client.url}{BASE}/agent/streams/{request_id}"
    session, headers = agent.client.session, agent.client.headers()
    async with session.post(url, data=body, headers=headers) as response:
        return response.status


async def test_the_operator_reads_what_the_agent_sends(east: Agent, viewer: Client) -> None:
    reader = asyncio.create_task(
        read(viewer, tail="5", follow="true", since="2026-03-01T12:00:00+00:00")
    )
    poll = await east.desired(east.known, wait=5)
    # The revision stays: a wish to read is no change of what should be.
    assert (poll["revision"], poll.items("changed")) == (east.known, [])
    (request,) = poll.items("stream_requests")
    assert (request["tail"], request["follow"]) == (5, True)
    assert request["since"] == "2026-03-01T12:00:00Z"
    assert await send(east, request["request_id"], b"one\ntwo\n") == 204
    assert await reader == (200, b"one\ntwo\n")


async def test_a_log_request_is_told_once(east: Agent, viewer: Client) -> None:
    reader = asyncio.create_task(read(viewer))
    request = await asked(east)
    assert (await east.desired(east.known)).status == 304
    assert await send(east, request["request_id"], b"") == 204
    assert await reader == (200, b"")
    assert await send(east, request["request_id"], b"late") == 404


async def test_lines_arrive_while_the_stream_is_open(east: Agent, viewer: Client) -> None:
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while (line := await lines.get()) is not None:
            yield line

    async def sent() -> int:
        return await send(east, (await asked(east))["request_id"], body())

    sending = asyncio.create_task(sent())
    await lines.put(b"first\n")
    async with reading(viewer, follow="true") as response:
        assert response.content_type == "text/plain"
        assert await response.content.readline() == b"first\n"
        await lines.put(b"second\n")
        assert await response.content.readline() == b"second\n"
        await lines.put(None)
        assert await response.content.read() == b""
    assert await sending == 204


async def test_a_slow_reader_slows_the_sender_and_gets_everything(
    east: Agent, viewer: Client
) -> None:
    chunk, count = b"x" * 65535 + b"\n", 400
    passed = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal passed
        for _ in range(count):
            yield chunk
            passed += 1

    async def sent() -> int:
        return await send(east, (await asked(east))["request_id"], body())

    sending = asyncio.create_task(sent())
    async with reading(viewer) as response:
        await asyncio.sleep(0.3)
        before = passed
        await asyncio.sleep(0.1)
        assert passed == before < count
        assert len(await response.read()) == count * len(chunk)
    assert await sending == 204


async def test_a_sender_that_ends_before_a_slow_reader_is_not_kept_and_loses_nothing(
    controller: Controller, east: Agent, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.streams.PATIENCE", 0.3)
    opened = controller.streams.open
    chunks = [b"%d\n" % number for number in range(16)]

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    node_id = NodeId(east.node_id)
    request = LogRequest(request_id="r", microservice_id="m")
    async with opened(node_id, request) as stream:
        controller.streams.accept(node_id, "r")
        await stream.take(body())
        await asyncio.sleep(0.5)
        assert [chunk async for chunk in stream.chunks()] == chunks


async def test_a_reader_that_leaves_ends_the_sender(east: Agent, viewer: Client) -> None:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"on and on\n"
            await asyncio.sleep(0.001)

    async def sent() -> int:
        return await send(east, (await asked(east))["request_id"], body())

    sending = asyncio.create_task(sent())
    async with reading(viewer, follow="true") as response:
        assert await response.content.readline() == b"on and on\n"
        response.close()
    # Or the controller closes while the agent is still writing.
    with suppress(aiohttp.ClientConnectionError):
        assert await asyncio.wait_for(sending, 5) == 204


async def test_a_reader_that_leaves_ends_also_a_sender_that_has_nothing_to_say(
    east: Agent, viewer: Client
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"the only line\n"
        await asyncio.Event().wait()

    async def sent() -> int:
        return await send(east, (await asked(east))["request_id"], body())

    sending = asyncio.create_task(sent())
    async with reading(viewer, follow="true") as response:
        assert await response.content.readline() == b"the only line\n"
        response.close()
    assert await asyncio.wait_for(sending, 5) == 204


async def test_a_log_is_not_read_on_with_a_token_that_was_revoked(
    controller: Controller, east: Agent, viewer: Client
) -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield await lines.get()

    async def sent() -> int:
        return await send(east, (await asked(east))["request_id"], body())

    sending = asyncio.create_task(sent())
    await lines.put(b"first\n")
    async with reading(viewer, follow="true") as response:
        assert await response.content.readline() == b"first\n"
        (await controller.admin.delete("/users/vera")).is_good()
        await lines.put(b"second\n")
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(response.content.readline(), 5)
    assert await asyncio.wait_for(sending, 5) == 204


async def test_an_agent_that_does_not_answer_is_told_as_such(
    controller: Controller, east: Agent, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.streams.PATIENCE", 0.1)
    refused = await viewer.get("/microservices/shop/web/logs")
    refused.is_problem(504, "node-unreachable")
    # Nobody waits for it any more: the agent is not told.
    assert (await east.desired(east.known)).status == 304


async def test_an_agent_opens_only_streams_of_its_own(
    controller: Controller, east: Agent, viewer: Client
) -> None:
    west = await controller.agent("west")
    reader = asyncio.create_task(read(viewer))
    request = await asked(east)
    assert await send(west, request["request_id"], b"forged") == 404
    assert await send(east, request["request_id"], b"true") == 204
    assert await reader == (200, b"true")


async def test_the_logs_of_a_node_are_read_by_a_bounded_number(
    controller: Controller, east: Agent, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.streams.MOST_PER_NODE", 3)
    readers = [asyncio.create_task(read(viewer)) for _ in range(3)]
    await soon(lambda: len(controller.streams._streams) == 3)
    refused = await viewer.get("/microservices/shop/web/logs")
    refused.is_problem(429, "too-many")
    assert int(refused.headers["Retry-After"]) >= 1
    for request in await all_asked(east):
        await send(east, request["request_id"], b"x")
    assert await asyncio.gather(*readers) == [(200, b"x")] * 3
    await soon(lambda: controller.streams._streams == {})


async def test_that_a_log_was_read_is_kept_and_nothing_of_what_it_says(
    network: Network, controller: Controller, east: Agent, viewer: Client
) -> None:
    position = (await network.log.head()).position
    reader = asyncio.create_task(read(viewer))
    await send(east, (await asked(east))["request_id"], b"telemetry")
    await reader
    await soon(lambda: controller.world_position == position + 2)
    told = await network.log.read(position)
    assert [each.type for each in told] == ["session.opened.v1", "session.closed.v1"]
    assert {each.actor for each in told} == {"user/vera"}
    assert not any(b"telemetry" in each.data for each in told)
