"""What the device has of twins: what microservices reported, its own changes that nobody decided.

Tables of the journal's file, so that a change, what it makes of the section and the word to the
controller are one transaction, also under `kill -9`. Used by `twins.py` alone.

Changes of desired properties stay here beyond their acceptance: until a desired state says, by
`edits_through`, that it has in it what became of them. So nothing flickers in between.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import structlog
from msgspec import Raw, Struct

from agent.storage.journal import Journal
from agent.storage.outbox import Change

log = structlog.get_logger()

NOTHING = Raw(b"{}")
NEVER = datetime.fromtimestamp(0, UTC)
DESIRED, REPORTED = "desired", "reported"
MOST_BYTES = 16 * 1024 * 1024
"""Of reported properties that the controller was not told yet. Beyond, the oldest are dropped, but
for the newest of each microservice: it has everything in it."""
DROPPED_AT_ONCE = 2000
MOST_EDITS = 1000
"""Changes of a microservice's desired properties that nobody decided yet."""
MOST_EDITED_BYTES = 1024 * 1024
"""Of these."""


class Reported(Struct, frozen=True):
    """What a microservice reported, and how often it changed."""

    whole: Raw = NOTHING
    version: int = 0
    at: datetime = NEVER


class Edit(Struct, frozen=True):
    """A change of desired properties. sequence: its number among the agent's reports."""

    sequence: int
    change: Change


class TwinStore:
    """The twins of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._database = journal.database
        rows = self._database.execute("SELECT microservice_id, reported FROM twins")
        self._reported = {m: msgspec.json.decode(blob, type=Reported) for m, blob in rows}
        self._edits: dict[str, list[Edit]] = {}
        for sequence, microservice_id, change in self._database.execute(
            "SELECT sequence, microservice_id, change FROM twin_edits ORDER BY sequence"
        ):
            edit = Edit(sequence, msgspec.json.decode(change, type=Change))
            self._edits.setdefault(microservice_id, []).append(edit)
        self._bytes = self._waiting_bytes()
        journal.on_behind = self._tell_again

    def reported(self, microservice_id: str) -> Reported:
        """What it reported last."""
        return self._reported.get(microservice_id, Reported())

    def edits(self, microservice_id: str) -> list[Edit]:
        """The changes that nobody decided yet, oldest first."""
        return self._edits.get(microservice_id, [])

    def report(self, microservice_id: str, whole: Raw, *, known: int, at: datetime) -> bool:
        """It reports this, whole, from now on; False when the disk takes nothing.

        known: the version that the controller has, where that is more than ours.
        """
        base = max(self.reported(microservice_id).version, known)
        after = Reported(whole, base + 1, at)
        change = Change(section=REPORTED, patch=NOTHING, whole=whole, base=base, at=at)

        def write() -> None:
            with self._database as transaction:
                self._journal.put_twin(microservice_id, change)
                transaction.execute(
                    "INSERT OR REPLACE INTO twins VALUES (?, ?)",
                    (microservice_id, msgspec.json.encode(after)),
                )

        if not self._journal.written(write):
            return False
        self._reported[microservice_id] = after
        self._bytes += len(bytes(whole))
        self._bound()
        self._journal.tell()
        return True

    def room_for_edit(self, microservice_id: str) -> bool:
        """Whether one more change of desired properties may wait."""
        edits = self.edits(microservice_id)
        size = sum(len(bytes(each.change.patch)) for each in edits)
        return len(edits) < MOST_EDITS and size < MOST_EDITED_BYTES

    def edit(self, microservice_id: str, patch: Raw, *, base: int, at: datetime) -> bool:
        """Its desired properties are changed on this device; False when the disk takes nothing."""
        change = Change(section=DESIRED, patch=patch, whole=NOTHING, base=base, at=at)
        numbers: list[int] = []

        def write() -> None:
            with self._database:
                numbers.append(self._put_edit(microservice_id, change))

        if not self._journal.written(write):
            return False
        self._edits.setdefault(microservice_id, []).append(Edit(numbers[-1], change))
        self._journal.tell()
        return True

    def decided(self, microservice_id: str, through: int) -> None:
        """The controller has decided its changes up to that number of ours."""
        edits = self.edits(microservice_id)
        if through > self._journal.numbered:
            # It speaks of an agent that this folder does not know of (see Journal.accepted): our
            # numbers mean something else to it. They are given anew, and told then.
            return
        left = [each for each in edits if each.sequence > through]
        if len(left) == len(edits):
            return
        self._edits[microservice_id] = left

        def write() -> None:
            with self._database as transaction:
                transaction.execute(
                    "DELETE FROM twin_edits WHERE microservice_id = ? AND sequence <= ?",
                    (microservice_id, through),
                )

        self._journal.written(write)  # if not, they are found decided again after a restart

    def keep_only(self, microservices: Iterable[str]) -> None:
        """All others are gone from this node. What happened before is still told."""
        for gone in (self._reported.keys() | self._edits.keys()) - set(microservices):

            def write(gone: str = gone) -> None:
                with self._database as transaction:
                    transaction.execute("DELETE FROM twins WHERE microservice_id = ?", (gone,))
                    transaction.execute("DELETE FROM twin_edits WHERE microservice_id = ?", (gone,))

            if self._journal.written(write):
                self._reported.pop(gone, None)
                self._edits.pop(gone, None)

    def _put_edit(self, microservice_id: str, change: Change) -> int:
        sequence = self._journal.put_twin(microservice_id, change)
        self._database.execute(
            "INSERT INTO twin_edits VALUES (?, ?, ?)",
            (sequence, microservice_id, msgspec.json.encode(change)),
        )
        return sequence

    def _tell_again(self) -> None:
        """Within a transaction: the controller took none of what we numbered."""
        for microservice_id, reported in self._reported.items():
            base = max(0, reported.version - 1)
            self._journal.put_twin(
                microservice_id,
                Change(
                    section=REPORTED,
                    patch=NOTHING,
                    whole=reported.whole,
                    base=base,
                    at=reported.at,
                ),
            )
        self._database.execute("DELETE FROM twin_edits")
        self._edits = {
            microservice_id: [
                Edit(self._put_edit(microservice_id, each.change), each.change) for each in edits
            ]
            for microservice_id, edits in self._edits.items()
        }

    def _waiting_bytes(self) -> int:
        (size,) = self._database.execute(
            "SELECT ifnull(sum(length(body)), 0) FROM outbox WHERE kind = 'twin' AND gist = ?",
            (REPORTED,),
        ).fetchone()
        return int(size)

    def _bound(self) -> None:
        """Keep a long time without a controller from filling the disk."""
        if self._bytes <= MOST_BYTES:
            return
        self._bytes = self._waiting_bytes()
        if self._bytes <= MOST_BYTES:
            return
        # What may have been told already stays as it is, as everywhere in the outbox.
        rows = self._database.execute(
            "SELECT sequence FROM outbox WHERE kind = 'twin' AND gist = ? AND sequence > ? "
            "AND sequence NOT IN (SELECT max(sequence) FROM outbox WHERE kind = 'twin' "
            "AND gist = ? GROUP BY about) ORDER BY sequence LIMIT ?",
            (REPORTED, self._journal.shown, REPORTED, DROPPED_AT_ONCE),
        ).fetchall()

        def write() -> None:
            with self._database as transaction:
                transaction.executemany("DELETE FROM outbox WHERE sequence = ?", rows)

        if rows and self._journal.written(write):
            log.warning("reported-properties-dropped", dropped=len(rows), limit=MOST_BYTES)
            self._bytes = self._waiting_bytes()
