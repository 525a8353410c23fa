"""What the store is asked to do and what it answers: the words between `commits.py` and `store.py`.

Pure.
"""

from collections.abc import Iterable

from msgspec import Struct, field

from agent.messages.lanes import Way
from routing.message import Message

MIB = 1024 * 1024
WEIGHS = 200
"""Bytes that a message takes in the tables besides its own."""


class DiskRefuses(Exception):
    """It does not take, or give, what it should: nothing was done. It may later."""


class StoreBroken(Exception):
    """The file is no database, or not a whole one any more."""


class Put(Struct, eq=False):
    """A message to keep."""

    content: bytes
    """The message, encoded."""
    at: int
    """Milliseconds since 1970, as expires_at."""
    to: list[tuple[int, Way, int]]
    """Lanes with their ways, and when it expires there."""
    archive: str = ""
    """Its publisher, where it is to be archived too."""

    @property
    def size(self) -> int:
        """Bytes that it counts."""
        return len(self.content) + WEIGHS


class Gone(Struct, frozen=True):
    """It does not wait in that lane any more. Each only once."""

    lane: int
    sequence: int
    copies: int


class Dropped(Struct, frozen=True):
    """Messages that nobody gets. at: milliseconds since 1970."""

    route_id: str
    reason: str
    messages: int
    size: int
    at: int


class DropRow(Struct, frozen=True):
    """What was dropped of a route for a reason, since it was told last."""

    drop_id: int
    route_id: str
    reason: str
    messages: int
    size: int
    since: int
    at: int


class Batch(Struct, eq=False):
    """What is to be done in one transaction."""

    puts: list[Put] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    drops: list[Dropped] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    """Digests."""


class Victim(Struct, frozen=True):
    """It had to give way to others."""

    lane: int
    sequence: int
    size: int


class Applied(Struct, eq=False):
    """What became of a batch."""

    sequences: list[int | None]
    """Of its puts; None: there is no room for it."""
    victims: list[Victim] = field(default_factory=list)
    used: int = 0
    """Bytes of the file that hold something."""


class Row(Struct, frozen=True):
    """A message that waits, as it was put."""

    sequence: int
    at: int
    expires_at: int
    size: int
    copies: int
    message: Message | None
    """None: it can't be read."""


class Loaded(Struct, frozen=True):
    """A lane as it was found."""

    lane: int
    way: Way
    waiting: int
    size: int
    oldest_at: int
    soonest: int
    """When the first of it expires; 0: never."""


class Limits(Struct, frozen=True):
    """What the store may take."""

    size: int = 1024 * MIB
    """Bytes."""
    drop_oldest: bool = False


def together(drops: Iterable[Dropped]) -> list[Dropped]:
    """One for each route and reason."""
    found: dict[tuple[str, str], Dropped] = {}
    for each in drops:
        key = each.route_id, each.reason
        if (before := found.get(key)) is not None:
            each = Dropped(
                each.route_id,
                each.reason,
                before.messages + each.messages,
                before.size + each.size,
                max(before.at, each.at),
            )
        found[key] = each
    return list(found.values())
