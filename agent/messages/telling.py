"""What the controller hears of messages: those that were dropped, and how the routes stand.

What was dropped is a fact: counted in the store in the transaction that drops it, moved to the
journal once a minute, and told from there until the controller has it. How routes stand is
telemetry: the last is told, when it is another and every few minutes.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from agent.contract import RouteStatus
from agent.messages.commits import Commits
from agent.messages.rows import DropRow
from agent.storage.journal import Journal
from agent.storage.outbox import Drop

log = structlog.get_logger()

STATUS_EVERY = 10.0
"""Seconds between two tellings, at least."""

STATUS_AGAIN = 300.0
"""Seconds after which even the same is told: of what is telemetry, a controller may lose what it
had, and a thing that waits grows older."""


class DropTelling:
    """From the store to the journal."""

    def __init__(self, commits: Commits, journal: Journal, on_news: Callable[[], None]) -> None:
        self._commits = commits
        self._journal = journal
        self._on_news = on_news

    def tell_if_any(self) -> None:
        """Once a minute."""
        if self._commits.open_drops:
            self.tell()

    def tell(self) -> None:
        """All that were counted until now."""
        self._commits.open_drops = False
        self._commits.ask(lambda store: (store.file_id, store.drops()), self._move)

    def _move(self, found: tuple[str, list[DropRow]]) -> None:
        file_id, rows = found
        if not rows:
            return
        through = rows[-1].drop_id
        drops = [(row.drop_id, row.route_id, _drop(row)) for row in rows]
        for row in rows:
            log.warning(
                "messages-dropped", route=row.route_id, reason=row.reason, messages=row.messages
            )
        if self._journal.tell_drops(file_id, drops):
            self._commits.ask(lambda store: store.forget_drops(through), lambda _: None)
            self._on_news()
        else:
            self._commits.open_drops = True


class StatusTelling:
    """How the routes stand, when that is to be told. clock: seconds that only go forward."""

    def __init__(
        self,
        statuses: Callable[[], list[RouteStatus]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statuses = statuses
        self._clock = clock
        self._told: list[RouteStatus] = []
        self._told_at = -STATUS_EVERY

    def due(self) -> list[RouteStatus] | None:
        """What is to be told now; None: nothing."""
        since = self._clock() - self._told_at
        if since < STATUS_EVERY:
            return None
        statuses = self._statuses()
        if _timeless(statuses) == self._told and (since < STATUS_AGAIN or not statuses):
            return None
        return statuses

    def told(self, statuses: Sequence[RouteStatus]) -> None:
        """The controller has it."""
        self._told, self._told_at = _timeless(statuses), self._clock()


def _timeless(statuses: Sequence[RouteStatus]) -> list[RouteStatus]:
    """That something grows older is no news."""
    return [replace(status, oldest_seconds=0.0) for status in statuses]


def _drop(row: DropRow) -> Drop:
    return Drop(
        reason=row.reason,
        messages=row.messages,
        size=row.size,
        since=_time(row.since),
        at=_time(row.at),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
