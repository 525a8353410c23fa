"""What a child process writes: kept in files of bounded size, and its lines for people.

Three generations of ten megabytes: a machine that runs for years keeps the latest days.
"""

import os
from collections import deque
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from ecn.cli.errors import printable

LARGEST = 10 * 1024 * 1024
GENERATIONS = 3
TAIL = 20
"""Lines remembered for the person, when the child fails."""
LOUD = frozenset({"warning", "error", "critical"})
LONGEST_LINE = 64 * 1024


class LogFile:
    """Appends lines; moves the file aside at each start and when it gets too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._file: BinaryIO | None = None
        self._size = 0

    def open(self) -> None:
        """Begin a new file; what was there is `.1` now."""
        self.close()
        if self.path.exists() and self.path.stat().st_size:
            for generation in range(GENERATIONS - 1, 0, -1):
                older = self._generation(generation)
                if older.exists():
                    older.replace(self._generation(generation + 1))
            self.path.replace(self._generation(1))
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(handle, "ab", buffering=0)
        self._size = 0

    def write(self, line: bytes) -> None:
        """Keep one line. A full disk must not end the network: what can't be kept is let go."""
        self.tail.append(line.decode("utf-8", errors="replace"))
        if self._file is None or self._size > LARGEST:
            self.open()
        try:
            if self._file is not None:
                self._size += self._file.write(line + b"\n")
        except OSError:
            return

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _generation(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def fields_of(line: str) -> dict[str, object]:
    """The fields of a line of JSON; none when it is no such line."""
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}


def is_loud(line: str) -> bool:
    """Whether a person should see it without asking: a warning, or no line of a log at all."""
    fields = fields_of(line)
    return not fields or fields.get("level") in LOUD


def readable(source: str, line: str) -> str:
    """The line as people read it: time, source, event, fields."""
    fields = fields_of(line)
    if not fields:
        return printable(f"{source:<10}  {line}")
    at = str(fields.pop("timestamp", ""))[11:19]
    level = str(fields.pop("level", "info"))
    event = str(fields.pop("event", ""))
    fields.pop("logger", None)
    trace = str(fields.pop("exception", ""))
    rest = " ".join(f"{name}={value}" for name, value in fields.items())
    colour = {"warning": "yellow", "error": "red", "critical": "red"}.get(level)
    text = printable(f"{at}  {source:<10}  {event}  {rest}").rstrip()
    if trace:
        text += "\n" + printable(trace)
    return click.style(text, fg=colour) if colour else text
