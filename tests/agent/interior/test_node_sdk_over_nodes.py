"""ioFog's own SDK for Node.js on two nodes: real agents, a real RabbitMQ."""

import asyncio
from pathlib import Path

import pytest

from agent.contract import NodeConfig, Route
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.interior.nodes import Interior
from tests.agent.local_api import test_node_sdk as sdk
from tests.agent.waiting import until_true
from tests.broker_fixtures import Vhost
from tests.ports import free_port

modules = sdk.modules


class Side:
    """A node with one microservice."""

    def __init__(self, folder: Path, node_id: str, microservice_id: str) -> None:
        self.port = free_port()
        self.stub = ControllerStub(node_id)
        self.stub.settles(NodeConfig(local_api="open"))
        self.stub.wants(microservice(microservice_id))
        self._folder = folder
        self.agent: AgentProcess

    def begin(self) -> None:
        self.agent = AgentProcess(
            self._folder / self.stub.node_id,
            self.stub.url,
            self.stub.node_id,
            f"unix://{self._folder}/no-engine",
            environment={"ECN_AGENT_LOCAL_API_PORT": str(self.port)},
        )
        self.agent.start()


@pytest.mark.timeout(180)
async def test_a_producer_on_one_node_and_a_consumer_on_the_other(
    modules: Path, broker: Vhost, tmp_path: Path
) -> None:
    interior = Interior(broker.broker, broker.name)
    interior.node("east")
    interior.microservice("m2")
    interior.lead("r1", "east", "m2")
    east, west = Side(tmp_path, "east", "m1"), Side(tmp_path, "west", "m2")
    east.stub.leads(
        Route(route_id="r1", application="app", name="r1", source="m1", destination="m2")
    )
    east.stub.links(interior.access())
    west.stub.links(interior.access(), "m2")
    async with east.stub.serving(), west.stub.serving(), asyncio.TaskGroup() as tasks:
        try:
            for side in (east, west):
                side.begin()
            await until_true(lambda: all("opened" in s.agent.said() for s in (east, west)), 30)
            async with sdk.program(modules, west.port, "consumer", "m2", tasks) as consumer:
                await until_true(lambda: bool(consumer.of("open")))
                async with sdk.program(modules, east.port, "producer", "m1", tasks) as producer:
                    await until_true(lambda: len(producer.of("receipt")) == sdk.COUNT, 30)
                    await until_true(lambda: bool(producer.of("bad-request")))
                    await until_true(lambda: len(consumer.of("message")) == sdk.COUNT + 1, 30)
                    await sdk.agreed(producer, consumer)
                # What was acknowledged does not come again, whoever of the two sides starts anew.
                for side in (west, east):
                    await asyncio.to_thread(side.agent.kill)
                    side.agent.start()
                await until_true(lambda: len(consumer.of("open")) == 2, 30)
                await asyncio.sleep(2)
                assert len(consumer.of("message")) == sdk.COUNT + 1
            for side in (east, west):
                await asyncio.to_thread(side.agent.stop)
        finally:
            for side in (east, west):
                side.agent.end()
