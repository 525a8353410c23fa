"""Commands per second through the whole path, beside single-row commits in the same run.

Run `python -m tests.benchmarks.commands`, alone on the machine. Ours: decide, chain, append with
fsync, project, answer (everything but HTTP), with so many commands waiting at once. The baseline:
pgbench on the same server, as many clients, each INSERT its own commit. Look at the ratios.

`--fsync MS` makes each flush of the server's log take so much longer, as on a disk that has to
write: Postgres' own commit_delay, which whoever flushes sleeps through for all that wait.
`--database-url URL` measures on that server, in an empty database that is left full.
`--recorder` compares with the Postgres recorder of the `eventsourcing` library, too.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from unittest.mock import patch

import asyncpg

from ecn.batch import Issued
from ecn.collector import settle
from ecn.commands.node import DeleteNode, RegisterNode
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import SETTINGS, EmbeddedPostgres
from ecn.writer import Writer
from events.background import beside
from events.ids import CommandId, NodeId, new_id
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.live import Live, follow
from tests.benchmarks.baselines import PLAIN, Missing, Recorder, pgbench

CLIENTS = (1, 8, 64, 512)
SECONDS = 3.0
ROUNDS = 5
CONNECTIONS = "600"
"""The embedded server takes 60 by itself: too few for pgbench with as many clients as we have."""
RECORDER_CLIENTS = 64


async def through_the_writer(writer: Writer, clients: int) -> float:
    """Commands per second, each client waiting for its answer before the next."""
    end, done = time.perf_counter() + SECONDS, 0

    async def execute(command: RegisterNode | DeleteNode) -> None:
        nonlocal done
        command_id = CommandId(new_id())
        await writer.execute(
            Issued(
                command=command,
                actor="user/admin",
                command_id=command_id,
                correlation_id=command_id,
            )
        )
        done += 1

    async def client() -> None:
        # What is made is deleted again: the network stays as large as it is.
        while time.perf_counter() < end:
            node_id = NodeId(new_id())
            await execute(RegisterNode(node_id=node_id, name=node_id))
            await execute(DeleteNode(node_id=node_id))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client())
    return done / (time.perf_counter() - began)


async def in_pairs(
    what: str, ours: Callable[[], Awaitable[float]], theirs: Callable[[], Awaitable[float]]
) -> None:
    """Measure one after the other, ROUNDS times; print the median of the ratios and the span."""
    pairs = [(await theirs(), await ours()) for _ in range(ROUNDS)]
    ratios = sorted(mine / other for other, mine in pairs)
    sys.stdout.write(
        f"{what}: {median(ratios):6.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f}; "
        f"{median(mine for _, mine in pairs):.0f}/s against "
        f"{median(other for other, _ in pairs):.0f}/s)\n"
    )
    sys.stdout.flush()


@asynccontextmanager
async def server(folder: Path, fsync: float) -> AsyncIterator[str]:
    """An embedded Postgres with room for all clients; its DSN."""
    changed = {"max_connections": CONNECTIONS}
    if fsync:
        changed |= {"commit_delay": f"{fsync * 1000:.0f}", "commit_siblings": "0"}
    with DataFolder.open(folder) as data, patch.dict(SETTINGS, changed):
        async with EmbeddedPostgres.running(data) as postgres:
            yield postgres.dsn


async def measure(dsn: str, *, recorder: bool) -> None:
    """All in one server, in one run."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(PLAIN)
    await connection.close()
    async with PostgresPool.open(dsn) as pool, PostgresLog.open(pool) as log:
        live = Live(log)
        await live.catch_up()
        writer = Writer(live, log, lambda: datetime.now(UTC))
        settle()
        async with beside(writer.run()), beside(follow(live, log)):
            for clients in CLIENTS:
                await in_pairs(
                    f"{clients:4} at once, against single-row commits",
                    lambda n=clients: through_the_writer(writer, n),  # type: ignore[misc]
                    lambda n=clients: asyncio.to_thread(pgbench, dsn, n, SECONDS),  # type: ignore[misc]
                )
            if recorder:
                other = await asyncio.to_thread(Recorder, dsn, RECORDER_CLIENTS)
                await in_pairs(
                    f"{RECORDER_CLIENTS:4} at once, against eventsourcing's recorder",
                    lambda: through_the_writer(writer, RECORDER_CLIENTS),
                    lambda: asyncio.to_thread(other.rate, SECONDS),
                )
                await asyncio.to_thread(other.close)


async def run(folder: Path, url: str | None, *, fsync: float, recorder: bool) -> None:
    """On a server of one's own in that folder, unless one is given."""
    if url is not None:
        await measure(url, recorder=recorder)
        return
    async with server(folder, fsync) as dsn:
        await measure(dsn, recorder=recorder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fsync", type=float, default=0.0, metavar="MS")
    parser.add_argument("--recorder", action="store_true")
    parser.add_argument("--database-url", metavar="URL")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres must get through
        try:
            asyncio.run(
                run(folder, chosen.database_url, fsync=chosen.fsync, recorder=chosen.recorder)
            )
        except Missing as e:
            sys.exit(str(e))


if __name__ == "__main__":
    main()
