"""A device gives its node up: everything of the node goes, whatever is interrupted."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import agent_group
from agent.contract import ContainerState, Volume, VolumeFile
from agent.device import deprovisioning
from agent.device.control_socket import Wish, ask
from agent.device.deprovisioning import deprovision
from agent.docker.engine import DockerEngine
from agent.errors import EngineError, NotWithdrawn
from agent.run_command import DEPROVISIONED
from agent.storage.desired_state import Known
from agent.storage.store import Folder, Identity
from tests.agent.builders import microservice, new_container
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.docker_fixtures import SLEEPS

pytestmark = pytest.mark.docker


@pytest.fixture
async def stub(docker_node: str) -> AsyncIterator[ControllerStub]:
    controller = ControllerStub(docker_node)
    async with controller.serving():
        yield controller


@pytest.fixture
def folder(stub: ControllerStub, tmp_path: Path) -> Folder:
    """Of a node with a volume of two files, of which one was changed since."""
    folder = Folder(tmp_path / "agent")
    folder.keep_identity(
        Identity(controller=stub.url, credential="c" * 32, node_id=stub.node_id, name="gateway")
    )
    place = tmp_path / "etc"
    (place / "deep").mkdir(parents=True)
    (place / "deep" / "kept.conf").write_bytes(b"as delivered")
    (place / "changed.conf").write_bytes(b"by somebody")
    (place / "theirs").write_bytes(b"")
    files = [
        VolumeFile(path="deep/kept.conf", content=b"as delivered"),
        VolumeFile(path="changed.conf", content=b"as delivered"),
        VolumeFile(path="never-there", content=b""),
    ]
    volume = Volume(
        volume_id="v", name="v", revision=1, destination=str(place), permissions="644", files=files
    )
    folder.keep_desired_state(Known(revision=1, volumes={"v": volume}))
    return folder


async def made(engine: DockerEngine, node_id: str) -> None:
    container = await engine.create(new_container(node_id, application=node_id, of=SLEEPS))
    await engine.start(container)


def left(folder: Folder) -> list[str]:
    return sorted(each.name for each in folder.path.iterdir() if each.name != "lock")


@pytest.mark.usefixtures("image")
async def test_without_an_agent_that_runs(
    stub: ControllerStub, folder: Folder, docker_engine: DockerEngine, docker_url: str
) -> None:
    await made(docker_engine, stub.node_id)
    cleared = await deprovision(folder, docker_url, offline=False, images=True)
    assert cleared is not None
    assert (cleared.name, cleared.told, cleared.files) == ("gateway", True, 1)
    place = folder.path.parent / "etc"
    assert cleared.kept_files == [str(place / "changed.conf")]
    assert sorted(each.name for each in place.iterdir()) == ["changed.conf", "theirs"]
    assert cleared.images
    assert await docker_engine.containers(stub.node_id) == []
    assert left(folder) == []
    assert await deprovision(folder, docker_url, offline=False, images=False) is None


async def test_a_controller_that_does_not_answer_costs_nothing_and_offline_does_without(
    stub: ControllerStub, folder: Folder, docker_url: str
) -> None:
    stub.refusal = (503, "away")
    before = left(folder)
    with pytest.raises(NotWithdrawn, match="--offline"):
        await deprovision(folder, docker_url, offline=False, images=False)
    assert left(folder) == before
    cleared = await deprovision(folder, docker_url, offline=True, images=False)
    assert cleared is not None
    assert not cleared.told
    assert left(folder) == []


@pytest.mark.usefixtures("image")
async def test_interrupted_anywhere_the_same_command_finishes_it(
    stub: ControllerStub,
    folder: Folder,
    docker_engine: DockerEngine,
    docker_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await made(docker_engine, stub.node_id)

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    for step in ("_withdrawn", "_ended", "remove_everything", "_pruned"):
        with monkeypatch.context() as patch:
            patch.setattr(deprovisioning, step, killed)
            with pytest.raises(Killed):
                await deprovision(folder, docker_url, offline=False, images=step == "_withdrawn")
        assert folder.identity() is not None
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "wipe", lambda _: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            await deprovision(folder, docker_url, offline=False, images=False)
    cleared = await deprovision(folder, docker_url, offline=False, images=False)
    assert cleared is not None
    assert (cleared.told, bool(cleared.images)) == (True, True)
    assert await docker_engine.containers(stub.node_id) == []
    assert left(folder) == []


async def test_an_engine_that_is_away_is_said_and_the_identity_stays(
    stub: ControllerStub, folder: Folder, docker_url: str
) -> None:
    with pytest.raises(EngineError):
        await deprovision(folder, "unix:///nowhere/docker.sock", offline=False, images=False)
    assert folder.identity() is not None
    cleared = await deprovision(folder, docker_url, offline=False, images=False)
    assert cleared is not None
    assert cleared.told


async def test_what_was_begun_for_a_former_node_is_nothing_to_the_present_one(
    stub: ControllerStub, folder: Folder, docker_url: str
) -> None:
    with pytest.raises(EngineError):
        await deprovision(folder, "unix:///nowhere/docker.sock", offline=False, images=False)
    identity = folder.identity()
    assert identity is not None
    stub.refusal = (503, "away")
    folder.keep_identity(
        Identity(controller=stub.url, credential="d" * 32, node_id="other", name="new")
    )
    with pytest.raises(NotWithdrawn):
        await deprovision(folder, docker_url, offline=False, images=False)


@pytest.mark.system
@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("offline", [False, True])
async def test_an_agent_that_runs_clears_and_ends(
    stub: ControllerStub, folder: Folder, docker_engine: DockerEngine, offline: bool
) -> None:
    leaving = microservice(application=f"leaving-{stub.node_id}", of=SLEEPS, revision=2)
    stub.wants(leaving, revision=2)
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", "run", "--data", str(folder.path),
        cwd=Path(__file__).parents[2], stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until_true(lambda: ContainerState.RUNNING in stub.states("m1"), 30)
        living = await ask(folder.path, Wish.STATUS)
        assert living is not None
        assert living.pid == running.pid
        assert living.heard_at is not None
        arguments = ["deprovision", "-o", "json", "--data", str(folder.path)]
        done = await asyncio.to_thread(
            CliRunner().invoke, agent_group, [*arguments, *(["--offline"] if offline else [])]
        )
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["told"] is not offline
        assert await asyncio.wait_for(running.wait(), 20) == DEPROVISIONED
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert await docker_engine.containers(stub.node_id) == []
    assert left(folder) == []
    again = await asyncio.to_thread(CliRunner().invoke, agent_group, arguments)
    assert (again.exit_code, json.loads(again.stdout)) == (0, {})
