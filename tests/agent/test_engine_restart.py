"""An engine that goes away and comes back, seen through a socket that is cut and reopened.

The machine's one engine itself is never restarted by a test.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.contract import ContainerState
from agent.docker_engine import DockerEngine
from tests.agent.controller_stub import ControllerStub
from tests.agent.socket_proxy import SocketProxy
from tests.agent.test_agent_on_docker import agent_of, one, only, told
from tests.agent.waiting import until_true
from tests.docker_fixtures import docker

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


async def test_the_agent_outlives_its_engine_and_looks_again_when_it_is_back(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    real = Path(docker_url.removeprefix("unix://"))
    async with (
        SocketProxy.before(tmp_path / "docker.sock", real) as proxy,
        agent_of(stub, tmp_path / "agent", f"unix://{proxy.path}"),
    ):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)

        await proxy.cut()
        unknown = await told(stub, ContainerState.UNKNOWN)
        assert "does not answer" in unknown.status.reason
        await until_true(lambda: any(r.facts and r.facts.engine_problem for r in stub.reports))

        docker("kill", before.container_id)
        await proxy.open()
        await told(stub, ContainerState.RUNNING)
        after = await only(docker_engine, stub.node_id)
        assert after.container_id == before.container_id
        assert after.started_at != before.started_at
        await until_true(lambda: not [r.facts for r in stub.reports if r.facts][-1].engine_problem)

        # The event stream is back too: this is healed well before a slow look would see it.
        docker("kill", before.container_id)
        await until_true(lambda: stub.states("m1").count(ContainerState.BACKING_OFF) == 2, 8)
