"""How much of a connection may be on its way, and when it is over: one end of one connection.

Pure: no clock, no socket. `multiplexer.py` has one of these for each connection.

Each way has a window: the receiver says how many bytes it takes, and says more as they are taken
from it. Every connection may have FIRST bytes on their way without asking; those that move much
get up to LARGEST, as far as the `Pool` of all connections has it. So memory is bounded by the
number of connections times FIRST, and the pool.
"""

from msgspec import Struct

FIRST = 64 << 10
"""Bytes that may be sent before anything is heard; part of what both ends agree on."""
LARGEST = 4 << 20


class Violation(Exception):
    """The other end sent what it may not."""


class Pool:
    """What the windows of all connections may have beyond FIRST, in bytes."""

    def __init__(self, size: int) -> None:
        self.free = size

    def take(self, most: int) -> int:
        """As much as there is."""
        taken = max(0, min(most, self.free))
        self.free -= taken
        return taken

    def give_back(self, size: int) -> None:
        """It is not needed any more."""
        self.free += size


class Flow(Struct):
    """Where a connection stands, as one end sees it."""

    pool: Pool
    credit: int = FIRST
    """Bytes that the other end takes at this moment."""
    window: int = FIRST
    """Bytes that it may still send us."""
    held: int = 0
    """Bytes received that nobody has taken yet."""
    extra: int = 0
    """Of the pool."""
    said_end: bool = False
    heard_end: bool = False

    @property
    def over(self) -> bool:
        """Both have said all, and everything has been taken."""
        return self.said_end and self.heard_end and self.held == 0

    def sent(self, size: int) -> None:
        """So many bytes go out: at most `credit`, and never after the end."""
        assert 0 < size <= self.credit  # noqa: S101  # the caller's part, as the next
        assert not self.said_end  # noqa: S101
        self.credit -= size

    def received(self, size: int) -> None:
        """So many came. Errors: Violation, when they are more than were allowed."""
        if self.heard_end:
            raise Violation("data after the end")
        if size > self.window:
            raise Violation(f"{size} bytes where {self.window} were allowed")
        self.window -= size
        self.held += size

    def allowed(self, more: int) -> None:
        """The other end takes so many more. Errors: Violation."""
        if self.credit + more > LARGEST:
            raise Violation(f"a window of more than {LARGEST} bytes")
        self.credit += more

    def ended(self) -> None:
        """The other end will send no more. Errors: Violation, when it says so twice."""
        if self.heard_end:
            raise Violation("two ends")
        self.heard_end = True

    def taken(self, size: int) -> int:
        """So many bytes were taken by whoever they are for. Returns how many more the other end is
        to be allowed; 0: it is not worth a frame yet."""
        assert 0 <= size <= self.held  # noqa: S101  # the caller's part
        self.held -= size
        if self.heard_end:
            return 0
        full = FIRST + self.extra
        if self.window + self.held <= full // 2:
            # It uses what it has: it may have twice as much, if there is as much.
            self.extra += self.pool.take(min(full, LARGEST - full))
        more = FIRST + self.extra - self.window - self.held
        if more < (FIRST + self.extra) // 2:
            return 0  # each word of it costs as much as a piece of data
        self.window += more
        return more

    def close(self) -> None:
        """It is over, however. What it has of the pool goes back; nothing is to be called then."""
        self.pool.give_back(self.extra)
        self.extra = self.held = 0
