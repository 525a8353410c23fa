"""The whole agent, with a real engine and a stub for its controller: what a device goes through."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import (
    ContainerReport,
    ContainerSpec,
    ContainerState,
    LogRequest,
    Microservice,
    Port,
    PullPolicy,
    Registry,
    RestartPolicy,
)
from agent.device.own_life import Surroundings
from agent.docker.engine import DockerEngine
from agent.lifecycle.engine import Container, EngineState
from agent.run import Ended, run
from agent.storage.store import Folder, Identity
from tests.agent.builders import microservice, new_container
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until, until_true
from tests.docker_fixtures import IMAGE, SLEEPS, docker, forget_image
from tests.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]


@asynccontextmanager
async def agent_of(
    stub: ControllerStub, path: Path, docker_url: str, *, gone: bool = False
) -> AsyncIterator[None]:
    """A running agent; stopped cleanly at the end. gone: it should end by itself."""
    folder = Folder(path)
    if folder.identity() is None:
        folder.keep_identity(
            Identity(controller=stub.url, credential="secret", node_id=stub.node_id, name="gateway")
        )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run(folder, Surroundings(engine_url=docker_url), stop))
        try:
            yield
            if gone:
                async with asyncio.timeout(20):
                    assert await running
        finally:
            stop.set()
    assert (running.result() is Ended.DEPROVISIONED) is gone


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


def one(name: str = "m1", of: ContainerSpec = SLEEPS, revision: int = 1) -> Microservice:
    return microservice(name, application="agent-test", of=of, revision=revision)


async def told(stub: ControllerStub, state: ContainerState, m: str = "m1") -> ContainerReport:
    async def look() -> ContainerReport | None:
        last = stub.last(m)
        return last if last is not None and last.status.state is state else None

    return await until(look, 20)


async def only(engine: DockerEngine, node_id: str) -> Container:
    (found,) = await engine.containers(node_id)
    return found


async def test_it_creates_starts_replaces_stops_and_removes(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        running = await told(stub, ContainerState.RUNNING)
        first = await only(docker_engine, stub.node_id)
        assert first.name == "ecn-agent-test-m1"
        assert running.status.container_id == first.container_id
        assert running.status.image_digest.startswith("sha256:")
        env = docker("exec", first.container_id, "env")
        assert "ECN_MICROSERVICE=m1\nECN_APPLICATION=agent-test\nECN_NODE=gateway\n" in env

        stub.wants(one(of=replace(SLEEPS, env={"A": "1"}), revision=2))
        await until_true(lambda: (last := stub.last("m1")) is not None and last.status.revision == 2
                         and last.status.state is ContainerState.RUNNING)  # fmt: skip
        second = await only(docker_engine, stub.node_id)
        assert second.container_id != first.container_id
        assert second.name == "ecn-agent-test-m1"

        stub.wants(replace(one(of=replace(SLEEPS, env={"A": "1"}), revision=3), running=False))
        await told(stub, ContainerState.STOPPED)
        assert (await only(docker_engine, stub.node_id)).state is EngineState.EXITED

        stub.wants(one(of=replace(SLEEPS, env={"A": "1"}), revision=4))
        await told(stub, ContainerState.RUNNING)
        assert (await only(docker_engine, stub.node_id)).container_id == second.container_id

        stub.wants()

        async def nothing_left() -> bool | None:
            return not await docker_engine.containers(stub.node_id) or None

        await until(nothing_left)
        await until_true(lambda: "ecn-agent-test" not in networks(stub.node_id))
        await until_true(lambda: not (tmp_path / "microservices" / "m1").exists())


def networks(node_id: str) -> str:
    return docker("network", "ls", "--filter", f"label=ecn.node={node_id}", "--format", "{{.Name}}")


async def test_a_killed_container_is_healed_and_both_are_told(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)
        docker("kill", before.container_id)
        started = time.monotonic()
        await until_true(lambda: (last := stub.last("m1")) is not None and last.status.restarts == 1
                         and last.status.state is ContainerState.RUNNING)  # fmt: skip
        assert 9 < time.monotonic() - started < 14
        assert (await only(docker_engine, stub.node_id)).container_id == before.container_id
        ended = next(t.status for t in stub.told if t.status.state is ContainerState.BACKING_OFF)
        assert ended.exit_code == 137


async def test_containers_survive_the_agent_and_a_new_one_leaves_them_alone(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
    assert stub.reports[-1].goodbye
    before = await only(docker_engine, stub.node_id)
    assert before.state is EngineState.RUNNING
    count = len(stub.told)
    async with agent_of(stub, tmp_path, docker_url):
        reports = len(stub.reports)
        await until_true(lambda: len(stub.reports) > reports)
        await asyncio.sleep(1)
    assert await only(docker_engine, stub.node_id) == before
    assert len(stub.told) == count


async def test_it_boots_and_heals_without_a_controller(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
    before = await only(docker_engine, stub.node_id)
    docker("kill", before.container_id)
    stub.refusal = (503, "unavailable")
    count = len(stub.told)
    async with agent_of(stub, tmp_path, docker_url):

        async def running() -> Container | None:
            found = await only(docker_engine, stub.node_id)
            return found if found.state is EngineState.RUNNING else None

        assert (await until(running)).container_id == before.container_id
        assert len(stub.told) == count
        stub.refusal = None
        await until_true(lambda: len(stub.told) >= count + 2, 40)
        assert stub.states("m1")[count:] == [ContainerState.BACKING_OFF, ContainerState.RUNNING]
    sequences = [t.sequence for t in stub.told]
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("strict_umask")
async def test_a_changed_config_reaches_the_running_container(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path / "agent", docker_url):
        stub.wants(replace(one(), config='{"speed": 1}'))
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)
        shown = docker("exec", "-u", "1234", before.container_id, "cat", "/run/ecn/config.json")
        assert json.loads(shown) == {"speed": 1}
        stub.wants(replace(one(revision=2), config='{"speed": 2}'))
        await until_true(
            lambda: (last := stub.last("m1")) is not None and last.status.revision == 2
        )
        shown = docker("exec", "-u", "1234", before.container_id, "cat", "/run/ecn/config.json")
        assert json.loads(shown) == {"speed": 2}
        assert await only(docker_engine, stub.node_id) == before
    assert (tmp_path / "agent").stat().st_mode & 0o777 == 0o700


async def test_a_taken_port_is_told_and_leaves_no_container(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)
    async with server, agent_of(stub, tmp_path, docker_url):
        taken = replace(SLEEPS, ports=[Port(host=port, container=80, address="127.0.0.1")])
        stub.wants(one(of=taken))
        failed = await told(stub, ContainerState.FAILED)
        assert str(port) in failed.status.reason
        assert "already in use" in failed.status.reason
        assert "attempt 1 failed, the next is at" in failed.status.reason
        assert await docker_engine.containers(stub.node_id) == []


async def test_an_image_that_nobody_has_is_told_and_a_new_revision_tries_at_once(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
    image_registry: str,
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=replace(SLEEPS, image=f"{image_registry}/nobody/has-it:9")))
        failed = await told(stub, ContainerState.FAILED)
        assert "has no image" in failed.status.reason
        stub.wants(one(revision=2))
        await told(stub, ContainerState.RUNNING)


async def test_the_old_container_runs_on_while_the_new_one_can_not_be_made(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
    image_registry: str,
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        before = await only(docker_engine, stub.node_id)
        stub.wants(one(of=replace(SLEEPS, image=f"{image_registry}/nobody/has-it:9"), revision=2))
        await told(stub, ContainerState.FAILED)
        assert await only(docker_engine, stub.node_id) == before
        stub.wants(one(of=replace(SLEEPS, entrypoint=["/no/such/program"]), revision=3))
        await until_true(
            lambda: (
                (last := stub.last("m1")) is not None
                and last.status.revision == 3
                and last.status.state is ContainerState.FAILED
            )
        )
        (after,) = await docker_engine.containers(stub.node_id)
        assert after.container_id == before.container_id
        assert after.state is EngineState.RUNNING


async def test_it_pulls_from_a_registry(
    stub: ControllerStub, tmp_path: Path, docker_url: str, image_registry: str
) -> None:
    reference = f"{image_registry}/{IMAGE}"
    forget_image(reference)
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=replace(SLEEPS, image=reference)))
        running = await told(stub, ContainerState.RUNNING)
        assert stub.states("m1") == [
            ContainerState.PULLING,
            ContainerState.STARTING,
            ContainerState.RUNNING,
        ]
        assert running.status.image_digest in docker(
            "image", "inspect", "-f", "{{.RepoDigests}}", reference
        )


async def test_it_pulls_with_credentials_and_says_when_they_are_wrong(
    stub: ControllerStub, tmp_path: Path, docker_url: str, locked_registry: str
) -> None:
    reference = f"{locked_registry}/{IMAGE}"
    forget_image(reference)
    of_registry = one(of=replace(SLEEPS, image=reference))
    good = Registry(url=f"http://{locked_registry}/", username="edge", password="s3cret")
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(of_registry)
        refused = await told(stub, ContainerState.FAILED)
        assert "the registry refused to give out" in refused.status.reason
        wrong = replace(good, password="wrong-one")
        stub.wants(replace(of_registry, registry=wrong, revision=2))
        await until_true(lambda: (last := stub.last("m1")) is not None and last.status.revision == 2
                         and last.status.state is ContainerState.FAILED)  # fmt: skip
        assert not [t for t in stub.told if "wrong-one" in t.status.reason]
        stub.wants(replace(of_registry, registry=good, revision=3))
        await told(stub, ContainerState.RUNNING)
    forget_image(reference)


async def test_a_replacement_that_was_killed_half_way_is_finished(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
    old = await only(docker_engine, stub.node_id)
    newer = replace(SLEEPS, env={"A": "1"})
    half = new_container(stub.node_id, application="agent-test", name="ecn-agent-test-m1", of=newer)
    await docker_engine.create(half)  # and here the power went
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one(of=newer, revision=2))
        await until_true(lambda: (last := stub.last("m1")) is not None and last.status.revision == 2
                         and last.status.state is ContainerState.RUNNING)  # fmt: skip
    left = await only(docker_engine, stub.node_id)
    assert left.container_id != old.container_id
    assert left.state is EngineState.RUNNING


async def test_a_network_that_somebody_removed_is_made_again(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        stub.wants(replace(one(revision=2), running=False))
        await told(stub, ContainerState.STOPPED)
        docker("network", "rm", networks(stub.node_id))
        stub.wants(one(revision=3))
        await told(stub, ContainerState.RUNNING)


async def test_a_pull_that_hangs_holds_up_nobody_and_is_given_up_for_a_new_revision(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    silent = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, agent_of(stub, tmp_path, docker_url):
        stuck = one("m1", of=replace(SLEEPS, image=f"{silent}/x/y:1"))
        stub.wants(stuck, one("m2"), one("m3"))
        await told(stub, ContainerState.RUNNING, "m2")
        await told(stub, ContainerState.RUNNING, "m3")
        assert stub.states("m1") == [ContainerState.PULLING]
        stub.wants(one("m1", revision=2), one("m2"), one("m3"))
        await told(stub, ContainerState.RUNNING, "m1")


async def test_an_unreachable_registry_is_told_but_a_local_image_serves_on_create(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    nobody = f"127.0.0.1:{free_port()}/x/y:1"
    docker("tag", IMAGE, nobody)
    try:
        async with agent_of(stub, tmp_path, docker_url):
            strict = replace(one("m1", of=replace(SLEEPS, image=nobody)), pull=PullPolicy.ALWAYS)
            easy = replace(one("m2", of=replace(SLEEPS, image=nobody)), pull=PullPolicy.ON_CREATE)
            stub.wants(strict, easy)
            failed = await told(stub, ContainerState.FAILED, "m1")
            assert "can't be reached" in failed.status.reason
            await told(stub, ContainerState.RUNNING, "m2")
    finally:
        forget_image(nobody)


async def test_what_is_not_ours_is_never_touched(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    foreign = [
        docker("run", "-d", "--label", f"ecn.node={stub.node_id}", IMAGE, "sleep", "600"),
        docker("run", "-d", "--label", "ecn.microservice=m1", IMAGE, "sleep", "600"),
        docker("run", "-d", "--label", "ecn.node=another", "--label", "ecn.microservice=m1",
               "--label", "ecn.spec=x", IMAGE, "sleep", "600"),
    ]  # fmt: skip
    try:
        async with agent_of(stub, tmp_path, docker_url, gone=True):
            stub.wants(one())
            await told(stub, ContainerState.RUNNING)
            stub.refusal = (410, "node-deprovisioned")
            stub.wants()
        running = docker("ps", "-q", "--no-trunc").split()
        assert set(foreign) <= set(running)
    finally:
        docker("rm", "-f", *foreign)


async def test_a_deprovisioned_node_clears_itself_and_forgets(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url, gone=True):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        stub.refusal = (410, "node-deprovisioned")
        stub.wants()
    assert await docker_engine.containers(stub.node_id) == []
    assert networks(stub.node_id) == ""
    assert left_in(tmp_path) == ["lock"]


def left_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_a_refused_credential_keeps_the_containers(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one())
        await told(stub, ContainerState.RUNNING)
        stub.refusal = (401, "unauthenticated")
        stub.wants()
        await asyncio.sleep(1)
        docker("kill", (await only(docker_engine, stub.node_id)).container_id)

        async def healed() -> Container | None:
            found = await only(docker_engine, stub.node_id)
            return found if found.state is EngineState.RUNNING else None

        await until(healed)


async def test_microservices_of_an_application_know_each_other_by_name(
    stub: ControllerStub, tmp_path: Path, docker_url: str, docker_engine: DockerEngine
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(one("m1"), one("m2"))
        await told(stub, ContainerState.RUNNING, "m1")
        await told(stub, ContainerState.RUNNING, "m2")
        m1 = next(
            c for c in await docker_engine.containers(stub.node_id) if c.microservice_id == "m1"
        )
        assert "m2" in docker("exec", m1.container_id, "nslookup", "m2")


async def test_a_log_is_streamed_to_who_asks(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    async with agent_of(stub, tmp_path, docker_url):
        prints = ContainerSpec(image=IMAGE, command=["echo", "good morning"])
        stub.wants(replace(one(of=prints), restart=RestartPolicy.NEVER))
        exited = await told(stub, ContainerState.EXITED)
        assert exited.status.exit_code == 0
        stub.asks_for_log(LogRequest(request_id="r1", microservice_id="m1"))
        stub.asks_for_log(LogRequest(request_id="r2", microservice_id="unknown"))
        await until_true(lambda: {"r1", "r2"} <= stub.streams.keys())
        assert stub.streams["r1"] == b"good morning\n"
        assert b"no container" in stub.streams["r2"]
