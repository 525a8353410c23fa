"""`kill -9`, again and again, while clients write: nothing acknowledged is lost, nothing doubled.

Of the controller, of its Postgres, of both at once. Each start has to work, from the rows of views
and the tail of the log where there are any; and what it starts with is what follows from the log.

Each client works on nodes of its own, one request after the other, each with a key of its own,
and repeats a request until it is answered. So every answer has to be a success: a 409 would be
a command that took effect although its retry did not know of it.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from msgspec import Struct

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from ecn.start_world import world_at_start
from events.envelope import GENESIS, Recorded, verify
from events.ids import START, Position
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.postgres_views import PostgresViews
from projections.world import World, fold
from tests.ecn.controller_process import ControllerProcess

pytestmark = [pytest.mark.postgres, pytest.mark.system]

ROUNDS = int(os.environ.get("ECN_KILL_ROUNDS", "10"))
CLIENTS = 6
PATIENCE = aiohttp.ClientTimeout(total=10)


class Acknowledged(Struct, frozen=True):
    """What a client was told."""

    position: int
    command_id: str
    subject: str
    events: list[str]


class Client:
    """Registers, changes and deletes nodes of its own until it is told to stop."""

    def __init__(self, name: str, controller: ControllerProcess, seed: int) -> None:
        self.name = name
        self.controller = controller
        self.random = random.Random(seed)
        self.stopping = False
        self.acknowledged: list[Acknowledged] = []
        self.labels: dict[str, str] = {}
        """What its nodes have to be like: name -> its label."""
        self.retried = 0

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Work."""
        number = 0
        while not self.stopping:
            number += 1
            choice = self.random.random()
            if choice < 0.5 or not self.labels:
                node, label = f"{self.name}-{number}", "new"
                body: object = {"name": node, "settings": {"labels": {"at": label}}}
                await self.told(session, "POST", "/nodes", body, number)
                self.labels[node] = label
                continue
            node = self.random.choice(sorted(self.labels))
            if choice < 0.85:
                label = str(number)
                body = {"settings": {"labels": {"at": label}}}
                await self.told(session, "PATCH", f"/nodes/{node}", body, number)
                self.labels[node] = label
            else:
                await self.told(session, "DELETE", f"/nodes/{node}", None, number)
                del self.labels[node]

    async def told(
        self, session: aiohttp.ClientSession, method: str, path: str, body: object, number: int
    ) -> None:
        """Ask until there is an answer."""
        headers = {
            **self.controller.authorization(),
            "Idempotency-Key": f"{self.name}-{number}",
        }
        url = f"{self.controller.url}/api/v1{path}"
        while True:
            try:
                async with session.request(method, url, json=body, headers=headers) as response:
                    status, document = response.status, await response.json()
            except (aiohttp.ClientError, OSError, TimeoutError):
                status, document = 0, {}
            if status not in (0, 503):
                break
            self.retried += 1
            await asyncio.sleep(0.02)
        assert status in (200, 201), f"{method} {path}: {document}"
        self.acknowledged.append(
            Acknowledged(
                position=document["position"],
                command_id=document["command_id"],
                subject=document["subject"],
                events=document["events"],
            )
        )


class Starts(Struct):
    """What the starts said."""

    from_views: int = 0
    longest: float = 0.0
    """Seconds, of the process and its Postgres."""
    compared: int = 0
    """How often the log was folded anew beside a running controller, and held against it."""

    def note(self, controller: ControllerProcess, seconds: float) -> None:
        """Rows of views that are not what was written would have been said."""
        output = controller.output()
        assert "views_ignored" not in output, output
        assert "Traceback" not in output, output
        (replayed,) = (line for line in output.splitlines() if '"event": "replayed"' in line)
        self.from_views += json.loads(replayed)["from_views"] > 0
        self.longest = max(self.longest, seconds)

    async def compare(self, controller: ControllerProcess, session: aiohttp.ClientSession) -> None:
        """Have it fold its log anew: the world that it serves and the rows are what follows."""
        url = f"{controller.url}/api/v1/log/replay"
        async with session.get(url, headers=controller.authorization()) as response:
            content = await response.read()
            if response.status == 503:
                return  # its Postgres is not back yet
            assert response.status == 200, content
        last = json.loads(content.splitlines()[-1])
        if not last["done"]:
            return  # cut off by a kill
        assert last["same"], last
        self.compared += 1


async def interrupt(controller: ControllerProcess, chance: random.Random, starts: Starts) -> str:
    """Kill one of the two, or both. What was killed."""
    postgres = controller.postgres_pid()
    what = chance.choice(["controller", "postgres", "both"])
    if what != "controller" and postgres is not None:
        with suppress(ProcessLookupError):
            os.kill(postgres, signal.SIGKILL)
    if what != "postgres":
        controller.kill()
        began = time.monotonic()
        await asyncio.to_thread(controller.start)
        starts.note(controller, time.monotonic() - began)
    return what


async def started_from_views(data: Path, events: list[Recorded]) -> None:
    """The world that the next start would begin with is the fold of the whole log."""
    with DataFolder.open(data) as folder:
        async with (
            EmbeddedPostgres.running(folder) as postgres,
            PostgresPool.open(postgres.dsn) as pool,
            PostgresLog.open(pool) as log,
            PostgresViews.open(pool) as views,
        ):
            async with views.reading() as reading:
                assert reading.kept is not None
                assert reading.log_agrees
            assert await world_at_start(log, views) == fold(World(), events)


async def history(data: Path) -> list[Recorded]:
    """The whole log, as it stands in Postgres. The controller is stopped."""
    with DataFolder.open(data) as folder:
        async with (
            EmbeddedPostgres.running(folder) as postgres,
            PostgresPool.open(postgres.dsn) as pool,
            PostgresLog.open(pool) as log,
        ):
            events: list[Recorded] = []
            while page := await log.read(Position(len(events) or START), limit=5000):
                events += page
            return events


@pytest.mark.timeout(120 + 10 * ROUNDS)
async def test_what_was_acknowledged_is_there_once_whatever_was_killed(open_folder: Path) -> None:
    seed = int(os.environ.get("ECN_KILL_SEED", str(time.time_ns())))
    chance = random.Random(seed)
    controller = ControllerProcess(open_folder / "data")
    clients = [Client(f"c{number}", controller, seed + number) for number in range(CLIENTS)]
    starts, killed = Starts(), Counter[str]()
    try:
        await asyncio.to_thread(controller.start)
        async with aiohttp.ClientSession(timeout=PATIENCE) as session:
            async with asyncio.TaskGroup() as tasks:
                for client in clients:
                    tasks.create_task(client.run(session))
                for round_ in range(ROUNDS):
                    # Now and then long enough for the views to be written.
                    await asyncio.sleep(chance.choice((0.1, 0.3, 0.6, 2.5)) * chance.random())
                    killed[await interrupt(controller, chance, starts)] += 1
                    if round_ % 10 == 5:
                        await starts.compare(controller, session)
                await asyncio.sleep(2.5)
                for client in clients:
                    client.stopping = True
            await starts.compare(controller, session)
            assert starts.compared
            async with session.get(
                f"{controller.url}/api/v1/nodes", headers=controller.authorization()
            ) as response:
                nodes = (await response.json())["items"]
        await asyncio.to_thread(controller.terminate)
    finally:
        controller.end()

    events = await history(controller.data)
    await started_from_views(controller.data, events)
    sys.stdout.write(
        f"\nseed {seed}: killed {dict(killed)}, {len(events)} events, "
        f"{sum(len(each.acknowledged) for each in clients)} acknowledged, "
        f"{sum(each.retried for each in clients)} retries; {starts.from_views} starts from views, "
        f"the longest {starts.longest:.1f} s; {starts.compared} comparisons\n"
    )
    assert verify(GENESIS, events).position == len(events), f"seed {seed}"
    by_command: dict[str, list[Recorded]] = {}
    for event in events:
        by_command.setdefault(event.command_id, []).append(event)
    told = [each for client in clients for each in client.acknowledged]
    assert len({each.command_id for each in told}) == len(told)
    assert len(told) > 5 * ROUNDS, "hardly anything happened between the kills"
    for each in told:
        found = by_command.get(each.command_id, [])
        assert [event.type for event in found] == each.events, f"seed {seed}: {each}"
        assert found, f"seed {seed}: nothing came of {each}"
        assert found[-1].position == each.position
        assert {event.subject for event in found} == {each.subject}
    # Nothing happened that nobody asked for: the admin's two events are the only others.
    keyed = [event for event in events if event.command_id.startswith("key-")]
    assert {event.command_id for event in keyed} == {each.command_id for each in told}
    expected = {name: label for client in clients for name, label in client.labels.items()}
    assert {each["name"]: each["settings"]["labels"]["at"] for each in nodes} == expected
    assert sum(client.retried for client in clients) > 0
