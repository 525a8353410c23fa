"""A controller starts from the rows that the last one kept, or from the log if there are none."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest

from ecn.api.replay_documents import LogReplay
from ecn.start_world import world_at_start
from events.envelope import GENESIS
from events.log import MemoryLog
from projections.view_store import MemoryViews
from projections.world import World, fold
from tests.builders import history, registered
from tests.ecn.controller_process import ControllerProcess


@pytest.fixture
def controller(open_folder: Path) -> Iterator[ControllerProcess]:
    process = ControllerProcess(open_folder / "data")
    yield process
    process.end()


def told(controller: ControllerProcess, event: str) -> list[dict[str, object]]:
    """What it said of that, in its own log."""
    lines = [json.loads(line) for line in controller.output().splitlines() if line[:1] == "{"]
    return [line for line in lines if line["event"] == event]


async def until(check: Callable[[], bool]) -> None:
    """Until it is so."""
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110  # the other process tells nobody
            await asyncio.sleep(0.05)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def register(
    controller: ControllerProcess, session: aiohttp.ClientSession, name: str
) -> None:
    """One node more."""
    async with session.post(
        f"{controller.url}/api/v1/nodes", json={"name": name}, headers=controller.authorization()
    ) as response:
        assert response.status == 201


async def replayed(controller: ControllerProcess, session: aiohttp.ClientSession) -> LogReplay:
    """What came of `ecn replay`."""
    async with session.get(
        f"{controller.url}/api/v1/log/replay", headers=controller.authorization()
    ) as response:
        assert response.status == 200
        lines = (await response.read()).splitlines()
        return msgspec.json.decode(lines[-1], type=LogReplay)


def compared(outcome: LogReplay) -> tuple[str, str]:
    """The live world, and the rows."""
    assert outcome.live is not None
    assert outcome.views is not None
    return outcome.live.compared, outcome.views.compared


async def connected(controller: ControllerProcess) -> asyncpg.Connection:
    """To its Postgres."""
    return await asyncpg.connect(
        user="ecn",
        password=(controller.data / "postgres-password").read_text().strip(),
        host=str(controller.data / "postgres-socket"),
        database="postgres",
    )


@pytest.mark.postgres
@pytest.mark.system
async def test_after_a_kill_it_goes_on_from_the_rows_and_with_them_damaged_from_the_log(
    controller: ControllerProcess, session: aiohttp.ClientSession
) -> None:
    controller.start()
    for number in range(5):
        await register(controller, session, f"n{number}")
    end = 2 + 5  # the first admin and its token
    connection = await connected(controller)
    async with asyncio.timeout(20):
        while await connection.fetchval("select position from ecn.view_position") != end:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await connection.close()
    controller.kill()

    controller.start()
    (start,) = told(controller, "replayed")
    assert (start["position"], start["from_views"], start["from_log"]) == (end, end, 0)
    outcome = await replayed(controller, session)
    assert outcome.same
    assert compared(outcome) == ("same", "same")

    connection = await connected(controller)
    await connection.execute("delete from ecn.view_row where view = 'nodes'")
    await connection.close()
    outcome = await replayed(controller, session)
    assert compared(outcome) == ("same", "different")
    controller.kill()

    controller.start()
    (start,) = told(controller, "replayed")
    assert (start["from_views"], start["from_log"]) == (0, end)
    assert told(controller, "views_ignored")
    await until(lambda: bool(told(controller, "views_compared")))
    assert (await replayed(controller, session)).same


async def test_a_start_is_the_same_with_and_without_rows() -> None:
    log = MemoryLog()
    views = MemoryViews(log)
    assert await world_at_start(log, views) == World()
    events = history(registered())
    await log.append(events, expected=GENESIS)
    assert await world_at_start(log, views) == fold(World(), events)
