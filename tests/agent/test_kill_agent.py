"""`kill -9` at random points of whatever the agent does, on a real engine, again and again.

Each round wants something else, lets the agent begin, kills it, and starts another; most rounds
then wait until all is as wanted. Meanwhile the engine's own events are watched: there are never two
running containers of a microservice, unless it is replaced blue-green.

`ECN_KILL_ROUNDS` says how many rounds; before a release it should be hundreds.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import (
    ContainerState,
    Microservice,
    PullPolicy,
    ReplaceMode,
    RestartPolicy,
)
from agent.docker.engine import DockerEngine
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.reconcile import spec_digest
from tests.agent.agent_process import AgentProcess
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.docker_fixtures import IMAGE, SLEEPS, docker, forget_image

pytestmark = [pytest.mark.docker, pytest.mark.system, pytest.mark.usefixtures("image")]

ROUNDS = int(os.environ.get("ECN_KILL_ROUNDS", "5"))
SEED = int(os.environ.get("ECN_KILL_SEED", "0")) or random.randrange(10**6)
CONVERGED_WITHIN = 60.0
NAMES = ("plain", "twice", "pulled", "held")
BESIDE = "twice"
"""The one that is replaced blue-green."""


class Wishes:
    """What operators want next; each change has a new revision."""

    def __init__(self, chance: random.Random, registry: str) -> None:
        self.chance = chance
        self.images = dict.fromkeys(NAMES, IMAGE) | {"pulled": f"{registry}/{IMAGE}"}
        self.revision = 0
        self.items: dict[str, Microservice] = {}

    def change(self) -> None:
        """One, two or all of them become something else, or nothing."""
        self.revision += 1
        for name in self.chance.sample(NAMES, self.chance.choice([1, 2, 4])):
            if self.chance.random() < 0.15:
                self.items.pop(name, None)
                continue
            before = self.items.get(name) or self._new(name)
            match self.chance.choice(["spec", "spec", "spec", "config", "stop", "generation"]):
                case "spec":
                    env = {"ROUND": str(self.revision)}
                    before = replace(before, spec=replace(before.spec, env=env), running=True)
                case "config":
                    before = replace(before, config=json.dumps({"round": self.revision}))
                case "stop":
                    before = replace(before, running=not before.running)
                case "generation":
                    before = replace(before, spec=replace(before.spec, generation=self.revision))
            self.items[name] = replace(before, revision=self.revision)
        if self.chance.random() < 0.5:
            forget_image(self.images["pulled"])

    def _new(self, name: str) -> Microservice:
        made_of = replace(SLEEPS, image=self.images[name])
        new = microservice(name, application="kill-test", of=made_of, restart=RestartPolicy.ALWAYS)
        if name == BESIDE:
            return replace(new, replace=ReplaceMode.BLUE_GREEN)
        if name == "pulled":
            return replace(new, pull=PullPolicy.ALWAYS)
        return new


class Watch:
    """The engine's own word on what runs: by microservice, how many at a time at most."""

    def __init__(self) -> None:
        self.running: dict[str, set[str]] = {}
        self.most: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()

    def hear(self, line: bytes) -> None:
        """One event."""
        event = json.loads(line)
        action, attributes = event["Action"], event["Actor"]["Attributes"]
        name, container = attributes["ecn.microservice"], event["Actor"]["ID"]
        self.actions[action.partition(":")[0]] += 1
        running = self.running.setdefault(name, set())
        if action == "start":
            running.add(container)
        elif action in ("die", "destroy"):
            running.discard(container)
        self.most[name] = max(self.most[name], len(running))


@asynccontextmanager
async def watching(node_id: str) -> AsyncIterator[Watch]:
    process = await asyncio.create_subprocess_exec(
        "docker", "events", "--format", "{{json .}}",
        "--filter", "type=container", "--filter", f"label=ecn.node={node_id}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    watch, stdout = Watch(), process.stdout

    async def read() -> None:
        async for line in stdout:
            watch.hear(line)

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        try:
            yield watch
            await asyncio.sleep(0.5)
        finally:
            process.terminate()
            await process.wait()
            await reading


def wrong(wishes: Wishes, containers: list[Container], stub: ControllerStub) -> str:
    """What is not as wanted yet; "" when all is, and the controller knows."""
    for name in NAMES:
        wanted, mine = wishes.items.get(name), [c for c in containers if c.microservice_id == name]
        if wanted is None:
            if mine:
                return f"{name} should be gone: {mine}"
            continue
        if wanted.running and [(c.state, c.spec_digest) for c in mine] != [
            (EngineState.RUNNING, spec_digest(wanted.spec))
        ]:
            return f"{name} should run: {mine}"
        if not wanted.running and any(c.state is EngineState.RUNNING for c in mine):
            return f"{name} should not run: {mine}"
        if len(mine) > 1:
            return f"{name} has more than one container: {mine}"
        last = stub.last(name)
        state = ContainerState.RUNNING if wanted.running else ContainerState.STOPPED
        if last is None or (last.status.state, last.status.revision) != (state, wanted.revision):
            return f"{name} is not told to be {state} at {wanted.revision}: {last}"
    return ""


async def converged(wishes: Wishes, engine: DockerEngine, stub: ControllerStub) -> None:
    deadline = asyncio.get_running_loop().time() + CONVERGED_WITHIN
    while problem := wrong(wishes, await engine.containers(stub.node_id), stub):
        assert asyncio.get_running_loop().time() < deadline, problem
        await asyncio.sleep(0.1)


def left_over(node_id: str, path: Path) -> list[str]:
    """What is still there of microservices that are all gone."""
    networks = docker("network", "ls", "-q", "--filter", f"label=ecn.node={node_id}").split()
    return networks + [str(each) for each in (path / "microservices").glob("*")]


async def rounds(
    agent: AgentProcess, wishes: Wishes, engine: DockerEngine, stub: ControllerStub
) -> None:
    """All of them; in the end nothing is wanted, and nothing is left."""
    chance = wishes.chance
    agent.start()
    for _ in range(ROUNDS):
        wishes.change()
        stub.wants(*wishes.items.values())
        # Mostly within the second in which things are done; sometimes when they are.
        await asyncio.sleep(chance.choice([0.7, 0.7, 1.5, 4.0]) * chance.random())
        agent.kill()
        agent.start()
        if chance.random() < 0.3:
            await asyncio.sleep(1.2 * chance.random())
            agent.kill()
            agent.start()
        if chance.random() < 0.7:
            await converged(wishes, engine, stub)
        assert agent.runs(), agent.said()
    await converged(wishes, engine, stub)
    wishes.items = {}
    wishes.revision += 1
    stub.wants()
    await converged(wishes, engine, stub)
    await until_true(lambda: not left_over(stub.node_id, agent.folder.path), 60)


@pytest.mark.timeout(60 + 90 * ROUNDS)
async def test_killed_at_any_point_it_converges_and_never_runs_two(
    docker_node: str,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
    image_registry: str,
) -> None:
    wishes = Wishes(random.Random(SEED), image_registry)
    stub = ControllerStub(docker_node)
    foreign = docker("run", "-d", "--label", "ecn.application=kill-test", IMAGE, "sleep", "86400")
    shown = docker("inspect", "-f", "{{.State.StartedAt}} {{.State.Status}}", foreign)
    try:
        async with stub.serving(), watching(docker_node) as watch:
            agent = AgentProcess(tmp_path / "agent", stub.url, docker_node, docker_url)
            try:
                await rounds(agent, wishes, docker_engine, stub)
                agent.stop()
            except BaseException as error:
                error.add_note(f"ECN_KILL_SEED={SEED}; {agent.said()}")
                raise
            finally:
                agent.end()
    finally:
        after = docker("inspect", "-f", "{{.State.StartedAt}} {{.State.Status}}", foreign)
        docker("rm", "-f", foreign)
    assert after == shown
    assert {n: m for n, m in watch.most.items() if m > (2 if n == BESIDE else 1)} == {}
    assert watch.actions["create"] >= ROUNDS / 2
    assert [t.sequence for t in stub.told] == list(range(1, len(stub.told) + 1))
