"""Two microservices of a real agent, which is killed again and again while they talk.

They run beside their containers, with what is in those: the SDK needs a Python, and the containers
of tests have none. `ECN_KILL_ROUNDS` says how often.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from ecn_sdk import Client, Refused, Settings, Unanswered
from msgspec.structs import replace

from agent.contract import ContainerState, Route
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.docker_fixtures import SLEEPS, docker
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

ROUNDS = int(os.environ.get("ECN_KILL_ROUNDS", "3"))


class Pair:
    """A sender, a receiver, and their agent."""

    def __init__(self, agent: AgentProcess, node_id: str, port: int) -> None:
        self.agent, self._node_id, self._port = agent, node_id, port

    def settings(self, m: str) -> Settings:
        """What the environment of its container says, but for a name that only it knows."""
        container = docker(
            "ps", "-q", "--filter", f"label=ecn.node={self._node_id}",
            "--filter", f"label=ecn.microservice={m}",
        ).strip()  # fmt: skip
        lines = docker("exec", container, "env").splitlines()
        environment = dict(line.split("=", 1) for line in lines if "=" in line)
        found = Settings.from_environment(environment)
        assert found.urls == (f"http://iofog:{self._port}",)
        return Settings(found.microservice_id, found.token, (f"http://127.0.0.1:{self._port}",))


@pytest.fixture
async def pair(docker_node: str, docker_url: str, tmp_path: Path) -> AsyncIterator[Pair]:
    stub, port = ControllerStub(docker_node), free_port()
    async with stub.serving():
        agent = AgentProcess(
            tmp_path / "agent",
            stub.url,
            docker_node,
            docker_url,
            environment={"ECN_AGENT_LOCAL_API_PORT": str(port)},
        )
        agent.start()
        try:
            stub.leads(
                Route(
                    route_id="r1",
                    application="sdk-test",
                    name="hot",
                    source="probe",
                    output="raw",
                    condition="as_number(temp) > 70 AND $body.n >= 0",
                    destination="guard",
                    here=True,
                    input="in",
                )
            )
            made = [microservice(m, application="sdk-test", of=SLEEPS) for m in ("probe", "guard")]
            stub.wants(*(replace(each, revision=1) for each in made))
            await until_true(lambda: all(_runs(stub, m) for m in ("probe", "guard")), 30)
            yield Pair(agent, docker_node, port)
            await asyncio.to_thread(agent.stop)
        finally:
            agent.end()


def _runs(stub: ControllerStub, m: str) -> bool:
    last = stub.last(m)
    return last is not None and last.status.state is ContainerState.RUNNING


async def test_what_was_published_arrives_once_and_in_order(pair: Pair) -> None:
    published: list[int] = []
    received: list[int] = []
    ids: set[str] = set()
    over = asyncio.Event()

    async def publish(client: Client) -> None:
        n = 0
        while not over.is_set():
            # An answer that got lost: it may be there, or not. The receiver sees by `n`.
            with suppress(Unanswered, Refused):
                await client.publish({"n": n}, output="raw", properties={"temp": 71})
                published.append(n)
                n += 1
                await client.publish({"n": -n}, output="raw", properties={"temp": 70})

    async def receive(client: Client) -> None:
        async for message in client.messages():
            assert message.id not in ids
            ids.add(message.id)
            assert message.input == "in"
            body = message.json()
            assert isinstance(body, dict)
            n = body["n"]
            assert isinstance(n, int)
            received.append(n)

    async with (
        Client(pair.settings("probe")) as probe,
        Client(pair.settings("guard")) as guard,
        asyncio.TaskGroup() as tasks,
    ):
        publishing = tasks.create_task(publish(probe))
        receiving = tasks.create_task(receive(guard))
        for _ in range(ROUNDS):
            before = len(received)
            await until_true(lambda before=before: len(received) > before + 5, 30)  # type: ignore[misc]
            await asyncio.sleep(random.random())
            await asyncio.to_thread(pair.agent.kill)
            pair.agent.start()
        before = len(received)
        await until_true(lambda: len(received) > before + 5, 30)
        over.set()
        await publishing
        await until_true(lambda: set(published) <= set(received), 30)
        receiving.cancel()
    # What was published anew may be there twice, one after the other; nothing else is.
    assert received == sorted(received)
    assert set(received) - set(published) <= {len(published)}
    assert len(received) - len(set(received)) <= ROUNDS
