"""The frames of a session: a byte that says what follows, and the rest."""

from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct


class Channel(IntEnum):
    """The first byte of a session's frame, and what the rest of it is."""

    STDIN = 0
    """Bytes for the command; an empty frame closes its input."""
    STDOUT = 1
    STDERR = 2
    RESIZE = 3
    """JSON: `Size`."""
    EXIT = 4
    """JSON: `SessionEnd`, the last frame of the agent."""


LARGEST_FRAME = 1 << 16
"""Bytes of a session's frame, its first one included."""


class NoFrame(ValueError):
    """Bytes that are no frame of a session."""


def frame(channel: Channel, content: bytes) -> bytes:
    """A frame. content: shorter than LARGEST_FRAME."""
    return bytes((channel,)) + content


def frames(channel: Channel, content: bytes) -> Iterator[bytes]:
    """As many frames as it takes; none for nothing."""
    room = LARGEST_FRAME - 1
    for start in range(0, len(content), room):
        yield frame(channel, content[start : start + room])


def unframed(said: bytes) -> tuple[Channel, bytes]:
    """What a frame carries. Errors: NoFrame."""
    if not 1 <= len(said) <= LARGEST_FRAME:
        raise NoFrame(f"a frame has 1 to {LARGEST_FRAME} bytes, and this has {len(said)}")
    try:
        return Channel(said[0]), said[1:]
    except ValueError:
        raise NoFrame(f"{said[0]} is no channel") from None


class Size(Struct, frozen=True, kw_only=True):
    """Of a terminal, in characters."""

    width: int
    height: int


class SessionEnd(Struct, frozen=True, kw_only=True):
    """How a session ended."""

    exit_code: int | None = None
    """None: it did not come so far."""
    reason: str = ""
