"""What a race of clients leaves behind: who asked what, when, and what was answered.

Written by test_race.py, judged by race_checker.py. All times are seconds of one monotonic clock,
that of the process in which all clients live: "before" means before.
"""

from msgspec import Struct, field


class Asked(Struct, frozen=True, kw_only=True):
    """A request that wants to change something."""

    method: str
    path: str
    """Below /api/v1, query included."""
    body: object = None
    """JSON, None for none."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One time that it was sent."""

    request_id: str
    """Of its own: the log names it as the correlation id of the events that it led to."""
    controller: str
    actor: str
    asked: Asked
    key: str | None = None
    """Its Idempotency-Key; a retry has the same."""
    began: float
    ended: float
    status: int
    """0 when the connection was lost before there was an answer."""
    answer: dict[str, object] = field(default_factory=dict)
    replayed: bool = False
    """The answer says that it is a retry's."""

    @property
    def name(self) -> str:
        """For people."""
        shown = f"{self.asked.method} {self.asked.path}"
        return f"{shown} ({self.request_id} at {self.controller}, key {self.key}): {self.status}"


class Reading(Struct, frozen=True, kw_only=True):
    """A list that was read."""

    request_id: str
    controller: str
    path: str
    at_least: int | None = None
    began: float
    ended: float
    position: int
    """That the answer said it was valid for."""
    items: list[dict[str, object]]


class Sighting(Struct, frozen=True, kw_only=True):
    """Where the log ended, asked of Postgres itself."""

    began: float
    ended: float
    position: int


class History(Struct, kw_only=True):
    """All of a race, in no order."""

    attempts: list[Attempt] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
