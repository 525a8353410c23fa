"""An engine that goes away and comes back: as seen through a socket, and really, by kill -9.

The machine's one engine itself is never restarted by a test: what is killed and started again is
an engine of the test's own. `ECN_ENGINE_ROUNDS` says how often.
"""

import asyncio
import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import Condition, ContainerState, Dependency, Microservice
from agent.docker.engine import DockerEngine
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.reconcile import spec_digest
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.socket_proxy import SocketProxy
from tests.agent.test_agent_on_docker import agent_of, one, only, told
from tests.agent.waiting import until_true
from tests.docker_fixtures import IMAGE, SLEEPS, docker
from tests.small_engine import SmallEngine, small_engine

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


ROUNDS = int(os.environ.get("ECN_ENGINE_ROUNDS", "3"))
SEED = int(os.environ.get("ECN_ENGINE_SEED", "0")) or random.randrange(10**6)
NAMES = ("a", "b", "c", "d")


@pytest.fixture
def own_engine(image: str) -> Iterator[SmallEngine]:
    """One that may be killed, and has the test image."""
    with small_engine(400) as engine:
        saved = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
        load = ["docker", "-H", engine.url, "load"]
        subprocess.run(load, input=saved, capture_output=True, check=True)
        yield engine


def wanted(name: str, revision: int, turn: int) -> Microservice:
    made_of = replace(SLEEPS, image=IMAGE, env={"TURN": str(turn)})
    return microservice(name, application="engine-test", of=made_of, revision=revision)


async def all_run(
    url: str, stub: ControllerStub, items: dict[str, Microservice], within: float
) -> dict[str, Container]:
    """One container of each runs, of the right spec; and none besides."""
    clock, seen = asyncio.get_running_loop().time, list[Container]()
    deadline = clock() + within
    async with DockerEngine(url) as engine:
        while True:
            seen = await engine.containers(stub.node_id)
            right = {
                c.microservice_id: c
                for c in seen
                if c.microservice_id in items and c.state is EngineState.RUNNING
                and c.spec_digest == spec_digest(items[c.microservice_id].spec)
            }  # fmt: skip
            if len(right) == len(items) == len(seen):
                return right
            assert clock() < deadline, seen
            await asyncio.sleep(0.2)


@pytest.mark.timeout(120 + 330 * ROUNDS)
async def test_an_engine_that_is_killed_at_any_point_of_anything_is_healed(
    own_engine: SmallEngine, tmp_path: Path
) -> None:
    """With SIGKILL and SIGTERM, while containers are created, replaced and removed."""
    chance = random.Random(SEED)
    stub = ControllerStub("restarts")
    items: dict[str, Microservice] = {}
    async with stub.serving():
        agent = AgentProcess(tmp_path / "agent", stub.url, stub.node_id, own_engine.url)
        agent.start()
        try:
            for turn in range(ROUNDS):
                revision = stub.revision + 1
                for name in chance.sample(NAMES, chance.randint(1, 4)):
                    items[name] = wanted(name, revision, turn)
                if turn and chance.random() < 0.3:
                    items.pop(chance.choice(sorted(items)))
                stub.wants(*items.values(), revision=revision)
                await asyncio.sleep(chance.choice([0.8, 0.8, 3]) * chance.random())
                await asyncio.to_thread(own_engine.kill if turn % 2 else own_engine.terminate)
                await asyncio.sleep(chance.random())
                await asyncio.to_thread(own_engine.start)
                # An engine's restart is an end of its containers: each one doubles their delay.
                await all_run(own_engine.url, stub, items, 330)
                assert agent.runs(), agent.said()
            await until_true(lambda: all(
                (last := stub.last(m)) is not None
                and last.status.state is ContainerState.RUNNING for m in items
            ), 60)  # fmt: skip
            agent.stop()
        except BaseException as error:
            error.add_note(f"ECN_ENGINE_SEED={SEED}; {agent.said()}")
            raise
        finally:
            agent.end()
    assert [t.sequence for t in stub.told] == list(range(1, len(stub.told) + 1))


@pytest.mark.timeout(180)
async def test_a_reboot_without_a_network_brings_all_back_in_their_order(
    own_engine: SmallEngine, tmp_path: Path
) -> None:
    """Engine and agent are gone at once, as in a power cut; no controller is to be reached."""
    items = {
        "c": replace(wanted("c", 1, 0), start_order=1),
        "b": replace(wanted("b", 1, 0), start_order=2),
        "a": replace(
            wanted("a", 1, 0), start_order=3,
            depends_on=[Dependency(microservice="b", condition=Condition.STARTED)],
        ),
    }  # fmt: skip
    stub = ControllerStub("reboots")
    async with stub.serving():
        agent = AgentProcess(tmp_path / "agent", stub.url, stub.node_id, own_engine.url)
        agent.start()
        stub.wants(*items.values())
        before = await all_run(own_engine.url, stub, items, 60)
        await until_true(lambda: stub.accepted_through > 0 and all(stub.last(m) for m in items))
    agent.kill()
    try:
        own_engine.kill()
        own_engine.start()
        began = asyncio.get_running_loop().time()
        agent.start()
        after = await all_run(own_engine.url, stub, items, 30)
        took = asyncio.get_running_loop().time() - began
        agent.stop()
    finally:
        agent.end()
    assert {m: c.container_id for m, c in after.items()} == {
        m: c.container_id for m, c in before.items()
    }
    starts = {m: c.started_at for m, c in after.items() if c.started_at is not None}
    assert sorted(starts, key=lambda m: starts[m]) == ["c", "b", "a"]
    assert took < 25
