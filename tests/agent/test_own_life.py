"""The agent's care for itself: what supervisors hear of a real one, and the bound of its memory."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from agent.contract import NodeConfig
from agent.device import own_life
from agent.device.own_life import OwnLife, Surroundings
from agent.run_command import BEGIN_ANEW
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity
from tests.agent.controller_stub import ControllerStub
from tests.agent.waiting import until_true

ROOT = Path(__file__).parents[2]


def living(folder: Folder, journal: Journal, stop: asyncio.Event) -> OwnLife:
    around = Surroundings(engine_url="unix:///nowhere")
    return OwnLife(around, folder, journal, stop=stop, engine_seen=lambda: True)


@pytest.mark.parametrize(("used", "ends"), [(129.0, True), (127.0, False)])
async def test_memory_above_the_limit_for_a_minute_ends_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: float, ends: bool
) -> None:
    monkeypatch.setattr(own_life, "BEAT", 0.01)
    monkeypatch.setattr(own_life, "resident_mib", lambda: used)
    folder, stop = Folder(tmp_path), asyncio.Event()
    with Journal(folder.journal) as journal:
        life = living(folder, journal, stop)
        life.wish(Known(revision=1, node=NodeConfig(memory_limit_mib=128)))
        task = asyncio.create_task(life.run())
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (stop.is_set(), life.begins_anew) == (ends, ends)


async def test_a_passing_peak_of_memory_is_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def peaks() -> float:
        nonlocal looks
        looks += 1
        return 1.0 if looks % own_life.BEATS_ABOVE == 0 else 9999.0

    monkeypatch.setattr(own_life, "BEAT", 0.001)
    monkeypatch.setattr(own_life, "resident_mib", peaks)
    folder, stop = Folder(tmp_path), asyncio.Event()
    with Journal(folder.journal) as journal:
        life = living(folder, journal, stop)
        task = asyncio.create_task(life.run())
        await until_true(lambda: looks > 10 * own_life.BEATS_ABOVE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not stop.is_set()


@pytest.mark.system
async def test_a_real_agent_tells_systemd_and_ends_with_75_when_it_has_to_begin_anew(
    tmp_path: Path,
) -> None:
    stub, folder = ControllerStub(), Folder(tmp_path / "agent")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        async with stub.serving():
            folder.keep_identity(
                Identity(controller=stub.url, credential="c" * 32, node_id="n", name="gateway")
            )
            stub.node = NodeConfig(memory_limit_mib=1)
            stub.wants()
            code = (
                "import agent.device.own_life as life; life.BEAT = 0.3; "
                "from agent.cli import agent_group; agent_group()"
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, "run", "--data", str(folder.path),
                "--docker-host", "unix:///nowhere/docker.sock",
                cwd=ROOT, stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"),
                     "WATCHDOG_USEC": "120000000"},
            )  # fmt: skip
            try:
                assert await asyncio.wait_for(process.wait(), 30) == BEGIN_ANEW
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            assert stub.reports[-1].goodbye
        heard = []
        while True:
            try:
                heard.append(systemd.recv(500).decode())
            except BlockingIOError:
                break
    assert heard[0] == "READY=1"
    assert heard.count("WATCHDOG=1") >= own_life.BEATS_ABOVE
    assert "STATUS=connected" in heard
    assert heard[-1] == "STOPPING=1"
