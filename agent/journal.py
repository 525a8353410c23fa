"""What happened and is not told yet, what was told last, and what is remembered. One SQLite file.

SQLite rather than a journal of lines: a transition, the status that it is compared with and its
sequence number have to change together, also under `kill -9` and power cuts, and `AUTOINCREMENT`
never gives a number twice, whatever was deleted. Written only when something changes.

Calls are synchronous and made from the event loop: a write is one small transaction, a few
milliseconds with its sync, on a program that has little else to do.
"""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import assert_never

import msgspec
import structlog
from msgspec import Raw, Struct, field

from agent.contract import ContainerReport, ContainerStatus, OutcomeReport, TwinReport
from agent.errors import FolderUnusable
from agent.memory import Memory
from agent.status import Told

log = structlog.get_logger()

OUTBOX_LIMIT = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, about TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_about ON outbox (kind, about, sequence);
CREATE TABLE IF NOT EXISTS told (microservice_id TEXT PRIMARY KEY, told BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS memory (microservice_id TEXT PRIMARY KEY, memory BLOB NOT NULL);
"""


class Kind(StrEnum):
    """What a row of the outbox tells."""

    CONTAINER = "container"
    TWIN = "twin"
    OUTCOME = "outcome"


class Change(Struct, frozen=True, kw_only=True):
    """A change of a twin, without its number: see TwinReport."""

    section: str
    patch: Raw
    whole: Raw
    base: int
    at: datetime


class Result(Struct, frozen=True, kw_only=True):
    """What became of an instruction, without its number: see OutcomeReport."""

    outcome: str
    detail: str
    at: datetime


class Pending(Struct, kw_only=True):
    """What is to be told next, by kind. Numbers go up through all of them."""

    containers: list[ContainerReport] = field(default_factory=list)
    twins: list[TwinReport] = field(default_factory=list)
    outcomes: list[OutcomeReport] = field(default_factory=list)
    first: int = 0
    """The lowest number; 0 when there is nothing."""
    count: int = 0

    def add(self, sequence: int, kind: Kind, about: str, body: bytes) -> None:
        """One more row."""
        self.first = self.first or sequence
        self.count += 1
        match kind:
            case Kind.CONTAINER:
                status = msgspec.json.decode(body, type=ContainerStatus)
                self.containers.append(
                    ContainerReport(sequence=sequence, microservice_id=about, status=status)
                )
            case Kind.TWIN:
                change = msgspec.json.decode(body, type=Change)
                self.twins.append(
                    TwinReport(
                        sequence=sequence,
                        microservice_id=about,
                        section=change.section,
                        patch=change.patch,
                        whole=change.whole,
                        base=change.base,
                        at=change.at,
                    )
                )
            case Kind.OUTCOME:
                result = msgspec.json.decode(body, type=Result)
                self.outcomes.append(
                    OutcomeReport(
                        sequence=sequence,
                        told_at=int(about),
                        outcome=result.outcome,
                        detail=result.detail,
                        at=result.at,
                    )
                )
            case _:
                assert_never(kind)


class Journal:
    """The journal in the file at `path`; made when missing."""

    def __init__(
        self,
        path: Path,
        *,
        limit: int = OUTBOX_LIMIT,
        on_transition: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = limit
        self._on_transition = on_transition
        self._database = _opened(path)
        rows = self._database.execute("SELECT microservice_id, memory FROM memory")
        self._memories = {m: msgspec.json.decode(blob, type=Memory) for m, blob in rows}
        rows = self._database.execute("SELECT microservice_id, told FROM told")
        self._told = {m: msgspec.json.decode(blob, type=Told) for m, blob in rows}

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def note(self, microservice_id: str, told: Told) -> bool:
        """Put a transition into the outbox; False when it tells nothing new."""
        before = self._told.get(microservice_id)
        if before is not None and told.says_the_same_as(before):
            return False
        try:
            with self._database as transaction:
                self._put(Kind.CONTAINER, microservice_id, told.status)
                transaction.execute(
                    "INSERT OR REPLACE INTO told VALUES (?, ?)",
                    (microservice_id, msgspec.json.encode(told)),
                )
            self._coalesce()
        except sqlite3.OperationalError as error:
            # A full disk must not stop the healing; the next look notes it again.
            log.error("transition-not-kept", microservice=microservice_id, error=str(error))
            return False
        self._told[microservice_id] = told
        self._on_transition()
        return True

    def last_told(self) -> dict[str, ContainerStatus]:
        """By microservice, the last transition noted, delivered or not."""
        return {m: told.status for m, told in self._told.items()}

    def _put(self, kind: Kind, about: str, body: Struct) -> None:
        """Within a transaction: one more thing to tell. `body` is without its number."""
        self._database.execute(
            "INSERT INTO outbox (kind, about, body) VALUES (?, ?, ?)",
            (kind, about, msgspec.json.encode(body)),
        )

    def pending(self, most: int) -> Pending:
        """The oldest that the controller has not accepted yet, at most so many in all."""
        rows = self._database.execute(
            "SELECT sequence, kind, about, body FROM outbox ORDER BY sequence LIMIT ?", (most,)
        )
        pending = Pending()
        for sequence, kind, about, body in rows:
            pending.add(sequence, Kind(kind), about, body)
        return pending

    def waiting(self) -> int:
        """How many transitions are in the outbox."""
        return _number(self._database.execute("SELECT count(*) FROM outbox"))

    def accepted(self, through: int) -> bool:
        """The controller has everything up to this number. False when the disk takes no writes.

        It is all told again then, and the controller knows it by its numbers.
        """
        try:
            self._accept(through)
        except sqlite3.OperationalError as error:
            log.error("acceptance-not-kept", accepted_through=through, error=str(error))
            return False
        return True

    def _accept(self, through: int) -> None:
        highest = self._highest_sequence()
        with self._database as transaction:
            transaction.execute("DELETE FROM outbox WHERE sequence <= ?", (through,))
            if through <= highest:
                return
            # It has seen more of us than we know of: the folder is older than the node (restored
            # from a backup, or its journal was lost). It took none of what we numbered again, so
            # go on after its number and tell everything once more.
            log.warning("journal-behind-controller", ours=highest, accepted_through=through)
            transaction.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
            transaction.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (through,))
            transaction.execute("DELETE FROM told")
        self._told.clear()

    def memory(self, microservice_id: str) -> Memory:
        """What is remembered of it; an empty memory when nothing is."""
        return self._memories.get(microservice_id, Memory())

    def memories(self) -> dict[str, Memory]:
        """All of them, by microservice."""
        return dict(self._memories)

    def remember(self, microservice_id: str, memory: Memory) -> None:
        """On disk when this returns, if it is anything new and the disk takes it."""
        if self._memories.get(microservice_id) == memory:
            return
        self._memories[microservice_id] = memory
        try:
            with self._database as transaction:
                transaction.execute(
                    "INSERT OR REPLACE INTO memory VALUES (?, ?)",
                    (microservice_id, msgspec.json.encode(memory)),
                )
        except sqlite3.OperationalError as error:
            log.error("memory-not-kept", microservice=microservice_id, error=str(error))

    def forget(self, microservice_id: str) -> None:
        """It is gone from this node. What happened to it before is still told."""
        if microservice_id not in self._memories and microservice_id not in self._told:
            return
        try:
            with self._database as transaction:
                for table in ("memory", "told"):
                    transaction.execute(
                        f"DELETE FROM {table} WHERE microservice_id = ?",  # noqa: S608 - constants
                        (microservice_id,),
                    )
        except sqlite3.OperationalError as error:
            # A full disk must not stop the healing; the next look forgets it again.
            log.error("memory-not-forgotten", microservice=microservice_id, error=str(error))
            return
        self._memories.pop(microservice_id, None)
        self._told.pop(microservice_id, None)

    def _coalesce(self) -> None:
        """Keep a long time without a controller from filling the disk."""
        count = self.waiting()
        if count <= self._limit:
            return
        # Down to half, so that this is rare; the newest of each microservice stays in any case.
        with self._database as transaction:
            dropped = transaction.execute(
                """
                DELETE FROM outbox
                WHERE kind = 'container' AND sequence <= (SELECT max(sequence) FROM outbox) - ?
                  AND sequence NOT IN (SELECT max(sequence) FROM outbox GROUP BY kind, about)
                """,
                (self._limit // 2,),
            ).rowcount
        log.warning("outbox-coalesced", dropped=dropped, kept=count - dropped, limit=self._limit)

    def _highest_sequence(self) -> int:
        return _number(
            self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        )


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _connected(path)
    except sqlite3.OperationalError as error:
        # Locked, full, not to be opened: nothing is wrong with what it holds.
        raise FolderUnusable(path.parent, f"{path.name}: {error}") from error
    except sqlite3.DatabaseError as error:
        # The containers matter more than what was to be told about them: begin a new one.
        # `accepted` notices that the controller has seen higher numbers.
        aside = path.with_name(f"{path.name}.broken")
        log.error("journal-unreadable", error=str(error), moved_to=str(aside))
        path.replace(aside)
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=5.0)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _number(cursor: sqlite3.Cursor) -> int:
    row: tuple[int] | None = cursor.fetchone()
    return 0 if row is None else row[0]
