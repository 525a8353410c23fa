"""Messages on the disk: what waits, the archive, what was taken from other nodes, what was dropped.

Synchronous, for one thread; `commits.py` gathers what is to be done and calls from its own. All of
a batch is one transaction, on the disk when `apply` returns. It takes no more of the disk than it
may: the archive gives way first, then new messages are not taken, or the oldest of the least urgent
are dropped, as the node is set.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence, Set
from itertools import groupby
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import msgspec
import structlog

from agent.messages.lanes import Way
from agent.messages.rows import (
    MIB,
    Applied,
    Batch,
    DiskRefuses,
    Dropped,
    DropRow,
    Gone,
    Limits,
    Loaded,
    Put,
    StoreBroken,
    Victim,
    together,
)
from agent.messages.store_file import PAGE, opened, set_aside
from agent.messages.store_reading import StoreReading
from agent.messages.store_tables import StoreTables, listed
from agent.storage.reserve import Reserve

log = structlog.get_logger()

T = TypeVar("T")

ARCHIVE_BYTES = 64 * MIB
"""Of the archive, and a quarter of the store's limit at most."""
ARCHIVE_MS = 24 * 3600 * 1000
AT_ONCE = 256
"""Rows of the archive, or of what has to give way, that go at once."""
TAKEN_KEPT = 20_000
"""Messages from other nodes that are known again. The broker offers one again only if it could not
be told that it was taken, and never has more of them out than a few hundred for each microservice.
"""
PAGES_GIVEN_BACK = 256


class Store:
    """The store in the file at `path`, made when missing.

    found: what is in it. broken: where one that could not be read is now.
    Errors, of all of it: those of sqlite3; `translated` makes ours of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"))
        self.limits = Limits()
        self.broken: Path | None = None
        self.lost: list[Dropped] = []
        """What was in it, as far as that can be said."""
        self._next = 1
        try:
            self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            self.begin_anew(error)

    def _open(self) -> None:
        self._database = opened(self._path, self._reserve, uuid4().hex)
        self._tables = StoreTables(self._database)
        self.reading = StoreReading(self._database)
        """What is in it."""
        self._reserve.make()
        execute = self._database.execute
        execute("DELETE FROM lanes WHERE lane NOT IN (SELECT lane FROM waiting)")
        self.file_id: str = execute("SELECT id FROM file").fetchone()[0]
        ways = {
            lane: msgspec.msgpack.decode(way, type=Way)
            for lane, way in execute("SELECT lane, way FROM lanes")
        }
        self._lanes = ways
        self.found = [
            Loaded(lane, ways[lane], *rest)
            for lane, *rest in execute(
                "SELECT lane, count(*), sum(size), min(at), "
                "ifnull(min(nullif(expires_at, 0)), 0) FROM waiting GROUP BY lane"
            )
        ]
        (highest,) = execute("SELECT ifnull(max(message), 0) FROM bodies").fetchone()
        self._next = max(self._next, highest + 1)
        (self._archive_size,) = execute("SELECT ifnull(sum(size), 0) FROM archived").fetchone()
        (self._taken,) = execute("SELECT ifnull(max(taken), 0) FROM taken").fetchone()
        self._open_drops: dict[tuple[str, str], int] = {}
        self._used = self._tables.pages_used() * PAGE

    def begin_anew(self, error: Exception) -> None:
        """It can't be read: put it beside, and begin an empty one."""
        if hasattr(self, "_database"):
            self._database.close()
        self.broken = set_aside(self._path)
        log.error("message-store-unreadable", error=str(error), moved_to=str(self.broken))
        self._open()

    def close(self) -> None:
        """To be called once."""
        self._database.close()

    # --- in one transaction

    def apply(self, batch: Batch, now: int, out: Set[tuple[int, int]]) -> Applied:
        """Do all of it; what is done is on the disk then.

        out: (lane, sequence) of what receivers have, which gives way to nothing.
        Errors: as of the store; nothing is done then.
        """
        try:
            return self._applied(batch, now, out)
        except sqlite3.OperationalError:
            if not self._reserve.give_up():
                raise
            return self._applied(batch, now, out)

    def _applied(self, batch: Batch, now: int, out: Set[tuple[int, int]]) -> Applied:
        try:
            return self._transaction(batch, now, out)
        except _NotAllThereError:
            return self._transaction(batch, now, out, careful=True)

    def _transaction(
        self, batch: Batch, now: int, out: Set[tuple[int, int]], *, careful: bool = False
    ) -> Applied:
        before = self._next, self._archive_size, self._taken, dict(self._open_drops)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._remove(batch.gone, careful=careful)
            applied = self._kept(batch.puts, now, out)
            self._count(batch.drops)
            self._take(batch.taken)
            self._archive_within(self._archive_limit, now)
            self._database.execute("COMMIT")
        except BaseException:
            self._next, self._archive_size, self._taken, self._open_drops = before
            # SQLite itself has rolled back after some of the errors.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        for put, sequence in zip(batch.puts, applied.sequences, strict=True):
            if sequence is not None:
                self._lanes.update((lane, way) for lane, way, _ in put.to)
        self._used = applied.used = self._tables.pages_used() * PAGE
        return applied

    def _kept(self, puts: Sequence[Put], now: int, out: Set[tuple[int, int]]) -> Applied:
        applied = Applied([])
        if not puts:
            return applied
        used = self._tables.pages_used() * PAGE
        bodies: list[tuple[int, bytes]] = []
        waiting: list[tuple[int, int, int, int, int, int]] = []
        archived: list[tuple[int, int, int, str]] = []
        shared: list[tuple[int, int]] = []
        ways: dict[int, Way] = {}
        for put in puts:
            size = put.size
            grows = size + size // 4  # pages are not filled to the last byte
            if used + grows > self.limits.size:
                # What this batch has put so far is no victim: it would be gone before it is told.
                freed, victims = self._make_room(used + grows - self.limits.size, now, out)
                applied.victims += victims
                used -= freed
                if used + grows > self.limits.size:
                    applied.sequences.append(None)
                    continue
            used += grows
            sequence, self._next = self._next, self._next + 1
            copies = len(put.to) + bool(put.archive)
            bodies.append((sequence, put.content))
            for lane, way, expires_at in put.to:
                waiting.append((lane, sequence, put.at, expires_at, size, copies))
                if lane not in self._lanes:
                    ways[lane] = way
            if put.archive:
                archived.append((sequence, put.at, size, put.archive))
                self._archive_size += size
            if copies > 1:
                shared.append((sequence, copies))
            applied.sequences.append(sequence)
        self._count(self._given_way(applied.victims, now))
        self._tables.insert("lanes", [(n, msgspec.msgpack.encode(w)) for n, w in ways.items()])
        self._tables.insert("bodies", bodies)
        self._tables.insert("waiting", waiting)
        self._tables.insert("archived", archived)
        self._tables.insert("shared", shared)
        return applied

    def _given_way(self, victims: Iterable[Victim], now: int) -> list[Dropped]:
        return [
            Dropped(self._lanes[each.lane].route_id, "full", 1, each.size, now) for each in victims
        ]

    def _remove(self, gone: Iterable[Gone], *, careful: bool = False) -> None:
        """careful: some are gone already, and must not be counted as a copy less again."""
        own: list[int] = []
        several: list[int] = []
        for lane, group in groupby(sorted(gone, key=lambda g: g.lane), key=lambda g: g.lane):
            here = list(group)
            others = [g.sequence for g in here if g.copies > 1]
            done = self._database.execute(
                "DELETE FROM waiting WHERE lane = ? "  # noqa: S608 - our own words
                "AND message IN (SELECT value FROM json_each(?))"
                + (" RETURNING message" if careful else ""),
                (lane, listed(g.sequence for g in here)),
            )
            if careful:
                were = {row[0] for row in done.fetchall()}
                others = [each for each in others if each in were]
            elif others and done.rowcount != len(here):
                raise _NotAllThereError
            own += [g.sequence for g in here if g.copies == 1]
            self._tables.fewer(others)
            several += others
        self._tables.without_body(own)
        self._tables.without_copies(several)

    def _count(self, drops: Sequence[Dropped]) -> None:
        for each in together(drops):
            key = each.route_id, each.reason
            row = self._open_drops.get(key)
            if row is None:
                done = self._database.execute(
                    "INSERT INTO drops (route_id, reason, messages, size, since, at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (each.route_id, each.reason, each.messages, each.size, each.at, each.at),
                )
                self._open_drops[key] = done.lastrowid or 0
            else:
                self._database.execute(
                    "UPDATE drops SET messages = messages + ?, size = size + ?, at = max(at, ?) "
                    "WHERE drop_id = ?",
                    (each.messages, each.size, each.at, row),
                )

    def _take(self, digests: Sequence[bytes]) -> None:
        if not digests:
            return
        first = self._taken + 1
        self._taken += len(digests)
        self._tables.insert("taken", [(first + n, digest) for n, digest in enumerate(digests)])
        self._database.execute("DELETE FROM taken WHERE taken <= ?", (self._taken - TAKEN_KEPT,))

    # --- room

    @property
    def _archive_limit(self) -> int:
        return min(ARCHIVE_BYTES, self.limits.size // 4)

    def _archive_within(self, limit: int, now: int) -> int:
        """Drop the oldest of the archive; bytes that came free, about."""
        freed = 0
        while True:
            rows = self._database.execute(
                "SELECT message, at, size FROM archived ORDER BY message LIMIT ?", (AT_ONCE,)
            ).fetchall()
            go: list[int] = []
            for message, at, size in rows:
                if self._archive_size <= limit and at > now - ARCHIVE_MS:
                    break
                go.append(message)
                self._archive_size -= size
                freed += size
            if not go:
                return freed
            self._database.execute("DELETE FROM archived WHERE message <= ?", (go[-1],))
            self._tables.fewer(go)
            self._tables.without_copies(go)
            if len(go) < AT_ONCE:
                return freed

    def _make_room(
        self, size: int, now: int, out: Set[tuple[int, int]]
    ) -> tuple[int, list[Victim]]:
        """Free at least so many bytes, if that may be; how many came free."""
        before = self._tables.pages_used()
        if self._archive_size:
            self._archive_within(max(0, self._archive_size - max(size * 2, MIB)), now)
        freed = (before - self._tables.pages_used()) * PAGE
        if freed >= size or not self.limits.drop_oldest:
            return freed, []
        victims: list[Victim] = []
        # Somewhat more than is asked for, so that not each message has to look for room.
        size = max(size, min(MIB, self.limits.size // 64))
        while freed < size:
            more = self._oldest_of_the_least_urgent(size - freed, out)
            if not more:
                break
            self._remove([Gone(v.lane, v.sequence, c) for v, c in more])
            victims += [v for v, _ in more]
            freed = (before - self._tables.pages_used()) * PAGE
        return freed, victims

    def _oldest_of_the_least_urgent(
        self, size: int, out: Set[tuple[int, int]]
    ) -> list[tuple[Victim, int]]:
        """Enough of one urgency to free so many bytes, and their copies; [] when there is none."""
        by_urgency: dict[int, list[int]] = {}
        for lane, way in self._lanes.items():
            by_urgency.setdefault(way.urgency, []).append(lane)
        for urgency in sorted(by_urgency, reverse=True):
            found: list[tuple[int, int, int, int]] = []
            for lane in by_urgency[urgency]:
                rows = self._database.execute(
                    "SELECT message, lane, size, copies FROM waiting WHERE lane = ? "
                    "ORDER BY message LIMIT ?",
                    (lane, AT_ONCE + len(out)),
                )
                found += [row for row in rows if (lane, row[0]) not in out]
            chosen: list[tuple[Victim, int]] = []
            for message, lane, weight, copies in sorted(found)[:AT_ONCE]:
                chosen.append((Victim(lane, message, weight), copies))
                size -= weight
                if size <= 0:
                    break
            if chosen:
                return chosen
        return []

    def tidy(self) -> bool:
        """Give a little of the file back, and have the reserve again; whether that is there."""
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        if free > max(4 * PAGES_GIVEN_BACK, self._tables.pages_used() // 4):
            # `execute` would do one step of it, which is one page.
            self._database.executescript(f"PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})")
        return self._reserve.make()

    def drops(self) -> list[DropRow]:
        """What was dropped and is not told; what is dropped from now on gets rows of its own."""
        self._open_drops = {}
        return [
            DropRow(*row)
            for row in self._database.execute(
                "SELECT drop_id, route_id, reason, messages, size, since, at FROM drops "
                "ORDER BY drop_id"
            )
        ]

    def forget_drops(self, through: int) -> None:
        """Those up to this one are written down elsewhere."""
        self._database.execute("DELETE FROM drops WHERE drop_id <= ?", (through,))


def translated(work: Callable[[], T]) -> T:
    """Do something with a store. Errors: DiskRefuses, StoreBroken."""
    try:
        return work()
    except sqlite3.OperationalError as error:
        raise DiskRefuses(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise StoreBroken(str(error)) from error


class _NotAllThereError(Exception):
    """Something was to be removed that is not there any more."""
