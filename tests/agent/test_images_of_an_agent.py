"""The whole agent and its images on a real engine: progress, pruning, quotas, each policy."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agent.contract import (
    ContainerSpec,
    ContainerState,
    DeviceUsage,
    Instruction,
    Microservice,
    NodeConfig,
    PullPolicy,
    Registry,
)
from agent.docker.engine import DockerEngine
from agent.images.registry_gateway import RegistryGateway
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.fake_registry import FakeRegistry
from tests.agent.test_agent_on_docker import agent_of
from tests.agent.waiting import until, until_true
from tests.docker_fixtures import IMAGE, SLEEPS, docker, forget_image

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]

MIB = 1 << 20
S = ContainerState


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


def one(image: str, *, registry: Registry | None = None, revision: int = 1) -> Microservice:
    made = microservice(
        "m1", application="images", of=replace(SLEEPS, image=image), revision=revision
    )
    return replace(made, registry=registry)


def usages(stub: ControllerStub) -> list[DeviceUsage]:
    return [each.usage for each in stub.reports if each.usage is not None]


async def state(stub: ControllerStub, wanted: ContainerState, within: float = 20) -> None:
    await until_true(
        lambda: (last := stub.last("m1")) is not None and last.status.state is wanted, within
    )


async def test_a_slow_pull_tells_how_far_it_is(
    stub: ControllerStub, tmp_path: Path, docker_url: str
) -> None:
    async with FakeRegistry(6 * MIB, seed=secrets.randbits(32)).serving() as registry:
        stub.node = NodeConfig(pull_limit_kib=1024)
        async with agent_of(stub, tmp_path, docker_url):
            stub.wants(one(registry.reference))
            await state(stub, S.FAILED)  # there is nothing in it that could be run
        seen = [u.pulls["m1"] for u in usages(stub) if "m1" in u.pulls]
        assert 2 <= len(seen) <= 6
        assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)
        assert {p.total_bytes for p in seen[1:]} == {registry.blob_bytes}
        assert usages(stub)[-1].disk_free_mib > 0
        forget_image(registry.reference)


async def test_told_to_prune_it_removes_its_own_and_nobody_elses(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    image_registry: str,
) -> None:
    ours, foreign = f"{image_registry}/{IMAGE}", f"ecn-test/foreign-{stub.node_id}:1"
    async with FakeRegistry(MIB, seed=secrets.randbits(32)).serving() as registry:
        docker("tag", IMAGE, foreign)
        async with agent_of(stub, tmp_path, docker_url):
            stub.wants(one(registry.reference))
            await state(stub, S.FAILED)
            assert docker("images", "-q", registry.reference)
            stub.wants(one(IMAGE, revision=2))
            await state(stub, S.RUNNING)
            stub.instructs(Instruction(told_at=7, kind="prune"))

            async def outcome() -> str | None:
                said = stub.outcome(7)
                return said.detail if said is not None else None

            said = await until(outcome, 20)
            assert said.startswith("removed 1 image (")
        assert docker("images", "-q", registry.reference) == ""
        for kept in (IMAGE, foreign):
            assert docker("images", "-q", kept)
        docker("rmi", foreign)
        forget_image(ours)


async def test_a_container_that_writes_too_much_is_replaced_by_a_fresh_one(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    docker_engine: DockerEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.images.disk_quotas.COUNT_EVERY", 1.0)
    # The first container writes too much, the next one finds that it did and does not.
    writes = (
        "dd if=/dev/zero of=/big bs=1M count=12 2>/dev/null; trap 'exit 0' TERM; sleep 600 & wait"
    )
    greedy = replace(one(IMAGE), spec=ContainerSpec(image=IMAGE, command=["sh", "-c", writes]))
    greedy = replace(greedy, spec=replace(greedy.spec, disk_limit_mib=8))
    async with agent_of(stub, tmp_path, docker_url):
        stub.wants(greedy)
        await state(stub, S.RUNNING)
        (first,) = await docker_engine.containers(stub.node_id)

        async def replaced() -> str | None:
            found = [
                c.container_id
                for c in await docker_engine.containers(stub.node_id)
                if c.container_id != first.container_id
            ]
            return found[0] if found else None

        await until(replaced, 40)
        said = " ".join(t.status.reason for t in stub.told)
        assert "it wrote 12 MiB into its container's own file system, its limit is 8 MiB" in said


async def test_an_engine_that_can_not_reach_the_gateway_pulls_by_itself(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    image_registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listen = RegistryGateway._listen

    async def elsewhere(self: RegistryGateway) -> None:
        await listen(self)
        self._port = 9  # as from within another network namespace: nobody is there

    monkeypatch.setattr(RegistryGateway, "_listen", elsewhere)
    reference = f"{image_registry}/{IMAGE}"
    forget_image(reference)
    stub.node = NodeConfig(pull_limit_kib=100)
    with capture_logs() as logs:
        async with agent_of(stub, tmp_path, docker_url):
            stub.wants(one(reference))
            await state(stub, S.RUNNING)
    assert [each["event"] for each in logs].count("gateway-not-reached") == 1
    forget_image(reference)


@pytest.mark.parametrize("limit", [0, 50_000], ids=["by-the-engine", "through-the-gateway"])
@pytest.mark.parametrize("policy", list(PullPolicy))
async def test_each_policy_with_a_real_registry_and_credentials(
    stub: ControllerStub,
    tmp_path: Path,
    docker_url: str,
    locked_registry: str,
    policy: PullPolicy,
    limit: int,
) -> None:
    reference = f"{locked_registry}/{IMAGE}"
    forget_image(reference)
    good = Registry(url=f"http://{locked_registry}/", username="edge", password="s3cret")
    stub.node = NodeConfig(pull_limit_kib=limit)
    try:
        async with agent_of(stub, tmp_path, docker_url):
            # ioFog's registry "from_cache" is this policy.
            stub.wants(replace(one(reference, registry=good), pull=policy))
            if policy is PullPolicy.NEVER:
                await state(stub, S.FAILED)
                last = stub.last("m1")
                assert last is not None
                assert "is not on this device, and its pull policy is never" in last.status.reason
                docker("tag", IMAGE, reference)
                stub.wants(replace(one(reference, registry=good, revision=2), pull=policy))
            await state(stub, S.RUNNING)
            # With a wrong password from now on, and another spec, so that it is made anew.
            wrong = replace(good, password="not-this-one")
            anew = replace(one(reference, registry=wrong, revision=3), pull=policy)
            stub.wants(replace(anew, spec=replace(anew.spec, env={"A": "1"})))
            expected = S.FAILED if policy is PullPolicy.ALWAYS else S.RUNNING
            await until_true(
                lambda: (
                    (last := stub.last("m1")) is not None
                    and last.status.revision == 3
                    and last.status.state is expected
                ),
                20,
            )
            last = stub.last("m1")
            assert last is not None
            if policy is PullPolicy.ALWAYS:
                assert "check the password and the rights of 'edge'" in last.status.reason
        told = " ".join(t.status.reason for t in stub.told)
        assert "not-this-one" not in told
        assert "s3cret" not in told
    finally:
        await asyncio.to_thread(forget_image, reference)
