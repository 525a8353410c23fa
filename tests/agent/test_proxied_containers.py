"""Where the edge proxy finds a microservice's ports."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent.errors import EngineUnavailable
from agent.lifecycle.engine import Container, EngineState
from agent.proxy.containers import BELIEVED, Containers, NotThere
from tests.agent.fake_engine import FakeEngine

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Engine(FakeEngine):
    """With these containers; counts how often it is asked."""

    def __init__(self, *containers: Container) -> None:
        super().__init__()
        self.there = list(containers)
        self.asked = 0

    async def containers(self, node_id: str) -> list[Container]:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.down:
            raise EngineUnavailable("it is away")
        return self.there


def container(address: str, *, runs: bool = True, age: int = 0) -> Container:
    return Container(
        container_id=address,
        name="c",
        microservice_id="m",
        application="a",
        spec_digest="",
        revision=1,
        state=EngineState.RUNNING if runs else EngineState.EXITED,
        created_at=NOW - timedelta(seconds=age),
        address=address if runs else "",
    )


class Clock:
    time = 100.0

    def __call__(self) -> float:
        return self.time


async def test_hundreds_ask_the_engine_once_and_a_moment_later_anew() -> None:
    engine, clock = Engine(container("10.0.0.1")), Clock()
    containers = Containers("n", engine, clock)
    found = await asyncio.gather(*(containers.address("m") for _ in range(300)))
    assert set(found) == {"10.0.0.1"}
    assert engine.asked == 1
    engine.there = [container("10.0.0.2")]
    clock.time += BELIEVED + 0.1
    assert await containers.address("m") == "10.0.0.2"


async def test_while_a_new_version_is_on_trial_the_former_one_serves() -> None:
    engine = Engine(container("10.0.0.2"), container("10.0.0.1", age=60))
    assert await Containers("n", engine, Clock()).address("m") == "10.0.0.1"


async def test_what_is_not_there_is_said_in_a_sentence() -> None:
    engine = Engine(container("10.0.0.1", runs=False))
    with pytest.raises(NotThere, match="does not run"):
        await Containers("n", engine, Clock()).address("m")
    with pytest.raises(NotThere, match="has no container"):
        await Containers("n", engine, Clock()).address("other")
    with pytest.raises(NotThere, match="network of its own"):
        await Containers("n", engine, Clock(), reaches=False).address("m")
    engine.down = True
    with pytest.raises(NotThere, match="does not answer"):
        await Containers("n", engine, Clock()).address("m")
