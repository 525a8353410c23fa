"""What a plan consists of: one step per microservice, each with its reason.

Pure values. `reconcile.py` makes them, `start_order.py` holds some of them back, `carry_out.py`
does what they say, `status.py` tells the controller of them.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from agent.lifecycle.engine import Container


class Verb(StrEnum):
    """The bucket that a microservice is in."""

    UNCHANGED = "unchanged"
    CREATE = "create"
    START = "start"
    RESTART = "restart"
    """Stop it, start it: it runs, but says that it is not well."""
    STOP = "stop"
    REPLACE = "replace"
    SWITCH = "switch"
    """The new container is well: the old one beside it goes."""
    GIVE_UP = "give-up"
    """The new container did not become well: it goes, and the old one beside it stays."""
    REMOVE = "remove"
    """With nothing kept: it does not belong here. Else only what a crash left over."""
    WAIT = "wait"
    SETTLED = "settled"
    """It ended, and its restart policy leaves it so."""


IDLE = frozenset({Verb.UNCHANGED, Verb.WAIT, Verb.SETTLED})
"""Nothing to carry out."""


AT_ONCE = "; it is started again now"
"""How the reason of a restart ends that waits for nothing."""
WAITING = "waiting for"
"""How the cause of a wait for others begins, which their names follow."""


class Choice(Struct, frozen=True):
    """What to do about one microservice, and why."""

    verb: Verb
    cause: str
    """The reason as one word, for comparing: two looks with the same cause tell nothing new."""
    reason: str
    until: datetime | None = None
    """For a wait: when to look again. None waits for something else than time."""


class Step(Struct, frozen=True, kw_only=True):
    """One microservice's place in the plan."""

    microservice_id: str
    verb: Verb
    reason: str
    cause: str
    """See Choice, as `until`."""
    container: Container | None = None
    """The right one of its containers."""
    surplus: tuple[Container, ...] = ()
    """Its other containers: removed before anything else is done."""
    beside: bool = False
    """Of a replacement: the container runs on until the next one is well."""
    until: datetime | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """Every microservice, desired or actual, exactly once."""

    steps: tuple[Step, ...]

    def bucket(self, verb: Verb) -> tuple[str, ...]:
        """Ids of the microservices in it."""
        return tuple(s.microservice_id for s in self.steps if s.verb is verb)

    def next_due(self) -> datetime | None:
        """When the first of those that wait for their time is due."""
        return min((s.until for s in self.steps if s.until is not None), default=None)
