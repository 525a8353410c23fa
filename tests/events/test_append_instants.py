"""An append that something happens to at each possible instant, in each way: told as it became.

The instants are counted in bytes of one append on a connection that is in use already, so that a
request is Bind, Execute and Sync, and nothing else. Postgres executes at Execute and commits at
Sync. All bytes one by one: ECN_EVERY_BYTE=1.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events import postgres_append, postgres_pool
from events.envelope import GENESIS, Head, verify
from events.ids import START
from events.log import LogUnavailable, OutcomeUnknown
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.events.builders import batch
from tests.events.test_append_settles import log_behind
from tests.fault_proxy import Cut, FaultProxy, Hold

pytestmark = pytest.mark.postgres

STEP = 1 if os.environ.get("ECN_EVERY_BYTE") else 9
EXECUTE, SYNC = 10, 5
"""Bytes of those two messages, with which a request ends."""


@pytest.fixture
async def proxy(postgres_dsn: str, open_folder: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.before(postgres_dsn, open_folder) as proxy:
        yield proxy


class Scene:
    """A log behind a proxy, and the same log seen directly."""

    def __init__(self, proxy: FaultProxy, log: PostgresLog, truth: PostgresLog) -> None:
        self.proxy, self.log, self.truth = proxy, log, truth
        self.head: Head = GENESIS
        self.number = 0

    async def append(self) -> bool:
        """Whether it is told that it was appended; asserts that this is so, and stays so."""
        self.number += 1
        events = batch(self.head, 1, first=self.number)
        try:
            await self.log.append(events, expected=self.head)
            landed = True
        except LogUnavailable:
            landed = False
        except OutcomeUnknown:
            # Reading settles it: the database may be away yet, and then reading says so.
            landed = bool(await self._read_at_last())
        found = await self._truth()
        assert found == (events if landed else [])
        self.head = events[-1].head if landed else self.head
        return landed

    async def warm(self) -> tuple[int, int]:
        """An append on a connection that has made one: bytes of its request and its answer."""
        # Once more if need be: the last connection may have ended right behind its last answer.
        assert await self.append() or await self.append()
        requested, answered = self.proxy.requested, self.proxy.answered
        assert await self.append()
        return self.proxy.requested - requested, self.proxy.answered - answered

    async def _read_at_last(self) -> list[object]:
        async with asyncio.timeout(30):
            while True:
                try:
                    return list(await self.log.read(self.head.position))
                except LogUnavailable:
                    await asyncio.sleep(0.05)

    async def _truth(self) -> list[object]:
        async with asyncio.timeout(30):
            while True:
                try:
                    return list(await self.truth.read(self.head.position))
                except LogUnavailable:
                    await asyncio.sleep(0.05)


async def test_cut_after_each_byte_of_the_request_nothing_was_appended(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        scene = Scene(proxy, log, postgres_log)
        size, _ = await scene.warm()
        for after in sorted({*range(0, size, STEP), *range(size - EXECUTE - SYNC - 2, size)}):
            await scene.warm()
            proxy.cut_request = Cut(after)
            assert not await scene.append(), after
            assert proxy.cut_request is None
        verify(GENESIS, await postgres_log.read(START))


async def test_cut_after_each_byte_of_the_answer_it_was_appended(
    proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        scene = Scene(proxy, log, postgres_log)
        _, size = await scene.warm()
        for after in range(size):
            await scene.warm()
            proxy.cut_answer = Cut(after)
            assert await scene.append(), after
            assert proxy.cut_answer is None
        verify(GENESIS, await postgres_log.read(START))


INSTANTS = ("nothing sent", "Bind", "all but Sync", "all sent", "answer begun", "answer but a byte")


def held_at(proxy: FaultProxy, sizes: tuple[int, int], instant: str, hold: Hold) -> None:
    """Have the connection held there, by that."""
    requested, answered = sizes
    after = {
        "nothing sent": 0,
        "Bind": requested // 2,
        "all but Sync": requested - SYNC,
        "all sent": 0,
        "answer begun": answered // 2,
        "answer but a byte": answered - 1,
    }[instant]
    hold.after = after
    if instant in INSTANTS[:3]:
        proxy.hold_request = hold
    else:
        proxy.hold_answer = hold


@pytest.mark.parametrize("instant", INSTANTS)
async def test_a_connection_that_hangs(
    instant: str,
    proxy: FaultProxy,
    postgres_log: PostgresLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_append, "APPEND_WITHIN", 0.6)
    monkeypatch.setattr(postgres_pool, "CLIENT_GRACE", 0.3)
    async with log_behind(proxy) as log:
        scene = Scene(proxy, log, postgres_log)
        never = asyncio.Event()

        async def hang() -> None:
            await never.wait()

        for _ in range(2):
            held_at(proxy, await scene.warm(), instant, Hold(0, hang))
            landed = await scene.append()
            assert landed == (instant in INSTANTS[3:])
        never.set()  # what was held back reaches a session that is not there any more
        await asyncio.sleep(0.3)
        assert await scene.append()
        verify(GENESIS, await postgres_log.read(START))


@pytest.mark.parametrize("instant", INSTANTS)
async def test_postgres_ends_the_session(
    instant: str, postgres_dsn: str, proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        scene = Scene(proxy, log, postgres_log)

        async def terminate() -> None:
            connection = await asyncpg.connect(postgres_dsn)
            try:
                await connection.fetch(
                    "select pg_terminate_backend(pid, 2000) from pg_stat_activity "
                    "where application_name ^@ 'ecn-append' and datname = current_database()"
                )
            finally:
                await connection.close()

        for _ in range(5):
            held_at(proxy, await scene.warm(), instant, Hold(0, terminate))
            landed = await scene.append()
            assert landed == (instant in INSTANTS[3:])
        verify(GENESIS, await postgres_log.read(START))


async def test_postgres_ends_the_session_while_it_waits_for_its_turn_to_write(
    postgres_dsn: str, proxy: FaultProxy, postgres_log: PostgresLog
) -> None:
    async with log_behind(proxy) as log:
        scene = Scene(proxy, log, postgres_log)
        await scene.warm()
        other = await asyncpg.connect(postgres_dsn)
        try:
            async with asyncio.TaskGroup() as tasks, other.transaction():
                await other.execute("select from ecn.head for update")
                appending = tasks.create_task(scene.append())
                waiting = (
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name ^@ 'ecn-append' and wait_event_type = 'Lock'"
                )
                for _ in range(500):
                    if await other.fetchval(waiting):
                        break
                    await asyncio.sleep(0.02)
            assert not await appending
        finally:
            await other.close()
        assert await scene.append()


async def test_postgres_is_killed_at_each_instant(open_folder: Path) -> None:
    (open_folder / "proxy").mkdir()
    with DataFolder.open(open_folder / "data") as folder:
        async with (
            EmbeddedPostgres.running(folder) as postgres,
            FaultProxy.before(postgres.dsn, open_folder / "proxy") as proxy,
            log_behind(proxy) as log,
            PostgresPool.open(postgres.dsn) as pool,
            PostgresLog.open(pool) as truth,
        ):
            scene = Scene(proxy, log, truth)

            async def kill() -> None:
                assert postgres.pid is not None
                os.kill(postgres.pid, signal.SIGKILL)
                await asyncio.sleep(0.1)

            for instant in INSTANTS:
                held_at(proxy, await scene.warm(), instant, Hold(0, kill))
                landed = await scene.append()
                assert landed == (instant in INSTANTS[3:]), instant
            verify(GENESIS, await truth.read(START))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.995, 1.0])
async def test_the_connection_that_asks_what_became_of_it_hangs_too(
    share: float, proxy: FaultProxy, postgres_log: PostgresLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_append, "APPEND_WITHIN", 0.6)
    monkeypatch.setattr(postgres_pool, "CLIENT_GRACE", 0.3)
    monkeypatch.setattr(postgres_pool, "CONNECT_WITHIN", 1.0)
    async with log_behind(proxy, settle_within=0.5) as log:
        scene = Scene(proxy, log, postgres_log)
        size, _ = await scene.warm()
        before = proxy.requested
        proxy.cut_request = Cut(0)
        assert not await scene.append()
        asking = proxy.requested - before - size
        await scene.warm()
        never = asyncio.Event()

        async def hang() -> None:
            await never.wait()

        async def hang_and_let_the_next_hang() -> None:
            proxy.hold_request = Hold(round(share * asking) - 1, hang)
            await never.wait()

        proxy.hold_answer = Hold(0, hang_and_let_the_next_hang)
        async with asyncio.timeout(20):
            assert await scene.append()
        proxy.hold_request = None
        async with asyncio.timeout(10):
            assert await scene.append() or await scene.append()
        never.set()
        verify(GENESIS, await postgres_log.read(START))
