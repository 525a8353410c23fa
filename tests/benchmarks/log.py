"""How fast the log is proved, written to a file, read from one, and imported.

Run `python -m tests.benchmarks.log [EVENTS]`, alone on the machine. The first line is the bare
hashing; the ratio of COPY is to the same rows copied into a table without any check. The pause is
the longest for which the event loop did nothing else while the log was walked through.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from ecn.api.log import EXPORT_PAGE
from ecn.data_folder import DataFolder
from ecn.embedded_postgres import EmbeddedPostgres
from events.chaining import BEGINNING, Stored, follow
from events.envelope import EPOCH, stored_of
from events.export import Header, LogPacker, LogReader
from events.postgres_import import COLUMNS, import_log
from events.postgres_pool import PostgresPool
from events.postgres_stored import PostgresStored
from events.verification import walk
from tests.benchmarks.grown_log import grown

EVENTS = 200_000


def network(size: int) -> list[Stored]:
    """A log as devices make it."""
    return [stored_of(event) for portion in grown(size, nodes=1000) for event in portion]


class Pause:
    """The longest time in which the loop did not come round."""

    longest = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Pause]:
    """While the block runs."""
    pause = Pause()

    async def watch() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            pause.longest, before = max(pause.longest, now - before), now

    watching = asyncio.create_task(watch())
    try:
        yield pause
    finally:
        watching.cancel()


def packed(events: Sequence[Stored]) -> bytes:
    """The whole file."""
    header = Header(first=1, last=len(events), previous_hash=BEGINNING.hash.hex())
    packer = LogPacker(header)
    begin = packer.begin()
    starts = range(0, len(events), EXPORT_PAGE)
    lines = b"".join(packer.go_on(events[start : start + EXPORT_PAGE]) for start in starts)
    return begin + lines + packer.end()


async def pages(reader: LogReader, content: bytes) -> AsyncIterator[Sequence[Stored]]:
    """What a file brings."""
    for start in range(0, len(content), 64 << 10):
        yield reader.feed(content[start : start + (64 << 10)])


async def copied(pool: PostgresPool, events: Sequence[Stored]) -> float:
    """Seconds for a plain COPY of the same rows."""
    async with pool.connection() as connection:
        await connection.execute("create table plain (like ecn.event including indexes)")
        rows = [
            (each.position, EPOCH + timedelta(microseconds=each.microseconds), *_rest(each))
            for each in events
        ]
        began = time.perf_counter()
        await connection.copy_records_to_table("plain", columns=COLUMNS, records=rows)
        return time.perf_counter() - began


def _rest(event: Stored) -> tuple[object, ...]:
    return tuple(getattr(event, name) for name in Stored.__struct_fields__[2:])


async def measure(dsn: str, size: int) -> None:
    """Print a line for each."""
    events = network(size)

    def show(what: str, began: float, more: str = "") -> None:
        seconds = time.perf_counter() - began
        sys.stdout.write(f"{what:34} {size / seconds:>9,.0f} events/s{more}\n")

    began = time.perf_counter()
    end = follow(BEGINNING, events)
    show("hashing", began)

    began = time.perf_counter()
    content = packed(events)
    show("writing a file", began, f", {len(content) / size:.0f} bytes each")

    began = time.perf_counter()
    reader = LogReader()
    async for _ in pages(reader, content):
        pass
    assert reader.finish() == end
    show("verifying a file", began)

    async with PostgresPool.open(dsn) as pool:
        plain = await copied(pool, events)
        began = time.perf_counter()
        reader = LogReader()
        assert await import_log(pool, pages(reader, content), reader.finish) == end
        ratio = plain / (time.perf_counter() - began)
        show("importing, verified on the way", began, f", {ratio:.2f} of a plain COPY")

        stored = PostgresStored(pool)
        async with stored.reading() as reading, watched() as pause:
            began = time.perf_counter()
            assert [place async for place, _ in walk(reading)][-1] == end
            show("verifying in Postgres", began, f", pause {pause.longest * 1000:.0f} ms")

        async with stored.reading() as reading, watched() as pause:
            began = time.perf_counter()
            packer = LogPacker(Header(first=1, last=size, previous_hash=BEGINNING.hash.hex()))
            for after in range(0, size, EXPORT_PAGE):
                packer.go_on(await reading.between(after, after + EXPORT_PAGE))
            show("exporting from Postgres", began, f", pause {pause.longest * 1000:.0f} ms")


async def run(data: Path, size: int) -> None:
    """Measure on an embedded Postgres in that folder."""
    with DataFolder.open(data) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            await measure(postgres.dsn, size)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ecn-benchmark-") as path:
        Path(path).chmod(0o711)  # the account that runs Postgres must get through
        asyncio.run(run(Path(path) / "data", int(sys.argv[1]) if sys.argv[1:] else EVENTS))
