"""How many messages an edge router moves, and how long one takes; beside bare SQLite and a deque.

    python -m tests.benchmarks.edge_router [--messages N]

Publishers on one side, an inbox that acknowledges on the other, bodies of 1 KB, all on one event
loop. Bare SQLite is the least that a durable message costs: inserted in one transaction, deleted in
another, of as many rows each as the router had in one.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from agent.messages.router import EdgeRouter
from agent.messages.routing import StoreFull
from routing.message import Message
from tests.agent.messages.running import known, route, running

BODY = bytes(range(256)) * 4
PUBLISHERS = 64
MOST = 100


async def moved(folder: Path, many: int, *, durable: bool) -> tuple[float, float, float]:
    """Messages per second, in how many per transaction, and seconds that the slowest took."""
    async with running(folder, known(route(durable=durable))) as router:
        await router.publish("a", Message(body=BODY))
        before = router.measures().commits
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(PUBLISHERS):
                tasks.create_task(_publish(router, many // PUBLISHERS))
            tasks.create_task(_take(router, many // PUBLISHERS * PUBLISHERS + 1))
        took = time.perf_counter() - began
        commits = max(1, router.measures().commits - before)
        return many / took, many / commits, took


async def _publish(router: EdgeRouter, many: int) -> None:
    for _ in range(many):
        while True:
            try:
                await router.publish("a", Message(body=BODY))
                break
            except StoreFull:
                await asyncio.sleep(0.001)


async def _take(router: EdgeRouter, many: int) -> None:
    inbox = router.inbox("b")
    taken = 0
    async with asyncio.TaskGroup() as tasks:
        while taken < many:
            deliveries = await inbox.next(MOST, 5.0)
            taken += len(deliveries)
            tasks.create_task(inbox.done(deliveries))


async def latency(folder: Path, per_second: int, seconds: float) -> list[float]:
    """Milliseconds from publishing to the receiver's hands, at a steady pace."""
    found: list[float] = []
    async with running(folder) as router:
        sent: dict[bytes, float] = {}

        async def publish(n: int) -> None:
            body = str(n).encode().ljust(1024)
            sent[body] = time.perf_counter()
            await router.publish("a", Message(body=body))

        async def take(many: int) -> None:
            inbox = router.inbox("b")
            while len(found) < many:
                deliveries = await inbox.next(MOST, 5.0)
                now = time.perf_counter()
                found.extend((now - sent.pop(d.message.body)) * 1000 for d in deliveries)
                await inbox.done(deliveries)

        many = int(per_second * seconds)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(take(many))
            began = time.perf_counter()
            for n in range(many):
                if (early := began + n / per_second - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                tasks.create_task(publish(n))
    return sorted(found)


def bare_sqlite(folder: Path, many: int, batch: int) -> float:
    """Rows per second, each inserted and deleted, in transactions of so many."""
    database = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    began = time.perf_counter()
    for first in range(0, many, batch):
        numbers = range(first, min(first + batch, many))
        database.execute("BEGIN")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(n, BODY) for n in numbers])
        database.execute("COMMIT")
        database.execute("BEGIN")
        database.executemany("DELETE FROM t WHERE n = ?", [(n,) for n in numbers])
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.close()
    return many / took


def bare_commits(folder: Path, many: int) -> list[float]:
    """Milliseconds of transactions of one row each, ascending."""
    database = sqlite3.connect(folder / "commits.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    took: list[float] = []
    for n in range(many):
        began = time.perf_counter()
        database.execute("INSERT INTO t VALUES (?, ?)", (n, BODY))
        took.append((time.perf_counter() - began) * 1000)
    database.close()
    return sorted(took)


def bare_deque(many: int) -> float:
    """Messages per second through a deque: made, put in, taken out."""
    waits: deque[Message] = deque()
    began = time.perf_counter()
    for _ in range(many):
        waits.append(Message(body=BODY))
        waits.popleft()
    return many / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=64_000)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        for each in ("durable", "memory", "pace"):
            (folder / each).mkdir()
        rate, batch, _ = asyncio.run(moved(folder / "durable", arguments.messages, durable=True))
        bare = bare_sqlite(folder, arguments.messages, max(1, round(batch)))
        show(
            f"durable: {rate:,.0f} messages/s, {batch:.0f} in one transaction; "
            f"bare SQLite {bare:,.0f}/s; ratio {rate / bare:.2f}"
        )
        rate, _, _ = asyncio.run(moved(folder / "memory", arguments.messages, durable=False))
        bare = bare_deque(arguments.messages)
        show(f"memory: {rate:,.0f} messages/s; a deque {bare:,.0f}/s; ratio {rate / bare:.3f}")
        times = asyncio.run(latency(folder / "pace", 1000, 10.0))
        commits = bare_commits(folder, 1000)
        show(
            f"at 1,000/s, durable: p50 {statistics.median(times):.2f} ms, "
            f"p99 {times[int(len(times) * 0.99)]:.2f} ms, worst {times[-1]:.2f} ms; "
            f"a bare commit: p50 {statistics.median(commits):.2f} ms, p99 {commits[989]:.2f} ms"
        )


def show(text: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
