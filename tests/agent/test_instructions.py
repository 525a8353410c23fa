"""An instruction is carried out once and spoken of once, whatever interrupts it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.contract import Instruction
from agent.device.environments import last_words
from agent.device.instructions import ATTEMPTS, Instructions, Reboot
from agent.device.upgrade import Upgrades, in_container, why_not
from agent.errors import CannotUpgrade
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.outbox import Result
from agent.storage.store import Folder
from tests.agent.builders import NOW
from tests.agent.waiting import until_true

COUNTS = (
    "import pathlib, sys; p = pathlib.Path(sys.argv[1]); "
    "p.write_text(str(int(p.read_text() or 0) + 1) if p.exists() else '1')"
)


class Device:
    """What survives an agent's end: its folder, how often it was rebooted, what was pruned."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path / "agent")
        self.rebooted = path / "rebooted"
        self.boot = "first"
        self.pruned = 0
        self.allows_reboot = True
        self.reboot_fails = False

    def reboots(self) -> int:
        return int(self.rebooted.read_text() or 0) if self.rebooted.exists() else 0

    async def prune(self) -> str:
        self.pruned += 1
        return "3 images removed"

    @asynccontextmanager
    async def agent(
        self, prune: Callable[[], Awaitable[str]] | None = None
    ) -> AsyncIterator[tuple[Instructions, Journal]]:
        code = "raise SystemExit('no')" if self.reboot_fails else COUNTS
        command = [sys.executable, "-c", code, str(self.rebooted)]
        with Journal(self.folder.journal) as journal:
            upgrades = Upgrades(
                None, self.folder, "unix:///x", online=lambda: True, restart=lambda: None
            )
            reboot = Reboot(
                command if self.allows_reboot else None, boot_id=lambda: self.boot, within=60
            )
            carried = Instructions(
                journal,
                upgrades,
                reboot,
                prune or self.prune,
                lambda: NOW,
            )
            task = asyncio.create_task(carried.run())
            try:
                yield carried, journal
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def told(*kinds: str) -> Known:
    listed = [Instruction(told_at=n, kind=kind) for n, kind in enumerate(kinds, 1)]
    return Known(revision=1, instructions=listed)


def outcomes(journal: Journal) -> list[tuple[int, str, str]]:
    pending = journal.pending(100)
    return [(each.told_at, each.outcome, each.detail) for each in pending.outcomes]


async def test_each_is_done_in_order_and_once_however_often_it_is_told(device: Device) -> None:
    async with device.agent() as (agent, journal):
        for _ in range(3):
            agent.wish(told("prune", "dance", "upgrade"))
            await until_true(lambda: len(outcomes(journal)) == 3)
        said = outcomes(journal)
        assert said[0] == (1, "done", "3 images removed")
        assert said[1][:2] == (2, "failed")
        assert "does not know how to dance" in said[1][2]
        assert said[2][:2] == (3, "failed")
        assert said[2][2] == why_not(contained=in_container())
    async with device.agent() as (agent, journal):
        agent.wish(told("prune", "dance", "upgrade"))
        await asyncio.sleep(0.1)
        assert len(outcomes(journal)) == 3
        assert device.pruned == 1


async def test_a_reboot_is_ordered_once_and_told_by_the_next_start_of_the_device(
    device: Device,
) -> None:
    async with device.agent() as (agent, journal):
        agent.wish(told("reboot"))
        await until_true(lambda: device.reboots() == 1)
        assert outcomes(journal) == []
    device.boot = "second"
    for _ in range(2):
        async with device.agent() as (agent, journal):
            agent.wish(told("reboot"))
            await until_true(lambda: len(outcomes(journal)) == 1)
            assert outcomes(journal) == [(1, "done", "the device was restarted")]
    assert device.reboots() == 1


async def test_an_agent_that_dies_before_the_device_restarts_orders_it_again_but_not_for_ever(
    device: Device,
) -> None:
    for count in range(1, ATTEMPTS + 1):
        async with device.agent() as (agent, _):
            agent.wish(told("reboot"))
            await until_true(lambda: device.reboots() == count)  # noqa: B023
    async with device.agent() as (agent, journal):
        agent.wish(told("reboot"))
        await until_true(lambda: len(outcomes(journal)) == 1)
        assert "interrupted each time" in outcomes(journal)[0][2]
    assert device.reboots() == ATTEMPTS


async def test_a_reboot_that_is_not_allowed_or_fails_says_so(device: Device) -> None:
    device.allows_reboot = False
    async with device.agent() as (agent, journal):
        agent.wish(told("reboot"))
        await until_true(lambda: len(outcomes(journal)) == 1)
        assert "--allow-reboot" in outcomes(journal)[0][2]
    device.allows_reboot, device.reboot_fails = True, True
    async with device.agent() as (agent, journal):
        agent.wish(Known(revision=2, instructions=[Instruction(told_at=9, kind="reboot")]))
        await until_true(lambda: len(outcomes(journal)) == 2)
        assert outcomes(journal)[1][:2] == (9, "failed")
    assert device.reboots() == 0


async def test_what_was_interrupted_is_begun_again_three_times_at_most(device: Device) -> None:
    begun = 0

    async def endless() -> str:
        nonlocal begun
        begun += 1
        await asyncio.sleep(60)
        return ""

    for count in range(1, ATTEMPTS + 1):
        async with device.agent(endless) as (agent, _):
            agent.wish(told("prune"))
            await until_true(lambda: begun == count)  # noqa: B023
    async with device.agent(endless) as (agent, journal):
        agent.wish(told("prune"))
        await until_true(lambda: len(outcomes(journal)) == 1)
    assert begun == ATTEMPTS


async def test_a_refusal_of_the_parts_that_do_it_is_the_outcome(device: Device) -> None:
    async def refuses() -> str:
        raise CannotUpgrade("there is no room")

    async def breaks() -> str:
        raise KeyError("x")

    async with device.agent(refuses) as (agent, journal):
        agent.wish(told("prune"))
        await until_true(lambda: len(outcomes(journal)) == 1)
        assert outcomes(journal)[0][1:] == ("failed", "there is no room")
    async with device.agent(breaks) as (agent, journal):
        agent.wish(Known(revision=2, instructions=[Instruction(told_at=5, kind="prune")]))
        await until_true(lambda: len(outcomes(journal)) == 2)
        assert outcomes(journal)[1][1:] == ("failed", "the agent has a fault: KeyError")


async def test_what_the_controller_has_heard_of_is_forgotten(device: Device) -> None:
    async with device.agent() as (agent, journal):
        agent.wish(told("prune"))
        await until_true(lambda: journal.spoken(1))
        agent.wish(Known(revision=2))
        await until_true(lambda: not journal.spoken(1))
        assert journal.mark(1) is None


def test_an_outcome_is_in_the_outbox_once_and_the_first_one_counts(tmp_path: Path) -> None:
    for _ in range(2):
        with Journal(tmp_path / "journal.sqlite") as journal:
            for outcome in ("undone", "done"):
                assert journal.speak(7, Result(outcome=outcome, detail="", at=NOW))
            assert [each[:2] for each in outcomes(journal)] == [(7, "undone")]


def test_who_can_not_upgrade_itself_says_what_to_do() -> None:
    assert "make the container anew" in why_not(contained=True)
    assert "ecn-agent install" in why_not(contained=False)


def test_what_pip_complains_of_is_told_without_passwords_and_bounded() -> None:
    said = "noise\n" * 50 + "ERROR: no match at https://anna:secret@index.example/simple\n"
    assert "secret" not in last_words(said)
    assert "//***@index.example" in last_words(said)
    assert len(last_words("ERROR: " + "x" * 10_000)) == 500
    assert last_words(" \n") == "it said nothing"
