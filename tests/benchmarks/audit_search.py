"""How long questions to a log of a million events take, and the longest of their statements.

Run `python -m tests.benchmarks.audit_search [events]`. What has an index is found at once; anything
else is looked for in stretches of the log (events/search.py), of which none may come near to the
30 seconds after which Postgres ends a statement.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.envelope import Recorded
from events.filter import EventFilter, Text
from events.ids import START, Position
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from events.search import search
from tests.benchmarks.grown_log import copy_in

NODES = 10_000


class Timed(PostgresLog):
    """The log, with a note of its slowest search."""

    slowest = 0.0
    statements = 0

    async def search(
        self,
        wanted: EventFilter,
        *,
        after: Position = START,
        before: Position | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> list[Recorded]:
        """See EventLog."""
        began = time.perf_counter()
        found = await super().search(
            wanted, after=after, before=before, limit=limit, descending=descending
        )
        self.slowest = max(self.slowest, time.perf_counter() - began)
        self.statements += 1
        return found


async def questions(log: PostgresLog, end: Position) -> Sequence[tuple[str, EventFilter]]:
    """What an auditor may ask: what is there, what is rare, what is nowhere."""
    node = (await log.search(EventFilter(type="node.registered.v1"), limit=7))[-1]
    made = await log.search(EventFilter(type="microservice.created.v1"), limit=40)
    middle = (await log.read(Position(end // 2), limit=1))[0]
    reports = ("container.reported.", "node.facts-reported.")
    return (
        ("everything", EventFilter()),
        ("a subject", EventFilter(subject=node.subject)),
        ("an application, 40 members", EventFilter(subjects={each.subject for each in made})),
        (
            "an application, changes alone",
            EventFilter(subjects={each.subject for each in made}, but_types=reports),
        ),
        ("all nodes", EventFilter(subject_prefix="node/")),
        ("a command", EventFilter(command_id=middle.command_id)),
        ("a correlation", EventFilter(correlation_id=middle.correlation_id)),
        ("a frequent type", EventFilter(type="container.reported.v1")),
        ("a rare type", EventFilter(type="application.stopped.v1")),
        ("a type long ago", EventFilter(type_prefix="application.created.")),
        ("a type that is nowhere", EventFilter(type_prefix="user.")),
        ("a frequent actor", EventFilter(actors={"user/admin"})),
        ("one device as actor", EventFilter(actors={node.subject})),
        ("an actor who is nowhere", EventFilter(actors={"user/eve"})),
        ("changes by somebody", EventFilter(but_types=reports)),
        ("a word, frequent", EventFilter(text=Text(word="Running"))),
        ("a word, rare", EventFilter(text=Text(word="web:77"))),
        ("a word that is nowhere", EventFilter(text=Text(word="zeppelin"))),
        ("a word without ASCII", EventFilter(text=Text(word="Ü"))),
        ("a word only in JSON itself", EventFilter(text=Text(word='":"'))),
        ("a word in hidden fields only", EventFilter(text=Text(word="key_hash"))),
        ("a word and an actor", EventFilter(text=Text(word="nowhere"), actors={"user/admin"})),
    )


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")


async def measure(pool: PostgresPool, end: Position) -> None:
    """Print what each question takes."""
    say(f"{'the newest 100':32}{'found':>7}{'seconds':>9}{'statements':>11}{'slowest':>9}")
    async with Timed.open(pool) as log:
        for name, wanted in await questions(log, end):
            log.slowest, log.statements = 0.0, 0
            began = time.perf_counter()
            page = await search(
                log,
                wanted,
                before=Position(end + 1),
                limit=100,
                descending=True,
                within=3600,
            )
            took = time.perf_counter() - began
            say(f"{name:32}{len(page.events):7}{took:9.2f}{log.statements:11}{log.slowest:9.2f}")


async def main(events: int) -> None:
    """Fill a database and ask it."""
    with tempfile.TemporaryDirectory(prefix="ecn-benchmark-") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240  # once, before anything runs
        with DataFolder.open(Path(folder) / "data") as data:
            async with (
                EmbeddedPostgres.running(data) as postgres,
                PostgresPool.open(postgres.dsn) as pool,
            ):
                end = await copy_in(postgres.dsn, events, min(NODES, events // 10))
                say(f"{end} events")
                await measure(pool, end)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
