"""Telemetry: parts put together are the whole, and each has just what is different."""

import asyncio

import msgspec

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.dashboard.documents import TelemetryPart
from ecn.dashboard.telemetry_parts import Pulse
from ecn.route_traffic import RouteTraffic
from events.ids import NodeId
from tests.ecn.api.server import Agent, Client, Controller, Network, manifest, soon
from tests.ecn.dashboard.following import streaming

MIB = 1 << 20


def pulse(controller: Controller) -> Pulse:
    clock = controller.network.clock.now
    return Pulse(controller.live, controller.telemetry, controller.presence, None, clock)


def says(controller: Controller, agent: Agent, **more: object) -> None:
    said = AgentStatus(at=controller.network.clock.now())
    controller.telemetry.said(NodeId(agent.node_id), msgspec.structs.replace(said, **more))


async def test_a_part_has_what_is_different_and_no_more(controller: Controller) -> None:
    agent, other = await controller.agent("east"), await controller.agent("west")
    parts = pulse(controller)
    says(controller, agent, system_total_cpu=12.2, system_available_memory=700 * MIB)
    says(controller, other, system_total_cpu=50.0)
    first = await parts.beat()
    assert set(first.nodes) == {agent.node_id, other.node_id}
    assert first.nodes[agent.node_id].cpu_percent == 12
    assert first.nodes[agent.node_id].memory_available_mib == 700
    assert first.interior_router is not None
    assert await parts.beat() == TelemetryPart()
    says(controller, agent, system_total_cpu=80.0, system_available_memory=700 * MIB)
    assert set((await parts.beat()).nodes) == {agent.node_id}
    whole = parts.whole()
    assert whole.nodes[agent.node_id].cpu_percent == 80
    assert whole.nodes[other.node_id].cpu_percent == 50


async def test_noise_is_no_news_but_being_heard_is_after_a_while(controller: Controller) -> None:
    agent = await controller.agent("east")
    parts = pulse(controller)
    says(controller, agent, system_total_cpu=12.2, system_available_disk=123_456 * MIB)
    await parts.beat()
    controller.network.clock.advance(5)
    says(controller, agent, system_total_cpu=11.9, system_available_disk=123_399 * MIB)
    assert await parts.beat() == TelemetryPart()
    controller.network.clock.advance(20)
    await agent.desired()
    (usage,) = (await parts.beat()).nodes.values()
    assert usage.at == controller.network.clock.now()


async def test_pulls_and_containers_are_told_while_there_is_something_to_tell(
    controller: Controller,
) -> None:
    agent = await controller.agent("east")
    await controller.operator.put("/applications/shop", {"microservices": [manifest()]})
    web = (await controller.operator.get("/microservices/shop/web")).text("id")
    parts = pulse(controller)
    says(
        controller,
        agent,
        containers={
            web: ContainerUsage(cpu_usage=3.14159, memory_usage=64.2 * MIB, percentage=40.0),
            "of-nobody": ContainerUsage(cpu_usage=1.0),
        },
    )
    told = (await parts.beat()).microservices
    assert set(told) == {web}
    assert (told[web].cpu_percent, told[web].memory_mib) == (3.1, 64)
    assert told[web].pull_percent is None  # it is not pulled
    says(controller, agent)
    assert msgspec.to_builtins((await parts.beat()).microservices) == {web: {}}
    assert await parts.beat() == TelemetryPart()
    assert parts.whole().microservices == {}


async def test_routes_are_told_as_the_api_tells_them(controller: Controller) -> None:
    agent = await controller.agent("east")
    shop = {
        "microservices": [manifest("web"), manifest("db")],
        "routes": [{"name": "r", "source": "web", "destination": "db"}],
    }
    await controller.operator.put("/applications/shop", shop)
    route = (await controller.operator.get("/routes/shop/r")).text("id")
    parts = pulse(controller)
    assert (await parts.beat()).routes[route].state == "unknown"
    traffic = RouteTraffic(
        at=controller.network.clock.now(), state="up", stored=3, rate_in=1.5, rate_out=1.0
    )
    says(controller, agent, routes={route: traffic})
    flow = (await parts.beat()).routes[route]
    assert (flow.state, flow.stored, flow.rate_in, flow.rate_out) == ("up", 3, 1.5, 1.0)
    assert await parts.beat() == TelemetryPart()
    await controller.operator.delete("/applications/shop")
    await parts.beat()
    assert parts.whole().routes == {}


async def test_what_other_controllers_heard_is_told_too(network: Network) -> None:
    async with network.controller() as one, network.controller() as other:
        agent = await one.agent("east")
        await other.live.catch_up()
        says(one, agent, system_total_cpu=70.0)
        await one.telemetry.write()
        assert (await pulse(other).beat()).nodes[agent.node_id].cpu_percent == 70


async def test_a_dashboard_gets_all_at_first_and_then_what_is_different(
    controller: Controller, viewer: Client
) -> None:
    agent, other = await controller.agent("east"), await controller.agent("west")
    says(controller, agent, system_total_cpu=10.0)
    says(controller, other, system_total_cpu=20.0)
    async with streaming(viewer):
        await soon(lambda: len(controller.broadcast.whole_telemetry().nodes) == 2)
        async with streaming(viewer) as later:
            whole = msgspec.json.decode((await later.next_of("telemetry")).data, type=TelemetryPart)
            assert set(whole.nodes) == {agent.node_id, other.node_id}
            says(controller, other, system_total_cpu=90.0)
            part = msgspec.json.decode((await later.next_of("telemetry")).data, type=TelemetryPart)
            assert set(part.nodes) == {other.node_id}
    answer = await viewer.get("/dashboard/snapshot")
    said = answer.is_good().json["telemetry"]
    assert isinstance(said, dict)
    assert set(said["nodes"]) == {agent.node_id, other.node_id}
    then = await viewer.get("/dashboard/snapshot", at=str(controller.world_position))
    assert "telemetry" not in then.is_good().json


async def test_while_nobody_listens_nothing_is_looked_at(controller: Controller) -> None:
    agent = await controller.agent("east")
    says(controller, agent, system_total_cpu=10.0)
    await asyncio.sleep(0.3)
    assert controller.broadcast.whole_telemetry() == TelemetryPart()
