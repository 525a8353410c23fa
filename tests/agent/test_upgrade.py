"""Upgrades for real: whole processes, environments made by pip, versions that are good and bad."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.contract import ContainerState, Instruction
from agent.device import launcher
from agent.device.installation import lay_out
from agent.storage.store import Folder, Identity
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.agent.wheels import (
    CANNOT_CHECK,
    CRASHES,
    HANGS,
    agent_wheel,
    deps_wheel,
    unreachable,
)
from tests.docker_fixtures import SLEEPS

pytestmark = [pytest.mark.system, pytest.mark.docker, pytest.mark.timeout(240)]

OLD, GOOD, CRASHING, HANGING, LOST, BLIND = "0.9.0", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"
TRIAL = 12.0
"""Seconds instead of 180, as nobody waits for a test so long."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package index of the device."""
    folder = tmp_path_factory.mktemp("index")
    deps_wheel(folder)
    agent_wheel(folder, OLD)
    agent_wheel(folder, GOOD)
    agent_wheel(folder, CRASHING, first=CRASHES)
    agent_wheel(folder, HANGING, first=HANGS)
    agent_wheel(folder, LOST, changes=unreachable("http://127.0.0.1:9"))
    agent_wheel(folder, BLIND, first=CANNOT_CHECK)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIP_NO_INDEX", "1")
        environment.setenv("PIP_FIND_LINKS", str(folder))
        environment.setenv("ECN_AGENT_TRIAL", str(TRIAL))
        yield folder


@pytest.fixture(scope="module")
def first(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix as it was just installed."""
    prefix = tmp_path_factory.mktemp("installed") / "prefix"
    wheel = index / f"ecn-{OLD}-py3-none-any.whl"
    assert lay_out(prefix, f"ecn[agent] @ {wheel.as_uri()}", shares=False) == OLD
    return prefix


class Device:
    """A supervisor such as systemd: it starts the launcher again, whatever ends it, but for 3."""

    def __init__(self, prefix: Path, data: Path, engine_url: str) -> None:
        self.prefix = prefix
        self.data = data
        self._engine_url = engine_url
        self.process: asyncio.subprocess.Process | None = None
        self.codes: list[int] = []
        self.log = data.parent / "log"

    @property
    def runs(self) -> str:
        return launcher.pointed(self.prefix, "current")

    async def supervise(self) -> None:
        with self.log.open("ab") as log:
            while True:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", str(self.prefix / "launcher.py"), "run",
                    "--data", str(self.data), "--docker-host", self._engine_url,
                    stdout=log, stderr=log, cwd="/",
                )  # fmt: skip
                try:
                    self.codes.append(await self.process.wait())
                except asyncio.CancelledError:
                    self.process.terminate()
                    await self.process.wait()
                    raise
                if self.codes[-1] == 3:
                    return
                await asyncio.sleep(0.2)

    def events(self) -> list[str]:
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                found.append(json.loads(line)["event"])
        return found


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


@pytest.fixture
async def device(
    first: Path, stub: ControllerStub, docker_url: str, image: str, tmp_path: Path
) -> AsyncIterator[Device]:
    """With one microservice that runs."""
    assert image
    prefix, data = tmp_path / "prefix", tmp_path / "data"
    shutil.copytree(first, prefix, symlinks=True)
    Folder(data).keep_identity(
        Identity(controller=stub.url, credential="c" * 32, node_id=stub.node_id, name="gateway")
    )
    stub.wants(microservice(application="upgrade-test", of=SLEEPS))
    device = Device(prefix, data, docker_url)
    async with asyncio.TaskGroup() as tasks:
        supervised = tasks.create_task(device.supervise())
        try:
            await until_true(lambda: ContainerState.RUNNING in stub.states("m1"), 30)
            yield device
        finally:
            supervised.cancel()


async def outcome(stub: ControllerStub, told_at: int, within: float = 90) -> tuple[str, str]:
    await until_true(lambda: stub.outcome(told_at) is not None, within)
    said = stub.outcome(told_at)
    assert said is not None
    return said.outcome, said.detail


def container_of(stub: ControllerStub) -> str:
    last = stub.last("m1")
    assert last is not None
    return last.status.container_id


async def test_a_good_version_stays_and_can_be_rolled_back(
    stub: ControllerStub, device: Device
) -> None:
    container = container_of(stub)
    stub.instructs(Instruction(told_at=7, kind="upgrade", version=GOOD))
    assert await outcome(stub, 7) == ("done", f"version {GOOD} runs; before it ran {OLD}")
    assert device.runs == GOOD
    assert launcher.pointed(device.prefix, "previous") == OLD
    assert stub.reports[-1].facts is None or stub.reports[-1].facts.agent_version == GOOD
    assert device.codes == [75]

    stub.instructs(Instruction(told_at=8, kind="upgrade", version=GOOD))
    assert await outcome(stub, 8) == ("done", f"version {GOOD} runs already")

    stub.instructs(Instruction(told_at=9, kind="rollback"))
    assert await outcome(stub, 9) == ("done", f"version {OLD} runs; before it ran {GOOD}")
    assert device.runs == OLD
    assert device.codes == [75, 75]
    await until_true(lambda: not (device.prefix / "upgrade.json").exists())
    assert container_of(stub) == container
    assert [each.told_at for each in stub.outcomes] == [7, 8, 9]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (CRASHING, f"version {CRASHING} ended 3 times before it had proved itself"),
        (HANGING, f"it had not proved itself after {TRIAL:.0f} s: it never came so far"),
        (LOST, f"after {TRIAL:.0f} s: the controller has not heard it"),
    ],
)
async def test_a_version_that_does_not_prove_itself_is_taken_back(
    stub: ControllerStub, device: Device, version: str, reason: str
) -> None:
    container = container_of(stub)
    stub.instructs(Instruction(told_at=7, kind="upgrade", version=version))
    verdict, detail = await outcome(stub, 7)
    assert verdict == "undone"
    assert detail.startswith(f"version {OLD} runs again: ")
    assert reason in detail
    assert device.runs == OLD
    await until_true(lambda: not (device.prefix / "upgrade.json").exists())
    await until_true(lambda: not (device.prefix / "versions" / version).exists())
    assert container_of(stub) == container
    assert len(stub.outcomes) == 1


async def test_what_can_not_work_here_is_never_switched_to(
    stub: ControllerStub, device: Device
) -> None:
    stub.instructs(
        Instruction(told_at=7, kind="upgrade", version=BLIND),
        Instruction(told_at=8, kind="upgrade", version="7.7.7"),
        Instruction(told_at=9, kind="rollback"),
        Instruction(told_at=10, kind="dance"),
        Instruction(told_at=11, kind="reboot"),
    )
    verdict, detail = await outcome(stub, 7)
    assert (verdict, "can't read the folder" in detail) == ("failed", True)
    verdict, detail = await outcome(stub, 8)
    assert verdict == "failed"
    assert "ecn" in detail
    assert "7.7.7" in detail
    assert await outcome(stub, 9) == ("failed", "there is no version before this one on the device")
    assert "does not know how to dance" in (await outcome(stub, 10))[1]
    assert "--allow-reboot" in (await outcome(stub, 11))[1]
    assert device.codes == []
    assert device.runs == OLD


@pytest.mark.parametrize("seed", range(int(os.environ.get("ECN_UPGRADE_KILLS", "1"))))
async def test_killed_at_any_moment_of_an_upgrade_one_version_runs_and_one_outcome_is_told(
    stub: ControllerStub, device: Device, seed: int
) -> None:
    chance, container = random.Random(seed), container_of(stub)
    stub.instructs(Instruction(told_at=7, kind="upgrade", version=GOOD))
    for _ in range(2):  # of three interrupted attempts the instruction fails
        await asyncio.sleep(chance.uniform(0, 15))
        assert device.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(device.process.pid, signal.SIGKILL)
    verdict, _ = await outcome(stub, 7, 120)
    assert (verdict, device.runs) in (("done", GOOD), ("undone", OLD))
    await until_true(lambda: not (device.prefix / "upgrade.json").exists())
    await asyncio.sleep(2)
    assert len(stub.outcomes) == 1
    assert container_of(stub) == container
