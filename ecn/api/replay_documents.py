"""What the API says of a replay of the log."""

from msgspec import Struct


class ReplayDifference(Struct, frozen=True, kw_only=True):
    """Where something is not what follows from the log. Secrets are not shown."""

    view: str
    """The table that the row is in."""
    key: str
    field: str
    """Dotted; empty when the whole row is too much, missing or unreadable."""
    expected: str
    """What follows from the log, as JSON; `nothing` where there should be no row."""
    found: str


class ReplayVerdict(Struct, frozen=True, kw_only=True):
    """What came of holding something against the replayed world."""

    compared: str
    """`same`, `different` or `not-compared`."""
    position: int
    """As of which it was; 0 when it was not compared."""
    difference: ReplayDifference | None = None
    """The first one."""
    why_not: str = ""
    """Why it was not compared."""


class LogReplay(Struct, frozen=True, kw_only=True):
    """How far it is; in the last line, which is `done`, what came of it."""

    position: int
    of: int
    done: bool = False
    same: bool | None = None
    """Only in the last line: nothing that was compared differs."""
    events_per_second: int | None = None
    """Fetched, decoded and folded, beside what else the controller did. Only in the last line."""
    live: ReplayVerdict | None = None
    """Of the world that the controller serves. Only in the last line."""
    views: ReplayVerdict | None = None
    """Of the rows in the database. Only in the last line."""
