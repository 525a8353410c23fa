"""An append whose connection breaks: what is said of it is what became of it, always."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.envelope import GENESIS, Head, Recorded, verify
from events.ids import START
from events.log import HeadMoved, LogUnavailable, OutcomeUnknown
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.events.builders import batch
from tests.fault_proxy import Cut, FaultProxy

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def log_behind(
    proxy: FaultProxy, *, settle_within: float = 10.0
) -> AsyncIterator[PostgresLog]:
    async with (
        PostgresPool.open(proxy.dsn) as pool,
        PostgresLog.open(pool, settle_within=settle_within) as log,
    ):
        await log.wait(at_most=5)  # its listening connection is up: from here on we count bytes
        yield log


@pytest.fixture
async def proxy(postgres_dsn: str, open_folder: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(postgres_dsn, open_folder) as proxy:
        yield proxy


async def bytes_of_an_append(proxy: FaultProxy, log: PostgresLog) -> tuple[int, int]:
    """On a new connection: how much the request and the answer have, connecting included."""
    requested, answered = proxy.requested, proxy.answered
    await log.append(batch(GENESIS, 3), expected=GENESIS)
    return proxy.requested - requested, proxy.answered - answered


@pytest.mark.parametrize("way", ["request", "answer"])
async def test_wherever_the_connection_is_cut_the_outcome_is_told_rightly(
    way: str, proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        requested, answered = await bytes_of_an_append(proxy, log)
        head = (await postgres_log.read(START))[-1].head
        said: list[bool] = []
        size = requested if way == "request" else answered
        for after in [*range(0, size - 1, size // 40), size - 2, size - 1]:
            # A connection of which only the first so many bytes of an append get through.
            async with log_behind(proxy) as other:
                cuts = proxy.cuts
                if way == "request":
                    proxy.cut_request = Cut(after)
                else:
                    proxy.cut_answer = Cut(after)
                events = batch(head, 3, first=after)
                try:
                    await other.append(events, expected=head)
                    landed = True
                except LogUnavailable:
                    landed = False
                assert proxy.cuts == cuts + 1
            found = await postgres_log.read(head.position)
            assert found == (events if landed else [])
            head = await postgres_log.head()
            said.append(landed)
        verify(GENESIS, await postgres_log.read(START))
        # Cut before the request was whole: nothing. Cut in the answer to it: all of it.
        assert said == sorted(said)
        assert not said[0]
        assert said[-1] == (way == "answer")


async def test_an_append_that_landed_unheard_returns_normally(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        first = batch(GENESIS)
        await log.append(first, expected=GENESIS)
        proxy.cut_answer = Cut(0)
        second = batch(first[-1].head)
        await log.append(second, expected=first[-1].head)
        assert proxy.cuts == 1
        assert await postgres_log.read(START) == first + second


async def test_what_reaches_a_lost_session_late_is_never_appended(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        first = batch(GENESIS)
        await log.append(first, expected=GENESIS)
        proxy.cut_request = Cut(0, deliver_rest_in=0.5)
        with pytest.raises(LogUnavailable, match="nothing was appended"):
            await log.append(batch(first[-1].head), expected=first[-1].head)
        await asyncio.sleep(0.8)
        assert await postgres_log.read(START) == first


async def test_when_another_wrote_meanwhile_the_head_has_moved(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        first = batch(GENESIS)
        await log.append(first, expected=GENESIS)

        proxy.cut_request = Cut(0, then=lambda: setattr(proxy, "refusing", True))
        async with asyncio.TaskGroup() as tasks:
            appending = tasks.create_task(_moved(log, first[-1].head))
            await proxy.cut_made.wait()
            others = batch(first[-1].head, 1, first=99)
            await postgres_log.append(others, expected=first[-1].head)
            proxy.refusing = False
            await appending
        assert await postgres_log.read(START) == first + others


async def _moved(log: PostgresLog, head: Head) -> None:
    with pytest.raises(HeadMoved):
        await log.append(batch(head), expected=head)


async def test_an_outcome_that_can_not_be_found_out_in_time_is_unknown_until_read(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy, settle_within=0.5) as log:
        first = batch(GENESIS)
        await log.append(first, expected=GENESIS)
        proxy.cut_request = Cut(
            0, then=lambda: setattr(proxy, "refusing", True), deliver_rest_in=1.5
        )
        with pytest.raises(OutcomeUnknown):
            await log.append(batch(first[-1].head), expected=first[-1].head)
        with pytest.raises(LogUnavailable):
            await log.read(START)
        proxy.refusing = False
        # Once it can be read, it is settled: what is not there now does not come any more.
        assert await log.read(START) == first
        await asyncio.sleep(1.5)
        assert await postgres_log.read(START) == first
        again = batch(first[-1].head)
        await log.append(again, expected=first[-1].head)


async def test_a_cancelled_append_is_settled_before_the_next(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        first = batch(GENESIS)
        await log.append(first, expected=GENESIS)
        proxy.cut_request = Cut(0, deliver_rest_in=0.3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await log.append(batch(first[-1].head, 2), expected=first[-1].head)
        proxy.cut_request = None
        head = (await log.read(START))[-1].head
        await log.append(batch(head), expected=head)
        await asyncio.sleep(0.5)
        verify(GENESIS, await postgres_log.read(START))


async def test_postgres_killed_between_the_commit_and_the_answer(open_folder: Path) -> None:
    data, sockets = open_folder / "data", open_folder / "proxy"
    sockets.mkdir()
    with DataFolder.open(data) as folder:
        async with (
            EmbeddedPostgres.running(folder) as postgres,
            FaultProxy.before(postgres.dsn, sockets) as proxy,
            log_behind(proxy) as log,
        ):
            first = batch(GENESIS)
            await log.append(first, expected=GENESIS)
            killed = postgres.pid
            assert killed is not None
            proxy.cut_answer = Cut(0, then=lambda: os.kill(killed, signal.SIGKILL))
            second = batch(first[-1].head, 2)
            await log.append(second, expected=first[-1].head)
            assert postgres.pid != killed
            assert await log.read(START) == first + second


async def test_all_that_was_acknowledged_outlives_a_postgres_that_keeps_being_killed(
    open_folder: Path,
) -> None:
    with DataFolder.open(open_folder / "data") as folder:
        async with (
            EmbeddedPostgres.running(folder) as postgres,
            PostgresPool.open(postgres.dsn) as pool,
            PostgresLog.open(pool) as log,
        ):
            acknowledged: list[Recorded] = []
            async with asyncio.timeout(60):
                for number in range(90):
                    if number % 30 == 15 and postgres.pid is not None:
                        os.kill(postgres.pid, signal.SIGKILL)
                    acknowledged += await _appended_at_last(log, number)
            assert await log.read(START) == acknowledged


async def _appended_at_last(log: PostgresLog, number: int) -> list[Recorded]:
    while True:
        try:
            head = await log.head()
            events = batch(head, 2, first=number)
            await log.append(events, expected=head)
        except LogUnavailable:
            await asyncio.sleep(0.05)
        else:
            return events
