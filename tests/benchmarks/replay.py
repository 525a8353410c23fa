"""How fast a log becomes a world: from nothing, from kept rows, at any moment of the past.

Run `python -m tests.benchmarks.replay`, alone on the machine; `--events 100000 --nodes 1000` for a
quick look. The baseline is raw COPY of the same rows to a client that throws them away, measured
in turns with what is held against it. Look at the ratios.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from statistics import median

import asyncpg
import structlog

from ecn.collector import settle
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from ecn.presence_store import MemoryLeadership
from ecn.replay import Replay, Replayed
from ecn.snapshot_keeper import SnapshotKeeper
from ecn.start_world import world_at_start
from ecn.view_writer import ViewWriter
from events.ids import Position
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.live import Live
from projections.past import Past
from projections.postgres_snapshots import PostgresSnapshots
from projections.postgres_views import PostgresViews
from projections.world import World
from tests.benchmarks.grown_log import COLUMNS, copy_in

ROUNDS = 3
ASKED = 8
RAW = f"select {', '.join(COLUMNS)} from ecn.event order by position"


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def raw_copy(dsn: str) -> float:
    """Seconds in which all rows of the log come to a client, in binary form."""
    connection = await asyncpg.connect(dsn)

    async def thrown_away(_: bytes) -> None:
        return

    try:
        return await seconds(
            lambda: connection.copy_from_query(RAW, output=thrown_away, format="binary")
        )
    finally:
        await connection.close()


class Lag:
    """How long anybody who is served meanwhile has to wait for a turn, at worst."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, time.perf_counter() - began - 0.001)


async def watched(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Seconds that it took, and the worst wait of others."""
    lag = Lag()
    watching = asyncio.ensure_future(lag.watch())
    try:
        return await seconds(work), lag.worst
    finally:
        watching.cancel()


async def measure(dsn: str, events: int, nodes: int) -> None:
    """Print what is found."""
    async with PostgresPool.open(dsn) as pool:
        made = await seconds(lambda: copy_in(dsn, events, nodes))
        show(f"{events:,} events of {nodes:,} nodes, made and copied in within {made:.0f} s")
        async with PostgresLog.open(pool) as log, PostgresViews.open(pool) as views:
            await whole(dsn, log, views, events)
            live = Live(log, await world_at_start(log, views))
            settle()
            await from_views(dsn, log, views, live)
            await moments(pool, log, live, events)
            await replayed(dsn, log, views, live, events)


async def whole(dsn: str, log: PostgresLog, views: PostgresViews, events: int) -> None:
    """From nothing, as a start without rows does it."""
    ratios, rates, busy = [], [], []
    for _ in range(ROUNDS):
        raw = await raw_copy(dsn)
        before = time.process_time()
        ours = await seconds(lambda: world_at_start(log, views))
        busy.append(events / (time.process_time() - before))
        ratios.append(raw / ours)
        rates.append(events / ours)
    show(
        f"full replay: {median(ratios):.2f} of raw COPY ({min(ratios):.2f} to {max(ratios):.2f}); "
        f"{median(rates):,.0f} events/s, decoded and projected; {median(busy):,.0f} in a second of "
        "this process's own, which is what is left of it where others use the machine too"
    )
    _, lag = await watched(lambda: asyncio.sleep(1))
    show(
        f"where nothing happens, others wait {1000 * lag:.0f} ms at most: this machine's own doing"
    )


async def from_views(dsn: str, log: PostgresLog, views: PostgresViews, live: Live) -> None:
    """From kept rows."""
    writer = ViewWriter(views, MemoryLeadership({}), live)
    wrote, lag = await watched(writer.flush)
    rows = sum(len(getattr(live.world, view)) for view in live.world.__struct_fields__[1:])
    show(f"first writing of {rows:,} rows: {wrote:.1f} s; others wait {1000 * lag:.0f} ms at most")
    compared, lag = await watched(ViewWriter(views, MemoryLeadership({}), live).flush)
    show(f"comparing all rows: {compared:.1f} s; others wait {1000 * lag:.0f} ms at most")
    ratios, took = [], []
    for _ in range(ROUNDS):
        raw = await raw_copy(dsn)
        took.append(await seconds(lambda: world_at_start(log, views)))
        ratios.append(raw / took[-1])
    show(
        f"start from views: {median(ratios):.1f} times as fast as raw COPY of the log; "
        f"{median(took):.2f} s"
    )


async def moments(pool: PostgresPool, log: PostgresLog, live: Live, events: int) -> None:
    """At random positions."""
    chance = Random(7)
    asked = [Position(chance.randrange(1, events)) for _ in range(ASKED)]
    snapshots = PostgresSnapshots(pool)
    await at("the past without snapshots", lambda: Past(live, log), asked[:2])
    past = Past(live, log, snapshots)
    keeper = SnapshotKeeper(snapshots, MemoryLeadership({}), "", live, past)

    async def all_of_them() -> None:
        while await keeper.look():
            pass

    took, lag = await watched(all_of_them)
    (row,) = await pool.fetch("select count(*) as n, avg(length(data)) as size from ecn.snapshot")
    show(
        f"{row['n']} snapshots made in {took:.0f} s, {float(row['size']) / 1e6:.1f} MB each; "
        f"others wait {1000 * lag:.0f} ms at most"
    )
    await at("a moment for the first time", lambda: Past(live, log, snapshots), asked)
    near = [Position(each + 500) for each in await snapshots.positions()][:ASKED]
    await at("a moment near a snapshot", lambda: Past(live, log, snapshots), near)
    past = Past(live, log, snapshots)
    await past.world_at(asked[0])
    await at("a moment near one just asked for", lambda: past, [Position(asked[0] + 100)])


async def at(what: str, past: Callable[[], Past], positions: list[Position]) -> None:
    """Say how long the questions take, each of somebody who remembers nothing unless told."""
    found = [await watched(lambda each=each: past().world_at(each)) for each in positions]  # type: ignore[misc]
    took = [each for each, _ in found]
    show(
        f"{what}: {median(took):.2f} s ({min(took):.2f} to {max(took):.2f}); "
        f"others wait {1000 * max(lag for _, lag in found):.0f} ms at most"
    )


async def replayed(
    dsn: str, log: PostgresLog, views: PostgresViews, live: Live, events: int
) -> None:
    """Beside a serving controller, with all comparisons."""

    async def run() -> None:
        async for line in Replay(live, log, views).run():
            if isinstance(line, Replayed):
                assert line.same, line

    raw = await raw_copy(dsn)
    took, lag = await watched(run)
    show(
        f"ecn replay: {raw / took:.2f} of raw COPY; {events / took:,.0f} events/s, comparing "
        f"included; others wait {1000 * lag:.0f} ms at most"
    )
    assert live.world != World()


def show(line: str) -> None:
    """To whoever runs this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run(data: Path, events: int, nodes: int) -> None:
    """Measure on an embedded Postgres in that folder."""
    with DataFolder.open(data) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await measure(postgres.dsn, events, nodes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="ecn-benchmark-") as path:
        Path(path).chmod(0o711)  # the account that runs Postgres must get through
        asyncio.run(run(Path(path) / "data", given.events, given.nodes))
