"""What every bus between controllers promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from msgspec import Raw

from agent.contract import ExecRequest, LogRequest, encoded_request, known_requests
from ecn.postgres_request_bus import PostgresRequestBus
from ecn.request_bus import LARGEST, MemoryBus, Passed, RequestBus
from events.background import beside
from events.ids import NodeId
from events.postgres_pool import PostgresPool
from tests.ecn.api.server import soon

A, EAST = "http://a:1", NodeId("east")
ASKED = LogRequest(request_id="r1", microservice_id="m1", tail=5)


class Ear:
    """Hears what one controller is told."""

    def __init__(self, bus: RequestBus) -> None:
        self.bus = bus
        self.heard: list[Passed] = []
        bus.heard = self.heard.append


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def pool(request: pytest.FixtureRequest) -> PostgresPool | None:
    if request.param == "memory":
        return None
    postgres_pool: PostgresPool = request.getfixturevalue("postgres_pool")
    return postgres_pool


@pytest.fixture
async def three(pool: PostgresPool | None) -> AsyncIterator[tuple[Ear, Ear, Ear]]:
    urls = (A, "http://b:1", "http://c:1")
    if pool is None:
        members: list[MemoryBus] = []
        one, two, three = (Ear(MemoryBus(url, members)) for url in urls)
        yield one, two, three
        return
    buses = [PostgresRequestBus(pool, url) for url in urls]
    async with AsyncExitStack() as stack:
        for bus in buses:
            await stack.enter_async_context(beside(bus.run()))
        one, two, three = (Ear(bus) for bus in buses)
        async with asyncio.timeout(10):
            # Until all listen: what is told before is lost, as it may be.
            while not (one.heard and two.heard and three.heard):
                for bus in buses:
                    bus.tell(NodeId("hello"), Raw(b"{}"))
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        for ear in (one, two, three):
            ear.heard.clear()
        yield one, two, three


async def test_all_others_hear_it_and_who_says_it_does_not(three: tuple[Ear, Ear, Ear]) -> None:
    one, two, other = three
    one.bus.tell(EAST, encoded_request(ASKED))
    await soon(lambda: bool(two.heard and other.heard))
    (passed,) = two.heard
    assert (passed.url, passed.node_id) == (A, EAST)
    assert known_requests([passed.request]) == [ASKED]
    assert one.heard == []


async def test_the_longest_command_that_may_be_asked_for_arrives(
    three: tuple[Ear, Ear, Ear],
) -> None:
    one, two, _ = three
    request = ExecRequest(
        request_id="r" * 32, microservice_id="m" * 32, command=["sh", "-c", "x" * 5990]
    )
    one.bus.tell(EAST, encoded_request(request))
    await soon(lambda: bool(two.heard))
    assert known_requests([two.heard[0].request]) == [request]


async def test_what_is_too_large_disturbs_nobody(three: tuple[Ear, Ear, Ear]) -> None:
    one, two, _ = three
    one.bus.tell(EAST, Raw(b'"' + b"x" * LARGEST + b'"'))
    one.bus.tell(EAST, encoded_request(ASKED))
    await soon(lambda: any(known_requests([each.request]) for each in two.heard))
