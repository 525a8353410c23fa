"""A whole log from elsewhere, into an empty one: all of it, or nothing, in one transaction.

The events come as they were stored, hashes and all, so that the log here is the log there. Who
reads them (a file, say) checks the chain on the way: an error there takes everything back.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import asyncpg
from asyncpg import Connection

from events.chaining import Place, Stored
from events.envelope import EPOCH
from events.named_sql import load
from events.postgres_pool import PostgresPool, close, translated

SQL = load("events", "sql/import.sql")

IMPORT_WITHIN = 24 * 3600.0
COLUMNS = ["time" if name == "microseconds" else name for name in Stored.__struct_fields__]


class ImportRefused(Exception):
    """The log can't be imported here; nothing was changed. The sentence says what to do."""


class LogNotEmpty(ImportRefused):
    """There are events already, which nothing may replace."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"the log there holds {position} events already: a log is imported into an empty "
            "one only. Give a new data folder, or a new database."
        )
        self.position = position


async def import_log(
    pool: PostgresPool, pages: AsyncIterator[Sequence[Stored]], end: Callable[[], Place]
) -> Place:
    """Make the log in that database the one that `pages` bring; where it ends.

    pages: all events, from position 1 on.
    end:   asked behind the last page; where the log ends, if it is whole.
    Errors: LogNotEmpty, ImportRefused, StoreUnavailable; what `pages` and `end` raise. After each
    of them the log is empty as before.
    """
    connection = await pool.connect("ecn-import", statement_within=IMPORT_WITHIN)
    try:
        with translated():
            return await _imported(connection, pages, end)
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as e:
        raise ImportRefused(f"the database does not take these events: {e}") from e
    finally:
        await close(connection)


async def _imported(
    connection: Connection, pages: AsyncIterator[Sequence[Stored]], end: Callable[[], Place]
) -> Place:
    async with connection.transaction():
        position = await connection.fetchval(SQL["hold_end"])
        if position is None:
            raise ImportRefused("the database is damaged: nothing notes the log's end (ecn.head)")
        if position or await connection.fetchval(SQL["has_events"]):
            raise LogNotEmpty(position)
        await connection.copy_records_to_table(
            "event", schema_name="ecn", columns=COLUMNS, records=_rows(pages)
        )
        place = end()
        time = EPOCH + timedelta(microseconds=place.microseconds)
        await connection.execute(SQL["note_end"], place.position, place.hash, time)
    return place


async def _rows(
    pages: AsyncIterator[Sequence[Stored]],
) -> AsyncIterator[tuple[object, ...]]:
    async for page in pages:
        for event in page:
            try:
                time = EPOCH + timedelta(microseconds=event.microseconds)
            except OverflowError as e:
                raise ImportRefused(f"event {event.position} is of no time that there is") from e
            yield (
                event.position,
                time,
                event.subject,
                event.type,
                event.data,
                event.actor,
                event.command_id,
                event.correlation_id,
                event.causation_id,
                event.previous_hash,
                event.hash,
            )
