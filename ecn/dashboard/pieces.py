"""Frames and the like as pieces of the stream: as they are sent. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ecn.dashboard.documents import Frame
from ecn.dashboard.frames import film
from ecn.dashboard.ring import Piece
from events.envelope import Recorded
from events.ids import Position
from projections.world import World

AT_ONCE = 500
"""Events that are told in one frame, at the most."""


def piece(after: Position, told_: Frame) -> Piece:
    """A frame of what happened behind `after`."""
    position = Position(told_.position)
    return Piece(b"id: %d\n%b" % (position, told("change", told_)), after, position)


def pieces(world: World, events: Sequence[Recorded]) -> list[Piece]:
    """What these events do to that world, in as many frames as it takes. Slow, of many."""
    made = []
    for after, each in film(world, events, every=AT_ONCE):
        made.append(piece(world.position, each))
        world = after
    return made


def told(event: str, document: Struct) -> bytes:
    """One server-sent event. JSON has no line's end in it."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), msgspec.json.encode(document))
