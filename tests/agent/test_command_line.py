"""`ecn-agent` as a person meets it: provision, run, status, and what they say when they can't."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import agent_group
from agent.contract import ContainerState
from agent.device.provisioning import provision
from agent.errors import AlreadyProvisioned, ProvisioningRefused
from agent.run_command import DEPROVISIONED
from agent.storage.store import Folder
from tests.agent.builders import microservice
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true
from tests.docker_fixtures import SLEEPS


@pytest.fixture
async def stub() -> AsyncIterator[ControllerStub]:
    controller = ControllerStub()
    async with controller.serving():
        yield controller


async def test_a_device_becomes_a_node_once(stub: ControllerStub, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    identity, given_up = await provision(folder, controller=stub.url, key="k")
    assert given_up is None
    assert folder.identity() == identity
    assert folder.pending() is None
    assert len(stub.provisions[0].credential) >= 43  # 32 bytes
    with pytest.raises(AlreadyProvisioned, match="--replace"):
        await provision(folder, controller=stub.url, key="k2")
    stub.node_id = "node2"
    again, given_up = await provision(folder, controller=stub.url, key="k2", replace=True)
    assert given_up == identity
    assert again.node_id == "node2"
    assert again.credential != identity.credential


async def test_a_lost_answer_costs_nothing(stub: ControllerStub, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    stub.refusal = (403, "not-now")
    with pytest.raises(ProvisioningRefused, match="told to answer 403"):
        await provision(folder, controller=stub.url, key="k")
    asked = folder.pending()
    assert asked is not None
    stub.refusal = None
    identity, _ = await provision(folder, controller=stub.url, key="k")
    assert identity.credential == asked.credential == stub.provisions[0].credential


async def test_a_refused_key_does_not_cost_the_old_identity(
    stub: ControllerStub, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    identity, _ = await provision(folder, controller=stub.url, key="k")
    stub.refusal = (403, "bad-key")
    with pytest.raises(ProvisioningRefused):
        await provision(folder, controller=stub.url, key="mistyped", replace=True)
    assert folder.identity() == identity


def invoke(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(agent_group, arguments, env=env or {})
    return done.exit_code, done.output


def test_a_device_without_identity_says_what_to_do(tmp_path: Path) -> None:
    code, said = invoke("run", "--data", str(tmp_path))
    assert code == 1
    assert "ecn-agent provision" in said
    code, said = invoke("status", "--data", str(tmp_path))
    assert (code, "Not provisioned" in said) == (0, True)


def test_a_key_is_needed(tmp_path: Path) -> None:
    code, said = invoke("provision", "--controller", "http://c", "--data", str(tmp_path))
    assert code == 2
    assert "--key-file" in said


def test_a_wrong_address_is_said_and_no_traceback(tmp_path: Path) -> None:
    code, said = invoke(
        "provision", "--controller", "nonsense", "--data", str(tmp_path),
        env={"ECN_PROVISIONING_KEY": "k"},
    )  # fmt: skip
    assert code == 1
    assert "not an http or https address" in said
    assert "Traceback" not in said


@pytest.fixture
async def processes() -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Those that a test started: none outlives it, or it would go on healing its containers."""
    started: list[asyncio.subprocess.Process] = []
    yield started
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _agent(
    started: list[asyncio.subprocess.Process], *arguments: str, path: Path
) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", *arguments, "--data", str(path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    started.append(process)
    return process


async def _said(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    return out.decode()


@pytest.mark.system
@pytest.mark.docker
@pytest.mark.usefixtures("image")
async def test_whole_processes_from_provisioning_to_deprovisioning(
    tmp_path: Path, docker_node: str, processes: list[asyncio.subprocess.Process]
) -> None:
    stub, data = ControllerStub(docker_node), tmp_path / "agent"
    key_file = tmp_path / "key"
    key_file.write_text("the-key\n")
    async with stub.serving():
        done = await _agent(
            processes, "provision", "--controller", stub.url, "--key-file", str(key_file), path=data
        )
        assert "This device is now node gateway" in await _said(done)
        assert stub.provisions[0].key == "the-key"
        secret = stub.provisions[0].credential

        stub.wants(microservice(application="agent-test", of=SLEEPS))
        running = await _agent(processes, "run", path=data)
        await until_true(lambda: stub.states("m1")[-1:] == [ContainerState.RUNNING], 20)

        second = await _agent(processes, "run", path=data)
        assert "another agent is using the folder" in await _said(second)
        assert second.returncode == 1

        shown = await _agent(processes, "status", "-o", "json", path=data)
        status = json.loads(await _said(shown))
        assert status["agent_runs"]
        assert status["microservices"][0]["engine_state"] == "running"
        table = await _said(await _agent(processes, "status", path=data))
        assert "agent-test/m1" in table

        running.send_signal(signal.SIGTERM)
        log = await _said(running)
        assert running.returncode == 0
        assert stub.reports[-1].goodbye
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert events[0] == "agent-started"
        assert events[-1] == "agent-stopped"
        assert not [text for text in (log, table, str(status)) if secret in text]

        held = await _agent(processes, "run", "--lifeline", path=data)
        count = len(stub.reports)
        await until_true(lambda: len(stub.reports) > count, 20)
        assert held.stdin is not None
        held.stdin.close()
        await _said(held)
        assert held.returncode == 0

        stub.refusal = (410, "node-deprovisioned")
        last = await _agent(processes, "run", path=data)
        assert "deprovisioned" in await _said(last)
        assert last.returncode == DEPROVISIONED
