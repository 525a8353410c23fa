"""What happened and is not told yet, what was told last, and what is remembered. One SQLite file.

SQLite rather than a journal of lines: a transition, the status that it is compared with and its
sequence number have to change together, also under `kill -9` and power cuts, and `AUTOINCREMENT`
never gives a number twice, whatever was deleted. Written only when something changes.

It takes no more than so many bytes, however long nobody can be told: `folding.py` says how, and
only containers' transitions are ever folded or dropped. What may have been told to somebody is left
as it is: that are always the oldest rows, `TOLD_AT_ONCE` at most.

A disk that is full stops nothing: what happens is kept in memory until it can be written, after
the reserve of `reserve.py` is used up too, and `problem` says so.

Calls are synchronous and made from the event loop: a write is one small transaction, a few
milliseconds with its sync, on a program that has little else to do.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import msgspec
import structlog
from msgspec import Struct

from agent.contract import ContainerStatus
from agent.lifecycle.memory import Memory
from agent.lifecycle.status import Told
from agent.storage.folding import LONGEST_ROUND, Folded, Row, folded, gist, merged, without_one
from agent.storage.journal_file import number, opened
from agent.storage.outbox import Change, Drop, Kind, Pending, Result
from agent.storage.reserve import Reserve

log = structlog.get_logger()

BYTES = 64 * 1024 * 1024
"""Of the file, at most."""
TOLD_AT_ONCE = 200
"""Rows that the controller is told in one report, at most: some 100 kB."""
LARGEST_REPORT = 256 * 1024
"""Bytes of their bodies, unless the first alone has more."""
TWIN_WEIGHS = 4
"""Times as much as other bodies: a twin is gone through field by field where it is decided."""
HELD = 1000
"""Transitions that are kept in memory while the disk takes none."""
MERGED_AT_ONCE = 500
"""Rows that become one when the file is full: some milliseconds."""
PAGES_GIVEN_BACK = 64


class Journal:
    """The journal in the file at `path`; made when missing.

    limit: bytes. exactly: so many rows wait before any are folded.
    `problem` says why nothing can be written; it is empty while all is.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: int = BYTES,
        exactly: int = TOLD_AT_ONCE,
        on_transition: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = limit
        self._exactly = exactly
        self._full = False
        self._on_transition = on_transition
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"))
        self._database = opened(path, self._reserve)
        self._reserve.make()
        rows = self._database.execute("SELECT microservice_id, memory FROM memory")
        self._memories = {m: msgspec.json.decode(blob, type=Memory) for m, blob in rows}
        rows = self._database.execute("SELECT microservice_id, told FROM told")
        self._told = {m: msgspec.json.decode(blob, type=Told) for m, blob in rows}
        # Which of them an earlier agent told somebody is not known.
        self._shown = number(
            self._database.execute(
                "SELECT ifnull(max(sequence), 0) FROM "
                "(SELECT sequence FROM outbox ORDER BY sequence LIMIT ?)",
                (TOLD_AT_ONCE,),
            )
        )
        self.on_behind: Callable[[], None] = lambda: None
        """Within a transaction: the controller has forgotten what we numbered. See `accepted`."""
        self._held: list[tuple[str, Told]] = []
        self._unkept: set[str] = set()
        """Microservices whose memory is not on disk."""
        self.problem = ""

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._catch_up()
        self._database.close()

    def note(self, microservice_id: str, told: Told) -> bool:
        """Put a transition into the outbox; False when it tells nothing new."""
        before = self._told.get(microservice_id)
        if before is not None and told.says_the_same_as(before):
            return False
        self._told[microservice_id] = told
        if not self._catch_up() or not self._written(lambda: self._note(microservice_id, told)):
            self._hold(microservice_id, told)
        self._on_transition()
        return True

    def _note(self, microservice_id: str, told: Told) -> None:
        used = self._used()
        new, together = gist(told), None
        if self._many() and (tail := self._tail(microservice_id)):
            together = folded(tail, new, told.status, pressed=used > self._limit // 2)
        with self._database as transaction:
            if together is None:
                self._put(Kind.CONTAINER, microservice_id, told.status, new)
            else:
                self._join(together)
            transaction.execute(
                "INSERT OR REPLACE INTO told VALUES (?, ?)",
                (microservice_id, msgspec.json.encode(told)),
            )
        if used > self._limit:
            self._make_room()
        else:
            self._full = False

    def _hold(self, microservice_id: str, told: Told) -> None:
        """Keep it in memory, in its order."""
        self._held.append((microservice_id, told))
        if len(self._held) > HELD:
            self._held = without_one(self._held)

    def _catch_up(self) -> bool:
        """Write what could not be written before; whether all is."""
        if not self.problem:
            return True
        while self._held:
            microservice_id, told = self._held[0]
            if not self._written(lambda m=microservice_id, t=told: self._note(m, t)):  # type: ignore[misc]
                return False
            del self._held[0]
        for microservice_id in sorted(self._unkept):
            if not self._written(lambda m=microservice_id: self._remember(m)):  # type: ignore[misc]
                return False
            self._unkept.discard(microservice_id)
        if self._reserve.make():
            log.info("journal-writes-again", said_before=self.problem)
            self.problem = ""
            self._on_transition()
        return True

    def _written(self, write: Callable[[], None]) -> bool:
        """Do it; with the reserve when the disk is full; False when that fails too.

        A full disk must not stop the healing.
        """
        try:
            write()
        except sqlite3.OperationalError as error:
            again = self._reserve.give_up()
            if not self.problem:
                log.error("journal-not-written", error=str(error), reserve="given up")
                self.problem = f"the agent's folder takes no more: {error}"
                self._on_transition()
            return self._written(write) if again else False
        return True

    def last_told(self) -> dict[str, ContainerStatus]:
        """By microservice, the last transition noted, delivered or not."""
        return {m: told.status for m, told in self._told.items()}

    def _put(self, kind: Kind, about: str, body: Struct, gist: str = "") -> None:
        """Within a transaction: one more thing to tell. `body` is without its number."""
        self._database.execute(
            "INSERT INTO outbox (kind, about, body, gist) VALUES (?, ?, ?, ?)",
            (kind, about, msgspec.json.encode(body), gist),
        )

    def _many(self) -> bool:
        """Whether so much waits that the controller can hardly be there."""
        rows = self._database.execute(
            "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)", (self._exactly + 1,)
        )
        return number(rows) > self._exactly

    def _tail(self, microservice_id: str) -> list[Row]:
        """Its last transitions that nobody was told, oldest first."""
        rows = self._database.execute(
            "SELECT sequence, gist, path, body FROM outbox WHERE kind = 'container' AND about = ? "
            "AND sequence > ? ORDER BY sequence DESC LIMIT ?",
            (microservice_id, self._shown, LONGEST_ROUND),
        )
        return [_row(*each) for each in rows][::-1]

    def _join(self, together: Folded) -> None:
        """Within a transaction: one row in the place of several."""
        row = together.row
        self._database.execute(
            "UPDATE outbox SET body = ?, path = ? WHERE sequence = ?",
            (msgspec.json.encode(row.status), row.path, row.sequence),
        )
        self._database.executemany(
            "DELETE FROM outbox WHERE sequence = ?", [(sequence,) for sequence in together.gone]
        )

    def _make_room(self) -> None:
        """The older half of who has the most to tell becomes one, and says so."""
        most = self._database.execute(
            "SELECT about, count(*) FROM outbox WHERE kind = 'container' AND sequence > ? "
            "GROUP BY about ORDER BY count(*) DESC LIMIT 1",
            (self._shown,),
        ).fetchone()
        if most is None or most[1] < 3:
            if not self._full:
                log.error("outbox-full", limit=self._limit, next="nothing of it can be dropped")
            self._full = True
            return
        about, count = most
        rows = self._database.execute(
            "SELECT sequence, gist, path, body FROM outbox WHERE kind = 'container' AND about = ? "
            "AND sequence > ? ORDER BY sequence LIMIT ?",
            (about, self._shown, max(2, min(MERGED_AT_ONCE, count // 2))),
        )
        together = merged([_row(*each) for each in rows])
        with self._database:
            self._join(together)
        log.warning(
            "transitions-dropped",
            microservice=about,
            dropped=together.row.status.dropped,
            since=str(together.row.status.since),
        )

    def _used(self) -> int:
        """Bytes of the file that hold something."""
        (pages,), (free,), (size,) = (
            self._database.execute(f"PRAGMA {name}").fetchone()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def pending(self, most: int = TOLD_AT_ONCE) -> Pending:
        """The oldest that the controller has not accepted yet, at most so many in all.

        Whoever asks may tell it: these rows never change any more.
        """
        self._catch_up()
        rows = self._database.execute(
            "SELECT sequence, kind, about, body FROM outbox ORDER BY sequence LIMIT ?", (most + 1,)
        )
        pending, size = Pending(), 0
        for sequence, kind, about, body in rows:
            size += len(body) * (TWIN_WEIGHS if kind == Kind.TWIN else 1)
            if pending.count == most or (pending.count and size > LARGEST_REPORT):
                pending.more = True
                break
            pending.add(sequence, Kind(kind), about, body)
            self._shown = max(self._shown, sequence)
        return pending

    def waiting(self) -> int:
        """How many transitions are in the outbox."""
        return number(self._database.execute("SELECT count(*) FROM outbox"))

    def accepted(self, through: int) -> bool:
        """The controller has everything up to this number. False when the disk takes no writes.

        It is all told again then, and the controller knows it by its numbers.
        """
        return self._written(lambda: self._accept(through))

    def _accept(self, through: int) -> None:
        highest = self._highest_sequence()
        with self._database as transaction:
            transaction.execute("DELETE FROM outbox WHERE sequence <= ?", (through,))
        self._give_back()
        if through <= highest:
            return
        with self._database as transaction:
            # It has seen more of us than we know of: the folder is older than the node (restored
            # from a backup, or its journal was lost). It took none of what we numbered again, so
            # go on after its number and tell everything once more.
            log.warning("journal-behind-controller", ours=highest, accepted_through=through)
            transaction.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
            transaction.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (through,))
            transaction.execute("DELETE FROM told")
            self.on_behind()
        self._told.clear()

    # --- for twin_store.py, which has tables of its own in the file

    @property
    def database(self) -> sqlite3.Connection:
        """The file."""
        return self._database

    @property
    def numbered(self) -> int:
        """The highest number that was given."""
        return self._highest_sequence()

    @property
    def shown(self) -> int:
        """Up to here, rows may have been told to somebody: they never change."""
        return self._shown

    def written(self, write: Callable[[], None]) -> bool:
        """Do it, with the reserve when the disk is full; whether it is done."""
        return self._catch_up() and self._written(write)

    def put_twin(self, microservice_id: str, change: Change) -> int:
        """Within a transaction: a change of a twin to tell; its number."""
        self._put(Kind.TWIN, microservice_id, change, change.section)
        return self._highest_sequence()

    def tell_drops(self, file_id: str, drops: Sequence[tuple[int, str, Drop]]) -> bool:
        """Put what was dropped into the outbox: (number, route's id, what), each number of that
        file once, however often it is brought. False when the disk takes no writes."""
        return self.written(lambda: self._tell_drops(file_id, drops))

    def _tell_drops(self, file_id: str, drops: Sequence[tuple[int, str, Drop]]) -> None:
        many = self._many()
        with self._database as transaction:
            rows = transaction.execute(
                "SELECT through FROM drops_told WHERE file_id = ?", (file_id,)
            )
            through = number(rows)
            for each, route_id, drop in drops:
                if each <= through:
                    continue
                if not (many and self._joined(route_id, drop)):
                    self._put(Kind.DROP, route_id, drop, drop.reason)
            transaction.execute("DELETE FROM drops_told")
            transaction.execute(
                "INSERT INTO drops_told VALUES (?, ?)",
                (file_id, max([through, *(each for each, _, _ in drops)])),
            )

    def _joined(self, route_id: str, drop: Drop) -> bool:
        """Within a transaction: one with what waits to be told of the route already, if any."""
        row = self._database.execute(
            "SELECT sequence, body FROM outbox WHERE kind = 'drop' AND about = ? AND gist = ? "
            "AND sequence > ? ORDER BY sequence DESC LIMIT 1",
            (route_id, drop.reason, self._shown),
        ).fetchone()
        if row is None:
            return False
        sequence, body = row
        together = drop.with_earlier(msgspec.json.decode(body, type=Drop))
        self._database.execute(
            "UPDATE outbox SET body = ? WHERE sequence = ?",
            (msgspec.json.encode(together), sequence),
        )
        return True

    def tell(self) -> None:
        """There is something new to tell."""
        self._on_transition()

    def mark(self, told_at: int) -> bytes | None:
        """What `begin` wrote down last of an instruction; None when it was never begun."""
        rows = self._database.execute(
            "SELECT mark FROM instructions WHERE told_at = ?", (told_at,)
        ).fetchall()
        return rows[0][0] if rows else None

    def begin(self, told_at: int, mark: bytes) -> bool:
        """An instruction is about to be carried out: on disk when this returns.

        False when the disk does not take it: then do not, for a crash would repeat it.
        """
        try:
            with self._database as transaction:
                transaction.execute(
                    "INSERT INTO instructions VALUES (?, ?, 0) "
                    "ON CONFLICT (told_at) DO UPDATE SET mark = excluded.mark",
                    (told_at, mark),
                )
        except sqlite3.OperationalError as error:
            log.error("instruction-not-kept", told_at=told_at, error=str(error))
            return False
        return True

    def spoken(self, told_at: int) -> bool:
        """Whether the outcome of that instruction is in the outbox, or was told."""
        rows = self._database.execute(
            "SELECT spoken FROM instructions WHERE told_at = ?", (told_at,)
        ).fetchall()
        return bool(rows and rows[0][0])

    def speak(self, told_at: int, result: Result) -> bool:
        """Put an instruction's outcome into the outbox, the first only. False: the disk is full."""
        if self.spoken(told_at):
            return True
        try:
            with self._database as transaction:
                self._put(Kind.OUTCOME, str(told_at), result)
                transaction.execute(
                    "INSERT INTO instructions VALUES (?, '', 1) "
                    "ON CONFLICT (told_at) DO UPDATE SET spoken = 1",
                    (told_at,),
                )
        except sqlite3.OperationalError as error:
            log.error("outcome-not-kept", told_at=told_at, error=str(error))
            return False
        self._on_transition()
        return True

    def forget_instructions(self, but: set[int]) -> None:
        """Those that the controller does not tell any more."""
        known = {row[0] for row in self._database.execute("SELECT told_at FROM instructions")}
        try:
            with self._database as transaction:
                for told_at in known - but:
                    transaction.execute("DELETE FROM instructions WHERE told_at = ?", (told_at,))
        except sqlite3.OperationalError as error:
            log.error("instructions-not-forgotten", error=str(error))

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
        if not self._written(lambda: self._remember(microservice_id)):
            self._unkept.add(microservice_id)

    def _remember(self, microservice_id: str) -> None:
        memory = self._memories.get(microservice_id)
        if memory is None:
            return  # forgotten before the disk took it
        with self._database as transaction:
            transaction.execute(
                "INSERT OR REPLACE INTO memory VALUES (?, ?)",
                (microservice_id, msgspec.json.encode(memory)),
            )

    def forget(self, microservice_id: str) -> None:
        """It is gone from this node. What happened to it before is still told."""
        if microservice_id not in self._memories and microservice_id not in self._told:
            return
        if not self._catch_up() or not self._written(lambda: self._forget(microservice_id)):
            return  # the next look forgets it again
        self._memories.pop(microservice_id, None)
        self._told.pop(microservice_id, None)

    def _forget(self, microservice_id: str) -> None:
        with self._database as transaction:
            transaction.execute("DELETE FROM memory WHERE microservice_id = ?", (microservice_id,))
            transaction.execute("DELETE FROM told WHERE microservice_id = ?", (microservice_id,))

    def _give_back(self) -> None:
        """After months of it, a little of the file at a time."""
        free = number(self._database.execute("PRAGMA freelist_count"))
        if free > 2 * PAGES_GIVEN_BACK:
            # `execute` would do one step of it, which is one page.
            self._database.executescript(f"PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})")

    def _highest_sequence(self) -> int:
        return number(
            self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        )


def _row(sequence: int, gist: str, path: str, body: bytes) -> Row:
    status = msgspec.json.decode(body, type=ContainerStatus)
    return Row(sequence=sequence, gist=gist, path=path, status=status)
