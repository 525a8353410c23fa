"""Thousands of agents that lose the same controller, and find it again: does it do any harm?

`python -m tests.benchmarks.agent_reconnect [AGENTS [SECONDS_AWAY]]` needs two sockets for each
agent, in the controller and here: 9000 agents fit below a limit of 20,000 open files.

Each agent is the real uplink with the real client, over a journal in memory; all of them live in
one process of their own. The controller is a real one over a real Postgres; it is killed and
started again. An operator asks all the while: what its answers take is told beside what they take
when nothing happens, and beside a restart of the controller without any agents.
"""

import asyncio
import logging
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import cast

import aiohttp
import structlog

from agent.contract import Facts, ReportAnswer
from agent.docker.engine import DockerEngine
from agent.errors import AgentError
from agent.link.controller_client import ControllerClient
from agent.link.streams import Streams
from agent.link.uplink import HOLD, Uplink
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.outbox import Pending as Untold
from agent.storage.store import Folder
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from ecn.vault import hash_of
from events.application import ApplicationCreated, MicroserviceCreated, MicroserviceSpec
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId
from events.node import NodeFacts, NodeProvisioned, NodeRegistered, NodeSettings
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.builders import chained
from tests.ecn.controller_process import ControllerProcess

AGENTS = 9000
AWAY = 20.0
IDLE = 20.0
WITHIN = 300.0
PORTION = 3000


class NothingToTell:
    """A journal in memory: an agent on which nothing happens."""

    def pending(self, most: int = 0) -> Untold:
        """Nothing."""
        return Untold()

    def accepted(self, through: int) -> bool:
        """Of nothing."""
        return True


class NoDisk:
    """A folder that keeps nothing."""

    def keep_desired_state(self, known: Known) -> None:
        """Forget it."""


class Tally:
    """What all agents did, second by second."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.refused: Counter[str] = Counter()
        self.heard: dict[tuple[int, str], float] = {}
        """By agent and side of the link, when the question was asked that was answered first."""

    def missing(self, agents: int) -> str:
        """Who has not, in numbers."""
        return f"{2 * agents - len(self.heard)} of {2 * agents} sides; {dict(self.refused)}"

    def last(self, agents: int) -> float | None:
        """When the last side of the last agent got through; None: not all have."""
        return max(self.heard.values()) if len(self.heard) == 2 * agents else None


class Counted(ControllerClient):
    """The agent's client, and a tally of what it does."""

    def __init__(self, url: str, number: int, tally: Tally) -> None:
        super().__init__(url, credential=f"c{number}")
        self._number, self._tally = number, tally

    async def desired_state(self, since: int | None, wait: float) -> object:  # type: ignore[override]
        """See ControllerClient."""
        self._tally.asked[int(time.time())] += 1
        before = time.time()
        try:
            answer = await super().desired_state(since, wait)
        except AgentError as error:
            self._count(error)
            raise
        self._tally.heard.setdefault((self._number, "f"), before)
        return answer

    async def report(self, document: object, *, within: float = 20.0) -> ReportAnswer:
        """See ControllerClient."""
        self._tally.asked[int(time.time())] += 1
        try:
            answer = await super().report(document, within=within)  # type: ignore[arg-type]
        except AgentError as error:
            self._count(error)
            raise
        self._tally.heard.setdefault((self._number, "r"), time.time())
        return answer

    def _count(self, error: AgentError) -> None:
        words = str(error)
        refused = "refused" if "Connect call failed" in words else words.partition("/api")[0][:60]
        self._tally.refused[refused] += 1


class Agents:
    """All of them, in a process of their own; asked through a pipe."""

    def __init__(self, url: str, count: int) -> None:
        self._pipe, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_agents, args=(url, count, there), daemon=True
        )
        self._process.start()

    def ask(self, question: tuple[str, float]) -> object:
        """Blocks for some milliseconds."""
        self._pipe.send(question)
        return self._pipe.recv()

    def end(self) -> None:
        """All of them."""
        self._process.terminate()
        self._process.join(10)


def _agents(url: str, count: int, pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(_run(url, count, pipe))


async def _run(url: str, count: int, pipe: Connection) -> None:
    tally, loop = Tally(), asyncio.get_running_loop()

    def answer() -> None:
        what, moment = cast(tuple[str, float], pipe.recv())
        match what:
            case "last":
                pipe.send(tally.last(count))
            case "missing":
                pipe.send(tally.missing(count))
            case "forget":
                tally.heard.clear()
                tally.refused.clear()
                pipe.send(None)
            case "asked":
                pipe.send({s: n for s, n in tally.asked.items() if s >= moment})
            case "refused":
                pipe.send(dict(tally.refused))

    loop.add_reader(pipe.fileno(), answer)
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(_one(url, number, tally))
            if number % 100 == 0:
                await asyncio.sleep(0.2)


async def _one(url: str, number: int, tally: Tally) -> None:
    async with Counted(url, number, tally) as client:
        streams = Streams(f"n{number}", cast(DockerEngine, None), client)
        await Uplink(
            client,
            cast(Folder, NoDisk()),
            cast(Journal, NothingToTell()),
            streams,
            None,
            lambda known: None,
            lambda: Facts(),
        ).run()


class Operator:
    """Somebody who looks at a node, ten times a second."""

    def __init__(self, controller: ControllerProcess) -> None:
        self._controller = controller
        self.took: list[tuple[float, float]] = []
        self.failed: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        headers = self._controller.authorization()
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                began = time.time()
                try:
                    async with session.get(
                        f"{self._controller.url}/api/v1/nodes/n7",
                        timeout=aiohttp.ClientTimeout(total=10),
                    ) as response:
                        await response.read()
                        if response.status != 200:
                            self.failed[str(response.status)] += 1
                    self.took.append((began, time.time() - began))
                except (aiohttp.ClientError, OSError) as error:
                    self.failed[type(error).__name__] += 1
                await asyncio.sleep(0.1)

    def between(self, start: float, end: float) -> list[float]:
        """Milliseconds."""
        return [took * 1000 for began, took in self.took if start <= began < end] or [0.0]


def words(milliseconds: list[float]) -> str:
    """Median, 99th percentile, longest."""
    p99 = quantiles(milliseconds, n=100)[98] if len(milliseconds) > 1 else milliseconds[0]
    return f"median {median(milliseconds):.1f}, p99 {p99:.1f}, longest {max(milliseconds):.1f} ms"


async def fill(dsn: str, agents: int) -> None:
    """So many nodes with a device and a microservice each, behind what is in the log."""
    shop = ApplicationId("shop")
    happened: list[KnownEvent] = [ApplicationCreated(application_id=shop, name="shop")]
    for number in range(agents):
        node_id = NodeId(f"n{number}")
        happened += [
            NodeRegistered(node_id=node_id, name=f"n{number}", settings=NodeSettings()),
            NodeProvisioned(
                node_id=node_id,
                key_hash=f"k{number}",
                credential_hash=hash_of(f"c{number}"),
                facts=NodeFacts(),
            ),
            MicroserviceCreated(
                microservice_id=MicroserviceId(f"m{number}"),
                application_id=shop,
                node_id=node_id,
                name=f"m{number}",
                spec=MicroserviceSpec(image="shop/web:1"),
            ),
        ]
    async with PostgresPool.open(dsn) as pool, PostgresLog.open(pool) as log:
        for start in range(0, len(happened), PORTION):
            head, now = await log.head(), datetime.now(UTC)
            events = chained(head, *happened[start : start + PORTION], now=now)
            await log.append(events, expected=head)


@asynccontextmanager
async def controller() -> AsyncIterator[tuple[ControllerProcess, str]]:
    """One over a Postgres that outlives it."""
    path = Path(tempfile.mkdtemp(prefix="ecn-reconnect-", dir="/var/tmp"))
    path.chmod(0o711)  # noqa: ASYNC240 - nothing else runs yet
    try:
        with DataFolder.open(path / "postgres") as folder:
            async with EmbeddedPostgres.running(folder) as postgres:
                one = ControllerProcess(path / "controller", "--database-url", postgres.dsn)
                one.start()
                try:
                    yield one, postgres.dsn
                finally:
                    one.end()
    finally:
        shutil.rmtree(path, ignore_errors=True)


async def measure(agents: int, away: float) -> None:
    """See the module."""
    async with controller() as (one, dsn), asyncio.TaskGroup() as tasks:
        await fill(dsn, agents)
        await asyncio.sleep(5)
        operator = Operator(one)
        asking = tasks.create_task(operator.run())
        began = time.time()
        await asyncio.sleep(IDLE / 2)
        show(f"without agents, an operator's GET: {words(operator.between(began, time.time()))}")
        one.kill()
        await asyncio.to_thread(one.start)
        ready = time.time()
        await asyncio.sleep(IDLE / 2)
        show(f"after a restart, still without: {words(operator.between(ready, time.time()))}")
        fleet = Agents(one.url, agents)
        try:
            began = time.time()
            await _until_back(fleet)
            show(f"{agents} agents connected within {time.time() - began:.0f} s")
            await asyncio.sleep(HOLD)
            began = time.time()
            await asyncio.sleep(IDLE)
            idle = operator.between(began, time.time())
            steady = await _asked(fleet, began)
            show(f"with them, at rest ({steady / IDLE:.0f} requests/s): {words(idle)}")
            gone = time.time()
            one.kill()
            await asyncio.sleep(away / 2)
            fleet.ask(("forget", 0.0))
            await asyncio.sleep(away / 2)
            await asyncio.to_thread(one.start)
            ready = time.time()
            operator.failed.clear()
            last = await _until_back(fleet)
            busy = operator.between(ready, last)
            per_second = cast(dict[int, int], fleet.ask(("asked", ready)))
            show(f"killed, and ready again {ready - gone:.0f} s later; all are back after "
                 f"{last - ready:.0f} s")  # fmt: skip
            total = sum(n for second, n in per_second.items() if second <= last)
            show(f"busiest second: {max(per_second.values())} requests; "
                 f"mean {total / (last - ready):.0f}")  # fmt: skip
            show(f"an operator's GET meanwhile: {words(busy)}: median "
                 f"{median(busy) / median(idle):.1f} times that at rest")  # fmt: skip
            show(f"operator's errors after it was ready: {dict(operator.failed) or 'none'}")
            show(f"what agents were told while it was away: {fleet.ask(('refused', 0.0))}")
        finally:
            fleet.end()
            asking.cancel()


async def _until_back(fleet: Agents) -> float:
    """When the last of them got through since they were told to forget."""
    deadline = time.time() + WITHIN
    while time.time() < deadline:
        last = await asyncio.to_thread(fleet.ask, ("last", 0.0))
        if last is not None:
            return cast(float, last)
        await asyncio.sleep(1)
    missing = await asyncio.to_thread(fleet.ask, ("missing", 0.0))
    raise TimeoutError(f"not all got through within {WITHIN:.0f} s: {missing}")


async def _asked(fleet: Agents, since: float) -> int:
    per_second = cast(dict[int, int], await asyncio.to_thread(fleet.ask, ("asked", since)))
    return sum(per_second.values())


def show(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    given = sys.argv[1:]
    asyncio.run(measure(int(given[0]) if given else AGENTS, float(given[1]) if given[1:] else AWAY))
