"""The Local API over the real edge router: a receiver that comes and goes gets everything."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.local_api.callers import Callers
from agent.local_api.local_api import LocalApi
from agent.local_api.node_state import NodeState
from agent.local_api.tokens import Tokens
from routing.iomessage import ACK, MESSAGE, read_message_frame, read_receipt_frame
from tests.agent.local_api.raw_socket import Closed, RawSocket
from tests.agent.local_api.serving import M1, M2, MESSAGES, AddressedEngine, framed
from tests.agent.messages.running import known, route, running
from tests.agent.waiting import until_true
from tests.ports import free_port

COUNT = 600


@asynccontextmanager
async def node(folder: Path, port: int, *, durable: bool) -> AsyncIterator[None]:
    """With microservices a and b, and a route between them."""
    desired = known(route(durable=durable))
    async with running(folder, desired) as router:
        engine = AddressedEngine()
        engine.who = {M1: "a", M2: "b"}
        callers = Callers("node1", engine, time.monotonic)
        api = LocalApi("node1", engine, NodeState(router, callers, Tokens(b"s" * 32)), port=port)
        api.wish(desired)
        serving = asyncio.create_task(api.run())
        await until_true(lambda: len(api.addresses) == 2)
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.wait([serving])


async def opened(port: int, m: str) -> RawSocket:
    return await RawSocket.opened(port, MESSAGES + m, address={"a": M1, "b": M2}[m])


async def sends(port: int, count: int) -> None:
    """Until there is a receipt of each."""
    socket = await opened(port, "a")
    for number in range(count):
        await socket.send(framed(str(number).encode()))
    for _ in range(count):
        read_receipt_frame(await socket.binary(30))
    socket.break_off()


async def takes(port: int, wanted: int, chance: random.Random) -> tuple[list[int], set[int]]:
    """What came for the first time, in its order, and what was acknowledged; breaking off often."""
    first: list[int] = []
    acknowledged: set[int] = set()
    async with asyncio.timeout(100):
        while len(acknowledged) < wanted:
            socket = await opened(port, "b")
            try:
                for _ in range(chance.randint(0, 120)):
                    frame = await socket.binary(1.0)
                    assert frame[0] == MESSAGE
                    number = int(read_message_frame(frame).contentdata)
                    if number not in first:
                        first.append(number)
                    if chance.random() < 0.02:
                        break
                    await socket.send(bytes([ACK]))
                    acknowledged.add(number)
            except (Closed, TimeoutError):
                pass
            finally:
                socket.break_off()
    return first, acknowledged


@pytest.mark.parametrize("durable", [True, False])
async def test_a_receiver_that_comes_and_goes_gets_everything(
    tmp_path: Path, durable: bool
) -> None:
    port = free_port()
    async with node(tmp_path, port, durable=durable), asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(takes(port, COUNT, random.Random(7)))
        tasks.create_task(sends(port, COUNT))
        first, acknowledged = await taking
    assert sorted(first) == list(range(COUNT))
    assert first == sorted(first)
    assert acknowledged == set(range(COUNT))


async def test_what_was_not_acknowledged_outlives_the_agent(tmp_path: Path) -> None:
    port = free_port()
    async with node(tmp_path, port, durable=True):
        await sends(port, 10)
        socket = await opened(port, "b")
        for number in range(10):
            assert int(read_message_frame(await socket.binary()).contentdata) == number
        for _ in range(4):
            await socket.send(bytes([ACK]))
        await asyncio.sleep(0.3)
        socket.break_off()
        await asyncio.sleep(0)
    async with node(tmp_path, port, durable=True):
        socket = await opened(port, "b")
        left = [int(read_message_frame(await socket.binary()).contentdata) for _ in range(6)]
        assert left == list(range(4, 10))
        assert await socket.silent(0.3)
        socket.break_off()
