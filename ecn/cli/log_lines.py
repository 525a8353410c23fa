"""Following logs over links that break: each line once, in its order, as far as that can be known.

Each line comes with the time that the engine noted. After a break the log is asked for from the
time of the last line on, that very moment included, and what was shown is left out. Not known, and
so lost or doubled: what a rotated log no longer has, lines of a container that was replaced
meanwhile, and lines that a device's clock stamped with a time that had been before.
"""

from datetime import UTC, datetime

from msgspec import Struct


class Line(Struct, frozen=True):
    """A line with its end, if it had one, and the time that it was written at."""

    time: str
    """As the engine wrote it, to the nanosecond; "" for what the agent says itself."""
    text: bytes


class Lines:
    """Bytes of a log with times, in any pieces, as lines that were not shown yet."""

    def __init__(self) -> None:
        self._rest = b""
        self._last = ""
        """The time of the last line that was let through."""
        self._of_last = 0
        """How many lines of that very time were."""
        self._skip = 0
        """How many more of them have to be left out."""

    @property
    def since(self) -> datetime | None:
        """From when on to ask after a break; None to ask as at first.

        Never later than the last line: the engine takes microseconds, and they are cut.
        """
        if not self._last:
            return None
        head, _, fraction = self._last.removesuffix("Z").partition(".")
        moment = datetime.fromisoformat(head).replace(tzinfo=UTC)
        return moment.replace(microsecond=int((fraction + "000000")[:6]))

    def resumed(self) -> None:
        """From here on it comes again, from `since` on. Half a line that was left comes whole."""
        self._rest = b""
        self._skip = self._of_last

    def feed(self, piece: bytes) -> list[Line]:
        """The lines that are whole now and were not shown."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [line for each in whole if (line := self._new(each + b"\n")) is not None]

    def end(self) -> list[Line]:
        """What is left at the end of the log: a line without an end."""
        rest, self._rest = self._rest, b""
        line = self._new(rest) if rest else None
        return [line] if line is not None else []

    def _new(self, said: bytes) -> Line | None:
        time, text = _split(said)
        if not time:
            return Line("", said)
        if time < self._last:
            return None  # the moments before the last one that share its microsecond
        if time == self._last:
            if self._skip:
                self._skip -= 1
                return None
            self._of_last += 1
        else:
            self._last, self._of_last, self._skip = time, 1, 0
        return Line(time, text)


def _split(said: bytes) -> tuple[str, bytes]:
    """The time that a line begins with, nine digits of a second each, and the rest."""
    first, space, text = said.partition(b" ")
    time = first.decode("ascii", errors="replace")
    if not space or len(time) < 20 or time[10] != "T" or not time.endswith("Z"):
        return "", said
    return time, text
