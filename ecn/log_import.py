"""Importing an exported log: from the file to the database, checked on the way.

Works on a database directly, while no controller does: `ecn log import` calls it. It needs the
server's packages, which the CLI imports only then.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from ecn.data_folder import DataFolder, DataFolderError
from ecn.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from ecn.postmaster import StartFailed
from ecn.socket_folder import SocketFolderUnsafe
from ecn.unprivileged import AccountMissing, NotReachable
from events.chaining import ChainBroken, Place, Stored
from events.envelope import decode, is_known
from events.export import ExportRefused, LogReader
from events.log import StoreUnavailable
from events.migrations import MigrationRefused
from events.postgres_import import ImportRefused, import_log
from events.postgres_pool import PostgresPool

CHUNK = 64 << 10

FOR_THE_OPERATOR = (
    DataFolderError,
    EmbeddedPostgresError,
    StartFailed,
    SocketFolderUnsafe,
    AccountMissing,
    NotReachable,
    MigrationRefused,
    StoreUnavailable,
    ExportRefused,
    ImportRefused,
)
"""What can be wrong with the file, the machine or its database; each says so in a sentence."""


class CannotImport(Exception):
    """Nothing was imported; the sentence says why and what to do."""


class Imported(Struct, frozen=True, kw_only=True):
    """What is in the log now."""

    end: Place
    unknown: Mapping[str, int]
    """Types that this version does not know, and how many events are of them."""


async def import_file(
    file: BinaryIO,
    *,
    data: Path,
    database_url: str | None,
    tell: Callable[[int, int], None],
) -> Imported:
    """Make the log in the file the one of an empty database.

    data:         the data folder whose own Postgres is meant, if there is no `database_url`.
    tell:         is told how many events are there already, and how many there will be.
    Errors: CannotImport; OSError when the file can't be read.
    """
    unknown: Counter[str] = Counter()
    reader = LogReader()
    try:
        async with _database(data, database_url) as dsn, PostgresPool.open(dsn) as pool:
            end = await import_log(pool, _pages(file, reader, unknown, tell), reader.finish)
    except ChainBroken as e:
        raise CannotImport(
            f"the log in the file is broken. Event {e.position}: {e.what}. Nothing was imported. "
            "Take another copy of the file, or export the log again."
        ) from e
    except FOR_THE_OPERATOR as e:
        raise CannotImport(str(e)) from e
    return Imported(end=end, unknown=unknown)


@asynccontextmanager
async def _database(data: Path, database_url: str | None) -> AsyncIterator[str]:
    if database_url is not None:
        yield database_url
        return
    with DataFolder.open(data) as folder:
        async with EmbeddedPostgres.running(folder) as postgres:
            yield postgres.dsn


async def _pages(
    file: BinaryIO, reader: LogReader, unknown: Counter[str], tell: Callable[[int, int], None]
) -> AsyncIterator[Sequence[Stored]]:
    while chunk := file.read(CHUNK):
        page = reader.feed(chunk)
        if reader.header is None:
            continue
        if reader.header.first != 1:
            raise ImportRefused(
                f"the file holds the events from {reader.header.first} on, and a log begins with "
                "1: export it without --from"
            )
        for event in page:
            _check_readable(event)
        unknown.update(each.type for each in page if not is_known(each.type))
        tell(reader.count, reader.header.last)
        yield page


def _check_readable(event: Stored) -> None:
    """A log that no controller could start on had better be refused now."""
    try:
        decode(event.type, event.subject, event.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ImportRefused(
            f"event {event.position} is as it was written, but this version of ecn can't read it "
            f"({event.type}: {e}). Import it with the version that exported it, or a newer one."
        ) from e
