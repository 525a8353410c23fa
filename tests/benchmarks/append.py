"""How fast batches are appended, beside single-row commits in the same run.

Run `python -m tests.benchmarks.append`, alone on the machine. Look at the ratios: the absolute
rate of the baseline says something about this disk and no more.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import asyncpg

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.envelope import GENESIS, Recorded
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from tests.events.builders import batch

SIZES = (1, 8, 64)
ROUNDS = 7
SECONDS = 1.0

PLAIN_TABLE = """
create table plain (
    id bigint generated always as identity primary key,
    time timestamptz, subject text, type text, data bytea, actor text, command_id text
)
"""
PLAIN_INSERT = """
insert into plain (time, subject, type, data, actor, command_id) values ($1, $2, $3, $4, $5, $6)
"""


async def rate(once: Callable[[], Awaitable[int]]) -> float:
    """Rows per second of what `once` writes, over and over."""
    rows, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < SECONDS:
        rows += await once()
    return rows / elapsed


async def appending(log: PostgresLog, size: int) -> float:
    """Rows per second in batches of `size`, chaining included."""
    head = await log.head()

    async def once() -> int:
        nonlocal head
        events = batch(head, size)
        await log.append(events, expected=head)
        head = events[-1].head
        return size

    return await rate(once)


def columns(event: Recorded) -> tuple[object, ...]:
    """For PLAIN_INSERT."""
    return event.time, event.subject, event.type, event.data, event.actor, event.command_id


async def measure(dsn: str) -> None:
    """Print the median over the rounds of each ratio, and the span."""
    plain = await asyncpg.connect(dsn)
    await plain.execute(PLAIN_TABLE)
    insert = await plain.prepare(PLAIN_INSERT)
    (event,) = batch(GENESIS)

    async def insert_one() -> int:
        await insert.fetch(*columns(event))
        return 1

    ratios: dict[int, list[float]] = {size: [] for size in SIZES}
    baselines = []
    async with PostgresPool.open(dsn) as pool, PostgresLog.open(pool) as log:
        for _ in range(ROUNDS):
            baselines.append(await rate(insert_one))
            for size in SIZES:
                ratios[size].append(await appending(log, size) / baselines[-1])
    await plain.close()
    show(f"single-row commits, one client: {median(baselines):,.0f} rows/s = 1.0")
    for size, found in ratios.items():
        span = f"{min(found):.2f} to {max(found):.2f}"
        show(f"appended in batches of {size:2}: {median(found):.2f} ({span})")


def show(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(line + "\n")


async def run(data: Path) -> None:
    """Measure on an embedded Postgres in that folder."""
    with DataFolder.open(data) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await measure(postgres.dsn)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ecn-benchmark-") as path:
        Path(path).chmod(0o711)  # the account that runs Postgres must get through
        asyncio.run(run(Path(path) / "data"))
