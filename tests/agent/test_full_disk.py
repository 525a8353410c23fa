"""A device whose disk is full, where the agent's folder is: a small file system of its own.

What runs is still looked after, what happened is told when there is room again, and meanwhile the
controller hears what is wrong.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from agent.contract import ContainerReport, ContainerState, ContainerStatus
from agent.lifecycle import control_loop
from agent.lifecycle.memory import Memory
from agent.lifecycle.status import Told
from agent.storage import reserve
from agent.storage.journal import Journal
from agent.storage.reserve import SIZE
from agent.storage.store import Folder, Identity
from tests.agent import faked_time
from tests.agent.builders import NODE, at, microservice, spec
from tests.simulation.controller import Controller, Way, told_again
from tests.simulation.device import Device

S = ContainerState
MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mounted)],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.fail("a small file system is mounted for this test: run it as root")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def fill(disk: Path) -> Path:
    """With somebody else's file, to the last byte."""
    file = disk / "somebody-elses"
    with file.open("ab", buffering=0) as all_of_it:
        for size in (4096, 512, 1):
            try:
                while True:
                    all_of_it.write(bytes(size))
            except OSError:
                continue
    assert shutil.disk_usage(disk).free == 0
    return file


def told(n: int) -> Told:
    state = S.RUNNING if n % 2 else S.BACKING_OFF
    return Told(status=ContainerStatus(state=state, restarts=n, at=at(n)), cause="c")


def test_the_reserve_takes_what_happens_and_memory_what_it_does_not(small_disk: Path) -> None:
    """Nothing noted is lost, and nothing that was accepted is told as anything else."""
    with Journal(small_disk / "j", exactly=10**6) as journal:
        numbers = count()
        journal.note("m1", told(next(numbers)))
        assert shutil.disk_usage(small_disk).used > SIZE
        file = fill(small_disk)
        # On the reserve first, then in memory.
        while not journal._held:
            assert journal.note("m1", told(next(numbers)))
        noted = next(numbers)
        assert noted > 500
        assert "takes no more" in journal.problem
        for n in range(5):
            journal.note("m2", told(n))
        journal.remember("m1", Memory(restarts=7))
        assert journal.memory("m1").restarts == 7
        file.unlink()
        pending: list[ContainerReport] = []
        while more := journal.pending().containers:
            pending += more
            assert journal.accepted(more[-1].sequence)
        assert not journal.problem
    assert [r.status.restarts for r in pending if r.microservice_id == "m2"] == list(range(5))
    mine = [r.status.restarts for r in pending if r.microservice_id == "m1"]
    assert mine == list(range(noted))
    with Journal(small_disk / "j") as journal:
        assert journal.memory("m1").restarts == 7
        assert journal.last_told()["m2"].restarts == 4


def test_an_agent_starts_on_a_full_disk(small_disk: Path) -> None:
    folder = Folder(small_disk / "agent")
    with Journal(folder.journal) as journal:
        journal.note("m1", told(1))
    fill(small_disk)
    with Folder(folder.path).locked(), Journal(folder.journal) as journal:
        assert journal.note("m1", told(2))
        assert len(journal.pending().containers) == 2


def test_healing_goes_on_and_all_is_told_when_there_is_room_again(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "SIZE", 64 * 1024)
    monkeypatch.setattr(control_loop, "SLOW_LOOK", 300.0)

    async def story() -> None:
        controller = Controller()
        way = Way(controller)
        device = Device(small_disk / "agent", way, frozenset({"shop/web:1"}))
        controller.wants(*(microservice(m, of=spec("shop/web:1")) for m in ("m1", "m2")))
        device.on()
        await asyncio.sleep(60)
        way.up = False
        file = fill(small_disk)
        for _ in range(100):  # the reserve is used up on the way
            for m in ("m1", "m2"):
                for container in device.runs(m):
                    device.engine.end(container.container_id, 1)
            await asyncio.sleep(700)
            assert all(len(device.runs(m)) == 1 for m in ("m1", "m2"))
        assert device.problem
        assert device.held > 100
        # A change that can't be kept is acted on all the same.
        way.up = True
        controller.wants(microservice("m1", of=spec("shop/web:1"), revision=2))
        await asyncio.sleep(300)
        assert not device.engine.of("m2")
        await asyncio.sleep(300)
        file.unlink()
        await asyncio.sleep(300)
        assert not device.problem
        assert device.waiting == 0
        for m in ("m1", "m2"):
            seen = [(s.state, s.exit_code) for s in device.of(m)]
            assert told_again(controller.of(m)) == seen

    faked_time.run(story)


def test_an_identity_is_not_lost_to_a_full_disk(small_disk: Path) -> None:
    folder = Folder(small_disk / "agent")
    identity = Identity(controller="http://c", credential="hush", node_id=NODE.node_id, name="g")
    folder.keep_identity(identity)
    fill(small_disk)
    assert Folder(folder.path).identity() == identity
