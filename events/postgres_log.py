"""The event log in Postgres: `EventLog`, put together from appending, reading and listening.

Positions are given under the lock of one row, so that they have no holes and are in the order of
the commits: a reader that asks for what is behind a position misses nothing, ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Self

from asyncpg import Record
from msgspec import DecodeError

from events.background import beside
from events.envelope import Bare, Head, KnownEvent, Recorded, UnknownEvent, decode
from events.filter import EventFilter
from events.ids import START, Position
from events.log import LogDamaged, LogUnavailable, StoreUnavailable
from events.named_sql import load
from events.postgres_append import SETTLE_WITHIN, Appender
from events.postgres_listen import Listener
from events.postgres_pool import PostgresPool
from events.shown import needle

SQL = load("events", "sql/log.sql")

READ_WITHIN = 6.0
"""Seconds for a page. Where nobody answers, that is how soon it is known that there may be news."""

SEARCHES = 2
"""Searches that run at once, of the pool's four connections: others have to read the log's end."""

LOOKED_CLOSER = 200
"""Events fetched at once, however few are asked for, where one statement may not find them."""


class PostgresLog:
    """See EventLog. Made by `open`."""

    def __init__(self, pool: PostgresPool, appender: Appender, listener: Listener) -> None:
        self._pool = pool
        self._appender = appender
        self._listener = listener
        self._searching = asyncio.Semaphore(SEARCHES)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, pool: PostgresPool, *, settle_within: float = SETTLE_WITHIN
    ) -> AsyncIterator[Self]:
        """Reads go through the pool; appends and the listening have a connection each."""
        appender, listener = Appender(pool, settle_within=settle_within), Listener(pool)
        async with beside(listener.run()):
            try:
                yield cls(pool, appender, listener)
            finally:
                await appender.close()

    async def head(self) -> Head:
        """See EventLog."""
        with _as_log_errors():
            await self._appender.no_session_lost()
            (row,) = await self._pool.fetch(SQL["head"])
        return Head(Position(row["position"]), row["hash"], row["time"])

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        """See EventLog."""
        await self._appender.append(events, expected)

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        """See EventLog."""
        with _as_log_errors():
            # After OutcomeUnknown, what is not found here must never appear.
            await self._appender.no_session_lost()
            rows = await self._pool.fetch(SQL["read"], after, limit, within=READ_WITHIN)
        return [_recorded(row) for row in rows]

    async def read_bare(self, after: Position, *, limit: int = 5000) -> Sequence[Bare]:
        """See EventLog."""
        with _as_log_errors():
            await self._appender.no_session_lost()
            rows = await self._pool.fetch(SQL["read_bare"], after, limit, within=READ_WITHIN)
        return [_bare(row) for row in rows]

    async def wait(self, *, at_most: float, beyond: Position | None = None) -> Position:
        """See EventLog."""
        return await self._listener.wait(at_most=at_most, beyond=beyond)

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
        query = SQL["search_backward" if descending else "search_forward"]
        text = wanted.text
        # Of a word the database finds where it may stand; what does not have it is made up for.
        # And few out of many subjects Postgres hopes to meet soon along the log, where they may be
        # rare: asked for more, it goes by their index.
        page = limit if text is None and wanted.subjects is None else max(limit, LOOKED_CLOSER)
        found: list[Recorded] = []
        while True:
            async with self._searching:
                with _as_log_errors():
                    rows = await self._pool.fetch(query, after, before, page, *_arguments(wanted))
            found += [
                _recorded(row)
                for row in rows
                if text is None or text.matches(row["subject"], row["data"])
            ]
            if len(rows) < page or len(found) >= limit:
                return found[:limit]
            if descending:
                before = rows[-1]["position"]
            else:
                after = rows[-1]["position"]

    async def position_at(self, time: datetime) -> Position:
        """See EventLog."""
        with _as_log_errors():
            (row,) = await self._pool.fetch(SQL["position_at"], time)
        return Position(row["position_at"])

    async def times(self, positions: Sequence[Position]) -> list[tuple[Position, datetime]]:
        """See EventLog."""
        with _as_log_errors():
            rows = await self._pool.fetch(SQL["times"], list(positions), within=READ_WITHIN)
        return [(row["position"], row["time"]) for row in rows]


def _arguments(wanted: EventFilter) -> tuple[object, ...]:
    """The filter, as the search queries have it from $4 on."""
    text = wanted.text
    return (
        *(wanted.subject, _any_of(wanted.subjects), wanted.subject_prefix),
        *(wanted.type, wanted.type_prefix, wanted.but_types),
        *(_any_of(wanted.actors), wanted.command_id, wanted.correlation_id),
        *(wanted.since, wanted.until),
        *((_escaped_needle(text.word), list(text.named)) if text is not None else (None, [])),
    )


def _escaped_needle(word: str) -> str:
    """What the data has if it has the word, as Postgres' `escape` writes bytes."""
    part = needle(word).encode()
    if not part and not word.isascii():
        return "\\3"  # how any letter outside ASCII begins there: 0o302 to 0o364
    escaped = (f"\\{byte:03o}" if byte >= 0x80 else chr(byte) for byte in part)
    return "".join("\\\\" if each == "\\" else each for each in escaped)


def _any_of(values: Set[str] | None) -> list[str] | None:
    return None if values is None else list(values)


@contextmanager
def _as_log_errors() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as e:
        raise LogUnavailable(str(e)) from e


def _bare(row: Record) -> Bare:
    place, time, subject, type_, data, actor, command, own = row
    event = _decoded(place, type_, subject, data)
    return Bare(place, time, subject, type_, actor, command, own, event)


def _decoded(place: Position, type_: str, subject: str, data: bytes) -> KnownEvent | UnknownEvent:
    try:
        return decode(type_, subject, data)
    except (DecodeError, UnicodeDecodeError) as e:
        raise LogDamaged(place, str(e)) from e


def _recorded(row: Record) -> Recorded:
    # By place, as the queries have them: by name takes half as long again.
    (place, time, subject, type_, data, actor, command, correlation, causation, before, own) = row
    event = _decoded(place, type_, subject, data)
    return Recorded(
        position=place,
        time=time,
        subject=subject,
        type=type_,
        data=data,
        actor=actor,
        command_id=command,
        correlation_id=correlation,
        causation_id=causation,
        previous_hash=before,
        hash=own,
        event=event,
    )
