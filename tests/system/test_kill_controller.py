"""`kill -9`, again and again, while clients write: nothing acknowledged is lost, nothing doubled.

Each client works on nodes of its own, one request after the other, each with a key of its own,
and repeats a request until it is answered. So every answer has to be a success: a 409 would be
a command that took effect although its retry did not know of it.
"""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from msgspec import Struct

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.envelope import GENESIS, Recorded, verify
from events.ids import START, Position
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
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


async def interrupt(controller: ControllerProcess, chance: random.Random) -> None:
    """Kill one of the two, or both."""
    postgres = controller.postgres_pid()
    what = chance.choice(["controller", "postgres", "both"])
    if what != "controller" and postgres is not None:
        with suppress(ProcessLookupError):
            os.kill(postgres, signal.SIGKILL)
    if what != "postgres":
        controller.kill()
        await asyncio.to_thread(controller.start)


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
    try:
        await asyncio.to_thread(controller.start)
        async with aiohttp.ClientSession(timeout=PATIENCE) as session:
            async with asyncio.TaskGroup() as tasks:
                for client in clients:
                    tasks.create_task(client.run(session))
                for _ in range(ROUNDS):
                    await asyncio.sleep(chance.uniform(0.05, 0.6))
                    await interrupt(controller, chance)
                await asyncio.sleep(0.3)
                for client in clients:
                    client.stopping = True
            async with session.get(
                f"{controller.url}/api/v1/nodes", headers=controller.authorization()
            ) as response:
                nodes = (await response.json())["items"]
        await asyncio.to_thread(controller.terminate)
    finally:
        controller.end()

    events = await history(controller.data)
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
