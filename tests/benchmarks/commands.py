"""Commands per second through the whole path, beside single-row commits in the same run.

Run `python -m tests.benchmarks.commands`, alone on the machine. Ours: decide, chain, append with
fsync, project, answer (everything but HTTP), with so many commands waiting at once. The baseline:
pgbench on the same server, as many clients, each INSERT its own commit. Look at the ratios.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import asyncpg

from ecn.batch import Issued
from ecn.commands.node import RegisterNode
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import SETTINGS, EmbeddedPostgres
from ecn.writer import Writer
from events.background import beside
from events.ids import CommandId, NodeId, new_id
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.live import Live, follow

CLIENTS = (1, 8, 64, 512)
SECONDS = 3.0
ROUNDS = 3
CONNECTIONS = "600"
"""The embedded server takes 60 by itself: too few for pgbench with as many clients as we have."""

PLAIN = """
create table plain (
    id bigint generated always as identity primary key,
    time timestamptz, subject text, type text, data bytea, actor text, command_id text
)
"""
INSERT = (
    "insert into plain (time, subject, type, data, actor, command_id) values (now(), "
    "'node/0123456789abcdef', 'node.registered.v1', decode(repeat('ab', 200), 'hex'), "
    "'user/admin', '0123456789abcdef');"
)


def plainly(dsn: str, folder: Path, clients: int) -> float:
    """Single-row commits per second, by pgbench."""
    script = folder / "insert.sql"
    script.write_text(INSERT)
    url = urlsplit(dsn)
    environment = {
        **os.environ,
        "PGHOST": parse_qs(url.query)["host"][0],
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.path.strip("/"),
    }
    options = f"-n -M prepared -j 2 -c {clients} -T {SECONDS:.0f}".split()
    done = subprocess.run(
        ["pgbench", *options, "-f", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench said: {done.stdout}{done.stderr}")
    return float(found[1])


async def through_the_writer(writer: Writer, clients: int) -> float:
    """Commands per second, each client waiting for its answer before the next."""
    end, done = time.perf_counter() + SECONDS, 0

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            command_id = CommandId(new_id())
            await writer.execute(
                Issued(
                    command=RegisterNode(node_id=NodeId(command_id), name=command_id),
                    actor="user/admin",
                    command_id=command_id,
                    correlation_id=command_id,
                )
            )
            done += 1

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client())
    return done / (time.perf_counter() - began)


async def measure(folder: Path) -> None:
    """In pairs, in one server, in one run."""
    with DataFolder.open(folder) as data, patch.dict(SETTINGS, max_connections=CONNECTIONS):
        async with (
            EmbeddedPostgres.running(data) as postgres,
            PostgresPool.open(postgres.dsn) as pool,
            PostgresLog.open(pool) as log,
        ):
            connection = await asyncpg.connect(postgres.dsn)
            await connection.execute(PLAIN)
            await connection.close()
            live = Live(log)
            await live.catch_up()
            writer = Writer(live, log, lambda: datetime.now(UTC))
            async with beside(writer.run()), beside(follow(live, log)):
                for clients in CLIENTS:
                    ours, plain = [], []
                    for _ in range(ROUNDS):
                        plain.append(
                            await asyncio.to_thread(plainly, postgres.dsn, folder, clients)
                        )
                        ours.append(await through_the_writer(writer, clients))
                    ratios = sorted(a / b for a, b in zip(ours, plain, strict=True))
                    sys.stdout.write(
                        f"{clients:4} at once: {median(ratios):5.2f}  "
                        f"({ratios[0]:.2f} to {ratios[-1]:.2f}; "
                        f"{median(ours):.0f}/s against {median(plain):.0f}/s)\n"
                    )


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        asyncio.run(measure(folder))


if __name__ == "__main__":
    main()
