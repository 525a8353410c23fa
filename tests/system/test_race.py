"""Several controllers on one database, clients that race through all of them, kills in between.

Names, host ports and deletions are few and shared, so that nearly every request meets others. What
came of it is judged by race_checker.py. Longer: ECN_RACE_SECONDS=600; the same dice again:
ECN_RACE_SEED=…, printed with the figures (`pytest -s`).
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from events.background import beside
from events.envelope import Recorded
from events.ids import START, Position, new_id
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.ecn.controller_process import ControllerProcess
from tests.system.race_checker import check
from tests.system.race_history import Asked, Attempt, History, Reading, Sighting
from tests.system.race_meaning import content

pytestmark = [pytest.mark.postgres, pytest.mark.system]

SECONDS = float(os.environ.get("ECN_RACE_SECONDS", "12"))
CONTROLLERS, CLIENTS = 3, 10
PATIENCE = aiohttp.ClientTimeout(total=25)
RETRY_FOR = 30.0
"""Seconds that a client repeats what it got no answer to."""


class Race:
    """What all clients share."""

    def __init__(self, controllers: list[ControllerProcess], seed: int) -> None:
        self.controllers = controllers
        self.seed = seed
        self.history = History()
        self.headers: dict[str, str] = {}
        self.over = False
        self.known = 0
        """The latest position that any answer named."""
        self.faults: Counter[str] = Counter()

    async def sight(self, dsn: str) -> None:
        """Look where the log ends, all the time."""
        connection = await asyncpg.connect(dsn)
        try:
            while True:
                began = time.monotonic()
                position = await connection.fetchval("select position from ecn.head")
                sighting = Sighting(began=began, ended=time.monotonic(), position=position)
                self.history.sightings.append(sighting)
                await asyncio.sleep(0.001)
        finally:
            connection.terminate()

    async def interrupt(self) -> None:
        """Kill one controller and start it again, or let it stand still for a while."""
        chance = random.Random(self.seed)
        while not self.over:
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            victim = chance.choice(self.controllers)
            if chance.random() < 0.6:
                self.faults["kill -9"] += 1
                victim.kill()
                await asyncio.to_thread(victim.start)
            else:
                self.faults["stopped for a while"] += 1
                victim.process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(chance.uniform(0.1, 1.5))
                victim.process.send_signal(signal.SIGCONT)


class Client:
    """Asks one thing after the other; what it gets no answer to, it repeats if it has a key."""

    def __init__(self, race: Race, number: int, session: aiohttp.ClientSession) -> None:
        self.race, self.number, self.session = race, number, session
        self.random = random.Random(f"{race.seed} {number}")
        self.last_key = ""

    async def run(self) -> None:
        """Until the race is over."""
        while not self.race.over:
            if self.random.random() < 0.2:
                await self.read()
                continue
            asked, chance = self.request(), self.random.random()
            if chance < 0.4:
                await self.attempt(asked, None)
            elif chance < 0.43 and self.last_key:
                await self.attempt(asked, self.last_key)
            else:
                self.last_key = f"key-{self.number}-{new_id()}"
                if self.random.random() < 0.15:
                    # Impatient: the retry is sent before the first has been answered.
                    await asyncio.gather(*(self.insist(asked, self.last_key) for _ in range(2)))
                await self.insist(asked, self.last_key)

    async def insist(self, asked: Asked, key: str) -> None:
        """Repeat it until there is an answer."""
        until = time.monotonic() + RETRY_FOR
        while time.monotonic() < until:
            if await self.attempt(asked, key) not in (0, 503):
                return
            await asyncio.sleep(0.03)

    async def attempt(self, asked: Asked, key: str | None) -> int:
        """Ask some controller once; the status, 0 for no answer."""
        race, controller = self.race, self.random.choice(self.race.controllers)
        request_id = new_id()
        headers = {**race.headers, "X-Request-Id": request_id, "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        began, status, replayed = time.monotonic(), 0, False
        answer: dict[str, object] = {}
        try:
            async with self.session.request(
                asked.method,
                f"{controller.url}/api/v1{asked.path}",
                data=content(asked),
                headers=headers,
            ) as response:
                answer = await response.json(content_type=None)
                replayed = "Idempotency-Replayed" in response.headers
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            pass
        position = answer.get("position")
        if isinstance(position, int):
            race.known = max(race.known, position)
        race.history.attempts.append(
            Attempt(
                request_id=request_id,
                controller=controller.data.name,
                actor="user/admin",
                asked=asked,
                key=key,
                began=began,
                ended=time.monotonic(),
                status=status,
                answer=answer if status else {},
                replayed=replayed,
            )
        )
        return status

    async def read(self) -> None:
        """A list, maybe of at least what somebody was told."""
        race, controller = self.race, self.random.choice(self.race.controllers)
        path = self.random.choice(("/nodes", "/microservices"))
        at_least = race.known if self.random.random() < 0.6 else None
        query = "" if at_least is None else f"?at_least={at_least}"
        request_id, began = new_id(), time.monotonic()
        headers = {**race.headers, "X-Request-Id": request_id}
        try:
            async with self.session.get(
                f"{controller.url}/api/v1{path}{query}", headers=headers
            ) as response:
                document = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return
        if response.status == 503:
            return  # not as far yet: the controller stood still, say
        assert response.status == 200, document
        race.history.readings.append(
            Reading(
                request_id=request_id,
                controller=controller.data.name,
                path=path,
                at_least=at_least,
                began=began,
                ended=time.monotonic(),
                position=document["position"],
                items=document["items"],
            )
        )

    def request(self) -> Asked:
        """Something that others want too."""
        dice = self.random
        node, app = dice.choice("abcd"), dice.choice(("shop", "bank", "club"))
        service = f"{app}/{dice.choice('uvw')}"
        body: object = None
        match dice.choices(range(14), (18, 9, 9, 4, 4, 14, 4, 12, 10, 5, 6, 4, 3, 3))[0]:
            case 0:
                method, path, body = "POST", "/nodes", {"name": node}
            case 1:
                method, path, body = "PATCH", f"/nodes/{node}", {"name": dice.choice("abcd")}
            case 2:
                labels = {"labels": {"by": f"{self.number}-{dice.randrange(10**6)}"}}
                method, path, body = "PATCH", f"/nodes/{node}", {"settings": labels}
            case 3:
                method, path = "DELETE", f"/nodes/{node}"
            case 4:
                method, path = "DELETE", f"/nodes/{node}?force=true"
            case 5:
                services = [self.service(name) for name in dice.sample("uvw", dice.randint(0, 2))]
                method, path, body = "PUT", f"/applications/{app}", {"microservices": services}
            case 6:
                method, path = "DELETE", f"/applications/{app}"
            case 7:
                path = f"/applications/{app}/microservices"
                method, body = "POST", self.service(dice.choice("uvw"))
            case 8:
                method, path, body = "PATCH", f"/microservices/{service}", {"ports": self.ports()}
            case 9:
                method, path = "DELETE", f"/microservices/{service}"
            case 10:
                method, path, body = "POST", f"/microservices/{service}/move", {"node": node}
            case 11:
                url = {"url": f"{dice.randrange(3)}.example"}
                method, path, body = "PUT", f"/registries/{dice.choice('xy')}", url
            case 12:
                method, path = "DELETE", f"/registries/{dice.choice('xy')}"
            case _:
                method = "POST"
                path = f"/applications/{app}/{dice.choice(('start', 'stop'))}"
        return Asked(method=method, path=path, body=body)

    def service(self, name: str) -> dict[str, object]:
        """A manifest: on one of the few nodes, with some of the few ports."""
        service: dict[str, object] = {"name": name, "image": "web:1", "ports": self.ports()}
        service["node"] = self.random.choice("abcd")
        if self.random.random() < 0.3:
            service["registry"] = self.random.choice("xy")
        return service

    def ports(self) -> list[object]:
        """None, one or two of three."""
        hosts = self.random.sample((80, 81, 82), self.random.randint(0, 2))
        return [{"host": host, "container": 80} for host in hosts]


@asynccontextmanager
async def started(dsn: str, folder: Path, seed: int) -> AsyncIterator[Race]:
    """The controllers, each a process of its own over the same database."""
    key = folder / "master.key"
    key.write_text("ab" * 32)
    environment = {"ECN_DATABASE_URL": dsn, "ECN_MASTER_KEY_FILE": str(key)}
    controllers = [
        ControllerProcess(folder / f"controller-{number}", environment=environment)
        for number in range(CONTROLLERS)
    ]
    race = Race(controllers, seed)
    try:
        # The first alone: it makes the admin, whose token all clients use.
        await asyncio.to_thread(controllers[0].start)
        race.headers = controllers[0].authorization()
        await asyncio.gather(*(asyncio.to_thread(each.start) for each in controllers[1:]))
        yield race
    finally:
        for each in controllers:
            each.process.send_signal(signal.SIGCONT)
        await asyncio.gather(*(asyncio.to_thread(each.end) for each in controllers))


async def whole_log(dsn: str) -> list[Recorded]:
    """As it stands in Postgres."""
    async with PostgresPool.open(dsn) as pool, PostgresLog.open(pool) as log:
        events: list[Recorded] = []
        while page := await log.read(Position(len(events) or START)):
            events += page
        return events


@pytest.mark.timeout(120 + 4 * SECONDS)
async def test_whatever_races_and_dies_every_answer_is_true_of_one_log(
    postgres_dsn: str, open_folder: Path
) -> None:
    seed = int(os.environ.get("ECN_RACE_SEED", str(time.time_ns())))
    async with started(postgres_dsn, open_folder, seed) as race:
        since = Position(len(await whole_log(postgres_dsn)))
        # No connection is used twice: aiohttp would repeat some requests by itself.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, connector=connector) as session,
            beside(race.sight(postgres_dsn)),
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(CLIENTS):
                tasks.create_task(Client(race, number, session).run())
            tasks.create_task(race.interrupt())
            await asyncio.sleep(SECONDS)
            race.over = True
    events = await whole_log(postgres_dsn)
    violations = check(race.history, events, since)
    statuses = Counter(each.status for each in race.history.attempts)
    sys.stdout.write(
        f"\nseed {seed}: {len(events)} events, {len(race.history.attempts)} attempts by status "
        f"{dict(sorted(statuses.items()))}, {len(race.history.readings)} readings, "
        f"{len(race.history.sightings)} sightings, {dict(race.faults)}\n"
    )
    shown = "\n".join(f"{each.what}: {each.detail}" for each in violations[:10])
    assert not violations, f"seed {seed}: {len(violations)} violations, such as\n{shown}"
    # It was a race, and it was disturbed.
    assert statuses[201] > SECONDS
    assert statuses[409] > SECONDS
    assert race.faults["kill -9"] > 0
