"""What was told lately, ready to be sent, for those who follow and for those who come back. Pure.

Pieces have numbers, by which who follows goes on; those that carry changes join two positions of
the log, so that together they are one chain from `start` to `head`.
"""

from collections import deque
from collections.abc import Iterator, Sequence

from msgspec import Struct

from events.ids import Position

MOST, LARGEST = 4000, 8 << 20
"""How many pieces are kept, and of how many bytes together."""


class Piece(Struct, frozen=True, gc=False):
    """One event of the stream, as it is sent."""

    content: bytes
    after: Position | None = None
    """None, as the next, where it carries no change."""
    position: Position | None = None


class Ring:
    """See the module."""

    def __init__(self, start: Position, *, most: int = MOST, largest: int = LARGEST) -> None:
        self.start = start
        self.head = start
        self._most = most
        self._largest = largest
        self._pieces: deque[Piece] = deque()
        self._first = 0
        self._size = 0

    @property
    def end(self) -> int:
        """The number of the piece to come."""
        return self._first + len(self._pieces)

    def append(self, piece: Piece) -> None:
        """Errors: ValueError for changes that do not go on where the last ended."""
        if piece.position is not None:
            if piece.after != self.head:
                raise ValueError(f"changes behind {piece.after} do not follow {self.head}")
            self.head = piece.position
        self._pieces.append(piece)
        self._size += len(piece.content)
        while len(self._pieces) > self._most or self._size > self._largest:
            gone = self._pieces.popleft()
            self._first += 1
            self._size -= len(gone.content)
            if gone.position is not None:
                self.start = gone.position

    def prepend(self, pieces: Sequence[Piece]) -> None:
        """Let the chain begin earlier, as far as there is room. pieces: changes up to `start`.

        Errors: ValueError for others.
        """
        for piece in reversed(pieces):
            if piece.position != self.start or piece.after is None:
                raise ValueError(f"changes up to {piece.position} do not lead to {self.start}")
            if len(self._pieces) >= self._most:
                return
            if self._size + len(piece.content) > self._largest:
                return
            self._pieces.appendleft(piece)
            self._first -= 1
            self._size += len(piece.content)
            self.start = piece.after

    def since(self, number: int) -> Sequence[Piece] | None:
        """The pieces from that number on; None where the first of them is not kept any more."""
        if number < self._first:
            return None
        skipped = number - self._first
        return [self._pieces[i] for i in range(skipped, len(self._pieces))]

    def behind(self, position: Position) -> list[bytes] | None:
        """All changes behind a position; None where no piece begins there."""
        if position == self.head:
            return []
        found: list[bytes] | None = None
        for piece in self._changes():
            if piece.after == position:
                found = []
            if found is not None:
                found.append(piece.content)
        return found

    def next_end(self, position: Position) -> Position:
        """The first place behind `position`, which is before the head, where a piece begins or
        ends."""
        if position < self.start:
            return self.start
        return next(
            each.position
            for each in self._changes()
            if each.position is not None and each.position > position
        )

    def clear(self, start: Position) -> None:
        """Begin anew. Who follows has missed something."""
        # So far on that no piece ever gets a former one's number, whatever is put before it.
        self._first = self.end + self._most + 1
        self._pieces.clear()
        self._size = 0
        self.start = self.head = start

    def _changes(self) -> Iterator[Piece]:
        return (each for each in self._pieces if each.position is not None)
