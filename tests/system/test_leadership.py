"""What needs one doer is taken over within seconds, however its doer ends: seen in Postgres itself.

Two controllers, each a process of its own. The one that leads is killed, stands still, or is cut
off by a network that swallows everything and tells nobody.
"""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from ecn.postgres_leadership import LAPSES_AFTER, PostgresLeadership, _lock_of
from ecn.presence import LEADER
from events.log import StoreUnavailable
from events.postgres_pool import PostgresPool
from tests.ecn.controller_process import ControllerProcess
from tests.fault_proxy import FaultProxy

pytestmark = [pytest.mark.postgres, pytest.mark.system]

ASKED_EVERY = 1.0
"""Seconds, by --offline-after 4: how often each controller looks whether it may lead."""
SLACK = 5.0
"""Seconds that a busy machine may take longer."""

HOLDER = """
select pid from pg_locks
where locktype = 'advisory' and granted and (classid::bigint << 32) | objid::bigint = $1
"""


class Pair:
    """Two controllers on one database; each may lead."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder
        key = folder / "master.key"
        key.write_text("ab" * 32)
        self.environment = {"ECN_MASTER_KEY_FILE": str(key)}
        self.started: list[ControllerProcess] = []

    async def start(self, dsn: str) -> ControllerProcess:
        """One more, which comes to the database by that way."""
        controller = ControllerProcess(
            self.folder / f"controller-{len(self.started)}",
            *("--offline-after", "4"),
            environment={**self.environment, "ECN_DATABASE_URL": dsn},
        )
        self.started.append(controller)
        await asyncio.to_thread(controller.start)
        return controller

    async def led_by_another(self, than: int | None, *, within: float = 40.0) -> tuple[int, float]:
        """Who leads in Postgres' eyes, by the id of its session there, and after how long."""
        began = time.monotonic()
        connection = await asyncpg.connect(self.dsn)
        try:
            async with asyncio.timeout(within):
                while True:
                    pid = await connection.fetchval(HOLDER, _lock_of(LEADER))
                    if pid not in (None, than):
                        return pid, time.monotonic() - began
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()


@pytest.fixture
async def pair(postgres_dsn: str, open_folder: Path) -> AsyncIterator[Pair]:
    pair = Pair(postgres_dsn, open_folder)
    async with AsyncExitStack() as stack:
        yield pair
        for each in pair.started:
            each.process.send_signal(signal.SIGCONT)
            stack.push_async_callback(asyncio.to_thread, each.end)


def tell(how: str, seconds: float) -> None:
    sys.stdout.write(f"\ntaken over {seconds:.1f} s after its holder {how}\n")


async def test_who_leads_is_killed(pair: Pair) -> None:
    leader = await pair.start(pair.dsn)
    held, _ = await pair.led_by_another(None)
    await pair.start(pair.dsn)
    leader.kill()
    _, seconds = await pair.led_by_another(held)
    tell("was killed", seconds)
    assert seconds < ASKED_EVERY + SLACK


async def test_who_leads_stands_still(pair: Pair) -> None:
    leader = await pair.start(pair.dsn)
    held, _ = await pair.led_by_another(None)
    await pair.start(pair.dsn)
    leader.process.send_signal(signal.SIGSTOP)
    new, seconds = await pair.led_by_another(held)
    tell("stood still", seconds)
    assert seconds < LAPSES_AFTER + ASKED_EVERY + SLACK
    # When it wakes up, it learns that it leads no more.
    leader.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(3 * ASKED_EVERY)
    assert (await pair.led_by_another(None))[0] == new


async def test_the_network_of_who_leads_swallows_everything(pair: Pair) -> None:
    async with FaultProxy.before(pair.dsn, pair.folder) as proxy:
        await pair.start(proxy.dsn)
        held, _ = await pair.led_by_another(None)
        await pair.start(pair.dsn)
        proxy.flowing.clear()
        _, seconds = await pair.led_by_another(held)
        tell("was cut off without a word", seconds)
        assert seconds < LAPSES_AFTER + ASKED_EVERY + SLACK


async def test_who_was_cut_off_says_that_it_does_not_lead(
    postgres_dsn: str, open_folder: Path
) -> None:
    async with (
        FaultProxy.before(postgres_dsn, open_folder) as proxy,
        PostgresPool.open(proxy.dsn) as far,
        PostgresPool.open(postgres_dsn) as near,
        PostgresLeadership.open(near) as other,
        PostgresLeadership.open(far) as one,
    ):
        assert await one.try_lead("sweeping")
        proxy.flowing.clear()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await one.try_lead("sweeping")
        # Before anybody else can lead: for no moment do both believe it.
        assert not await other.try_lead("sweeping") or time.monotonic() - began > LAPSES_AFTER
        proxy.flowing.set()
        while not await other.try_lead("sweeping"):
            assert time.monotonic() - began < 30
            await asyncio.sleep(0.2)
        assert not await one.try_lead("sweeping")


async def test_who_leads_goes_on_leading_though_it_is_seldom_asked(
    postgres_pool: PostgresPool,
) -> None:
    async with (
        PostgresLeadership.open(postgres_pool) as one,
        PostgresLeadership.open(postgres_pool) as other,
    ):
        assert await one.try_lead("sweeping")
        await asyncio.sleep(LAPSES_AFTER + 3)
        assert not await other.try_lead("sweeping")
        assert await one.try_lead("sweeping")
