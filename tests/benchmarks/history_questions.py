"""How long diff, why and blame take on a network of ten thousand nodes and a million events.

Run `python -m tests.benchmarks.history_questions [events]`. The worlds that are compared are there
already: how soon an earlier one is, is another question (projections/past.py). The longest turn is
the time in which nobody else of the event loop is served.
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from ecn.api.history_documents import Difference
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from ecn.history.asking import Question
from ecn.history.blame import blame
from ecn.history.diff import differences
from ecn.history.why import why
from events.envelope import Recorded
from events.ids import Position
from events.postgres_log import PostgresLog
from events.postgres_pool import PostgresPool
from projections.world import World, fold
from tests.benchmarks.grown_log import copy_in

NODES = 10_000
FEW = 1000
"""Events between the moments that differ little."""

T = TypeVar("T")


class Asked(msgspec.Struct):
    """What a question took."""

    searches: int = 0
    slowest: float = 0.0
    seconds: float = 0.0


async def answered(log: PostgresLog, question: Question[T], asked: Asked) -> T:
    """As the API answers it."""
    began = time.perf_counter()
    try:
        search = next(question)
        while True:
            sent = time.perf_counter()
            found: Sequence[Recorded] = await log.search(
                search.wanted,
                after=search.after,
                before=search.before,
                limit=search.limit,
                descending=search.descending,
            )
            asked.searches += 1
            asked.slowest = max(asked.slowest, time.perf_counter() - sent)
            search = question.send(found)
    except StopIteration as e:
        asked.seconds = time.perf_counter() - began
        answer: T = e.value
        return answer


def turns(portions: Iterator[list[Difference]]) -> tuple[int, float, float]:
    """How many differences, how many seconds of this thread for all, and for the longest turn."""
    count, longest, began = 0, 0.0, time.thread_time()
    last = began
    for portion in portions:
        written = [msgspec.Raw(msgspec.json.encode(each)) for each in portion]
        count += len(written)
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    return count, time.thread_time() - began, longest


async def folded(log: PostgresLog, world: World, upto: Position) -> World:
    """The world at that position."""
    while world.position < upto:
        page = await log.read(world.position, limit=min(5000, upto - world.position))
        world = fold(world, page)
    return world


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")


async def main(events: int) -> None:
    """Fill a log, and ask."""
    with tempfile.TemporaryDirectory(prefix="ecn-benchmark-") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240  # once, before anything runs
        with DataFolder.open(Path(folder) / "data") as data:
            async with (
                EmbeddedPostgres.running(data) as postgres,
                PostgresPool.open(postgres.dsn) as pool,
            ):
                end = await copy_in(postgres.dsn, events, min(NODES, events // 10))
                async with PostgresLog.open(pool) as log:
                    await _ask(log, end)


async def _ask(log: PostgresLog, end: Position) -> None:
    middle = await folded(log, World(), Position(end // 2))
    before = await folded(log, middle, Position(end - FEW))
    now = await folded(log, before, end)
    gc.collect()
    gc.freeze()  # as a controller does with what it starts from
    for title, one, other in (
        (f"diff of {FEW} events", before, now),
        ("diff of half the log", middle, now),
        ("diff from the beginning", World(), now),
    ):
        count, seconds, longest = turns(differences(one, other))
        say(
            f"{title:<32} {seconds * 1000:8.0f} ms  longest turn {longest * 1000:6.1f} ms  "
            f"{count} differences"
        )
    microservice = sorted(now.microservices)[len(now.microservices) // 3]
    row = now.microservices[microservice]
    subjects = {
        "a microservice": f"microservice/{microservice}",
        "its node": f"node/{row.node_id}",
        "its application": f"application/{row.application_id}",
    }
    for title, subject in subjects.items():
        for word, ask in (("why", why), ("blame", blame)):
            asked = Asked()
            await answered(log, ask(now, subject), asked)
            say(
                f"{word + ' of ' + title:<32} {asked.seconds * 1000:8.1f} ms  "
                f"slowest search {asked.slowest * 1000:6.1f} ms  {asked.searches} searches"
            )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
