"""All that a dashboard shows, at one moment, ready to be sent: made off the loop, for all who ask.

Of a large network that takes a while, and many dashboards begin at the same moment, after a
controller's restart for instance. So who asks meanwhile shares it; what happened since then comes
with the stream.
"""

import asyncio
import gzip
import time

import msgspec
from msgspec import Struct

from ecn.dashboard import rows
from ecn.dashboard.broadcast import Broadcast
from ecn.dashboard.documents import Snapshot, TelemetryPart
from ecn.version import VERSION
from events.ids import Position
from projections.live import Live
from projections.world import World

LEVEL = 4
"""Of gzip: beyond, it takes much longer for little."""

LONG = 0.02
"""Seconds of a processor. What took longer to be made is good for some time."""

GOOD_FOR = 5.0
"""How much longer than it took: so a small part of the time is spent on it, whoever asks."""


class Packed(Struct, frozen=True):
    """A snapshot with gzip."""

    position: Position
    content: bytes
    made_at: float
    seconds: float
    stale: bool

    def unpacked(self) -> bytes:
        """For who can't unpack it."""
        return gzip.decompress(self.content)


def packed(world: World, telemetry: TelemetryPart | None, *, stale: bool) -> Packed:
    """That world. telemetry: None for the past. Takes long: call it in a thread."""
    began = time.thread_time()
    snapshot = Snapshot(
        position=world.position,
        time=world.head.time if world.position else None,
        put=rows.everything(world),
        stale=stale,
        version=VERSION,
        telemetry=telemetry,
    )
    content = gzip.compress(msgspec.json.encode(snapshot), LEVEL, mtime=0)
    return Packed(
        world.position, content, time.monotonic(), time.thread_time() - began, stale=stale
    )


class SharedSnapshot:
    """Of now. See the module."""

    def __init__(self, live: Live, broadcast: Broadcast) -> None:
        self._live = live
        self._broadcast = broadcast
        self._last: Packed | None = None
        self._turn = asyncio.Lock()

    async def get(self, least: Position) -> Packed:
        """At or behind `least`, which the live world has come to."""
        asked = time.monotonic()
        async with self._turn:
            last, world, stale = self._last, self._broadcast.now(), self._live.stale
            if last is None or not self._is_good(last, least, asked):
                telemetry = self._broadcast.whole_telemetry()
                last = await asyncio.to_thread(packed, world, telemetry, stale=stale)
                self._last = last
            return last

    def _is_good(self, last: Packed, least: Position, asked: float) -> bool:
        if last.stale != self._live.stale or last.position < least:
            return False
        if last.position == self._live.world.position:
            return True
        return last.seconds > LONG and asked - last.made_at < GOOD_FOR * last.seconds
