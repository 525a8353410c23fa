"""How months without a controller stay small: many transitions are told as one, and counted.

Pure. `journal.py` asks, for each transition that it puts into its outbox.

Two things happen here. **Folding**: a microservice that ends every five minutes for a quarter of a
year goes through the same states again and again. From the second round on, a transition that leads
back to one of the same gist becomes one with it: how often, since when, and what lay between is
kept, so that nothing is lost but the times of the middle ones. Only quick rounds are folded, those
of a crash loop; a restart of the engine once a day is told by the day. When the outbox is half full
all rounds are. **Merging**: when it is full, the older half of who has the most becomes one
transition that says how many are missing, and since when.

What somebody may have been told already is never touched: it would be told twice, or not at all.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from agent.contract import ContainerStatus, Passed
from agent.lifecycle.status import Told

QUICK = 900.0
"""Seconds between two of the same gist: the longest delay, and a run just short of a stable one."""
LONGEST_ROUND = 8
"""Transitions that are looked back over."""


class Row(Struct, frozen=True, kw_only=True):
    """A transition in the outbox. gist, path: see the functions of these names."""

    sequence: int
    gist: str
    path: str
    status: ContainerStatus


class Folded(Struct, frozen=True, kw_only=True):
    """The row that says it all now, and those that it stands for besides."""

    row: Row
    gone: tuple[int, ...]


def gist(told: Told) -> str:
    """Equal for transitions that say the same again: all but words, times and counts."""
    s = told.status
    said = (s.state, told.cause, s.exit_code, s.health, s.container_id, s.image_digest, s.revision)
    return blake2b(repr(said).encode(), digest_size=8).hexdigest()


def path(between: Sequence[Row]) -> str:
    """The gists on the way from one to the next."""
    return " ".join(row.gist for row in between)


def folded(
    tail: Sequence[Row], new: str, status: ContainerStatus, *, pressed: bool
) -> Folded | None:
    """The transition as one with an earlier one; None when it has to stand for itself.

    tail: the microservice's last rows that nobody was told, oldest first, at most LONGEST_ROUND.
    new: the gist of `status`. pressed: room is getting scarce.
    """
    for place in reversed(range(len(tail))):
        before, between = tail[place], tail[place + 1 :]
        if before.gist != new:
            continue
        apart = abs((status.at - before.status.at).total_seconds())
        way = path(between)
        if (
            (apart > QUICK and not pressed)
            or before.status.dropped
            or (before.status.repeats > 1 and before.path != way)
            or any(row.status.repeats > 1 or row.status.dropped for row in between)
        ):
            return None
        together = replace(
            status,
            repeats=before.status.repeats + 1,
            between=[_passed(row.status) for row in between],
            since=_beginning(before.status),
        )
        row = Row(sequence=before.sequence, gist=new, path=way, status=together)
        return Folded(row=row, gone=tuple(row.sequence for row in between))
    return None


def merged(rows: Sequence[Row]) -> Folded:
    """The last of them, with how many were dropped before it. rows: one microservice's, some."""
    last = rows[-1]
    missing = sum(weight(row.status) for row in rows[:-1])
    status = replace(
        last.status, dropped=last.status.dropped + missing, since=_beginning(rows[0].status)
    )
    return Folded(row=replace(last, status=status), gone=tuple(r.sequence for r in rows[:-1]))


def without_one(held: Sequence[tuple[str, Told]]) -> list[tuple[str, Told]]:
    """The oldest that its microservice has a later one of is dropped, and counted there."""
    for place, (microservice_id, told) in enumerate(held):
        for later in range(place + 1, len(held)):
            if held[later][0] != microservice_id:
                continue
            heir = held[later][1]
            status = replace(
                heir.status,
                dropped=heir.status.dropped + weight(told.status),
                since=_beginning(told.status),
            )
            rest = [*held[:later], (microservice_id, replace(heir, status=status))]
            return [*rest[:place], *rest[place + 1 :], *held[later + 1 :]]
    return list(held)  # of each there is one: fewer than that would be a lie


def weight(status: ContainerStatus) -> int:
    """How many transitions it stands for, told or dropped."""
    return status.dropped + status.repeats + (status.repeats - 1) * len(status.between)


def _beginning(status: ContainerStatus) -> datetime:
    return status.since or status.at


def _passed(status: ContainerStatus) -> Passed:
    return Passed(
        state=status.state, reason=status.reason, exit_code=status.exit_code, health=status.health
    )
