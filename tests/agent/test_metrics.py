"""Metrics of an agent: all that is documented is told, of a real edge router and a real process."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from agent.errors import EngineUnavailable
from agent.messages.router import EdgeRouter
from agent.metrics import AgentLook, Readings
from routing.message import Message
from routing.metrics.page import page
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import new_container, spec
from tests.agent.controller_stub import ControllerStub
from tests.agent.fake_engine import FakeEngine
from tests.agent.messages.running import known, route, running
from tests.agent.waiting import until_true
from tests.metrics_page import Samples, documented, own_names, samples
from tests.ports import free_ports

IMAGE = "ecn-test/busybox:1"
DESIRED = known(route("ab"), route("up", destination=""), here=("a", "b"))
READINGS = Readings(
    version="1.2.3",
    controller_problem=lambda: "",
    interior_problem=lambda: "it is away",
    local_api_connections=lambda: 3,
    proxied_connections=lambda: 2,
)


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[EdgeRouter]:
    async with running(tmp_path, DESIRED) as made:
        yield made


async def told(router: EdgeRouter, engine: FakeEngine) -> Samples:
    look = AgentLook("node1", engine, router, READINGS)
    look.wish(DESIRED)
    return samples(page(await look())[0].decode())


async def test_all_that_is_documented_is_told_and_all_that_is_told_documented(
    router: EdgeRouter,
) -> None:
    await router.publish("a", Message(body=b"x"))
    router.measures().drop("ab", "expired")
    assert own_names(await told(router, FakeEngine())) == documented("Agent")


async def test_numbers_are_those_of_the_routes(router: EdgeRouter) -> None:
    for number in range(3):
        await router.publish("a", Message(body=bytes(1000), properties={"n": str(number)}))
    taken = await router.inbox("b").next(2, 1.0)
    await router.inbox("b").done(taken)
    found = await told(router, FakeEngine())
    ab = (("application", "app"), ("route", "ab"))
    up = (("application", "app"), ("route", "up"))
    for name, labels, value in (
        ("messages_published_total", (), 3),
        ("messages_waiting", (), 1 + 3),
        ("message_acceptance_seconds_count", (), 3),
        ("route_accepted_total", ab, 3),
        ("route_delivered_total", ab, len(taken)),
        ("route_latency_seconds_count", ab, len(taken)),
        ("route_stored_messages", ab, 3 - len(taken)),
        ("route_stored_messages", up, 3),
        ("route_up", up, 0),
        ("interior_router_up", (), 0),
        ("controller_up", (), 1),
        ("local_api_connections", (), 3),
        ("proxied_connections", (), 2),
    ):
        assert found[f"ecn_agent_{name}", labels] == value, name
    assert found["ecn_agent_store_bytes", ()] > 3000
    assert found["ecn_agent_store_limit_bytes", ()] == 1024 << 20


async def test_containers_are_told_by_state_as_long_as_the_engine_answers(
    router: EdgeRouter,
) -> None:
    engine = FakeEngine(images={IMAGE})
    for name in ("m1", "m2"):
        container = await engine.create(new_container("node1", name, of=spec(IMAGE)))
    await engine.start(container)
    found = await told(router, engine)
    assert found["ecn_agent_containers", (("state", "running"),)] == 1
    assert found["ecn_agent_containers", (("state", "created"),)] == 1
    assert found["ecn_agent_containers", (("state", "exited"),)] == 0
    engine.failing["containers"] = EngineUnavailable("it is away")
    found = await told(router, engine)
    assert found["ecn_agent_engine_up", ()] == 0
    assert not any(name == "ecn_agent_containers" for name, _ in found)


async def test_an_agent_serves_them_where_it_is_told_to(tmp_path: Path) -> None:
    port, local_api = free_ports(2)
    async with ControllerStub().serving() as url, aiohttp.ClientSession() as client:
        agent = AgentProcess(
            tmp_path / "agent",
            url,
            "node1",
            f"unix://{tmp_path}/no-engine.sock",
            environment={
                "ECN_AGENT_METRICS": f"127.0.0.1:{port}",
                "ECN_AGENT_LOCAL_API_PORT": str(local_api),
            },
        )
        try:
            agent.start()
            await until_true(lambda: "metrics-served" in agent.said(), 20)
            async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
                found = samples(await answer.text())
            # Of routes, drops and containers there are none to tell of.
            silent = ("ecn_agent_route", "ecn_agent_containers", "ecn_agent_messages_dropped")
            expected = {name for name in documented("Agent") if not name.startswith(silent)}
            assert own_names(found) == expected
            assert found["ecn_agent_engine_up", ()] == 0
            agent.stop()
        finally:
            agent.end()


def test_an_agent_that_serves_none_carries_none_of_it() -> None:
    look = "import sys, agent.run; print([m for m in sys.modules if m.startswith('prometheus')])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
