"""What waits for one place, and which of it is next. A place is an inbox, or the way off the node.

Pure. A place has lanes: what one route, at one priority, brought there. The most urgent lanes come
first and alone; between lanes of one priority each message is of the next lane, so that a route
that brings much keeps no other waiting; a lane has its order. `router.py` fills lanes and asks.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct, field

from routing.message import Message

LEAST_URGENT = 10
"""The priority of a route without one."""


class Way(Struct, frozen=True, kw_only=True):
    """Where a message goes and why, as it was when it was taken: later changes do not touch it."""

    route_id: str
    application: str
    route: str
    """Its name."""
    destination: str
    """Id of a microservice; empty: upstream."""
    input: str = ""
    priority: int | None = None
    durable: bool = True

    @property
    def urgency(self) -> int:
        """0 is the most urgent."""
        return LEAST_URGENT if self.priority is None else self.priority


class Entry(Struct, eq=False):
    """A message that waits in a lane."""

    lane: "Lane"
    sequence: int
    """Goes up in its lane; of a durable lane it is the one of the store."""
    message: Message
    size: int
    """Bytes that it counts."""
    at: int
    """When it was taken: milliseconds since 1970, as the next; 0: never."""
    expires_at: int = 0
    copies: int = 0
    """How many rows of the store its body has; 0: it is in memory alone."""
    digest: bytes = b""
    """Of one that came from another node: by what it is known again."""
    leased: bool = False
    """Its receiver has it at this moment."""


class Lane(Struct, eq=False):
    """What one route at one priority brought, and is not delivered."""

    way: Way
    number: int = 0
    """Of the store."""
    place: str | None = None
    """Where it leads: a microservice of this node, or "" for the interior router; None: nowhere."""
    key: str = ""
    """Routing key, where it leads to the interior router."""
    coming: int = 0
    """Messages that are being written."""
    reading: bool = False
    """More of it is being read."""
    dead: bool = False
    """It led nowhere once: what was in it is dropped, and nothing comes back."""
    window: deque[Entry] = field(default_factory=deque)
    """The next ones, in their order, those that are leased left out."""
    whole: bool = True
    """Nothing is in the store that is behind the window."""
    last: int = 0
    """The highest sequence that was ever in the window."""
    waiting: int = 0
    """Messages, also those in the store alone and leased ones; as the next in bytes."""
    waiting_bytes: int = 0
    oldest_at: int = 0
    """Of the oldest, as far as it is known."""

    @property
    def oldest(self) -> int:
        """When the oldest was taken, in milliseconds since 1970; 0: nothing waits."""
        if not self.waiting:
            return 0
        return self.window[0].at if self.whole and self.window else self.oldest_at

    def add(self, entry: Entry) -> None:
        """A new one, behind all others, in the window."""
        self.window.append(entry)
        self.last = entry.sequence
        self.count(entry.size, entry.at)

    def count(self, size: int, at: int) -> None:
        """One more waits, wherever it is."""
        if not self.waiting:
            self.oldest_at = at
        self.waiting += 1
        self.waiting_bytes += size

    def gone(self, size: int, many: int = 1) -> None:
        """One less waits, or so many of that size together: delivered, or dropped."""
        self.waiting -= many
        self.waiting_bytes -= size

    def put_back(self, entry: Entry) -> None:
        """It is offered again, in its place."""
        entry.leased = False
        behind: list[Entry] = []
        while self.window and self.window[0].sequence < entry.sequence:
            behind.append(self.window.popleft())
        self.window.appendleft(entry)
        self.window.extendleft(reversed(behind))

    def without(self, these: Callable[[Entry], bool]) -> list[Entry]:
        """Take these out of the window, wherever they are in it."""
        out = [entry for entry in self.window if these(entry)]
        if out:
            self.window = deque(entry for entry in self.window if not these(entry))
        return out

    def remove(self, entry: Entry) -> bool:
        """Out of the window; whether it was there."""
        try:
            self.window.remove(entry)
        except ValueError:
            return False
        return True


class Taken(Struct):
    """What `Place.take` gives."""

    entries: list[Entry] = field(default_factory=list)
    """The caller's now."""
    expired: list[Entry] = field(default_factory=list)
    """Out of their lanes, to be dropped."""
    missing: Lane | None = None
    """Nothing can be said before more of this lane is in its window."""


class Place:
    """All lanes that lead to one place."""

    def __init__(self) -> None:
        self._by_urgency: dict[int, deque[Lane]] = {}

    def __iter__(self) -> Iterator[Lane]:
        for urgency in sorted(self._by_urgency):
            yield from self._by_urgency[urgency]

    def add(self, lane: Lane) -> None:
        """It leads here from now on."""
        self._by_urgency.setdefault(lane.way.urgency, deque()).append(lane)

    def remove(self, lane: Lane) -> None:
        """It does not lead here any more."""
        lanes = self._by_urgency[lane.way.urgency]
        lanes.remove(lane)
        if not lanes:
            del self._by_urgency[lane.way.urgency]

    def take(self, most: int, most_bytes: int, now: int, without: Collection[str] = ()) -> Taken:
        """The next ones: at most so many, and bytes unless the first alone has more.

        without: ids of routes that are left out.
        """
        taken, size = Taken(), 0
        for urgency in sorted(self._by_urgency):
            lanes = self._by_urgency[urgency]
            empty = 0
            while empty < len(lanes):
                lane = lanes[0]
                out = lane.way.route_id in without
                if out or not lane.window:
                    if not out and not lane.whole:
                        # What is known to be next may go; what comes behind it has to be known.
                        taken.missing = lane
                        return taken
                    lanes.rotate(-1)
                    empty += 1
                    continue
                entry = lane.window[0]
                if entry.expires_at and entry.expires_at <= now:
                    taken.expired.append(lane.window.popleft())
                    continue
                if len(taken.entries) == most or (taken.entries and size + entry.size > most_bytes):
                    return taken
                lane.window.popleft()
                lane.oldest_at = entry.at
                entry.leased = True
                taken.entries.append(entry)
                size += entry.size
                lanes.rotate(-1)
                empty = 0
        return taken


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """As they are to be put back: the last of each lane first."""
    return sorted(entries, key=lambda entry: entry.sequence, reverse=True)
