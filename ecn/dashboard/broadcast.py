"""What happens, told to all dashboards: made once, sent as the same bytes to each.

The changes of the world are gathered for a moment and made a frame (frames.py), which goes into a
ring (ring.py). Who comes back goes on from there; who was away for longer, or with another
controller, gets frames that are folded from the log (bridges.py).
While nobody listens, nothing is made.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import contextmanager

import structlog
from msgspec import Struct

from ecn.dashboard import pieces
from ecn.dashboard.bridges import Bridges, events_between
from ecn.dashboard.documents import StatusPart, TelemetryPart
from ecn.dashboard.frames import Changed, frame, is_quick
from ecn.dashboard.pieces import told
from ecn.dashboard.ring import Piece, Ring
from ecn.dashboard.telemetry_parts import Pulse
from ecn.version import VERSION
from events.ids import Position
from events.log import LogUnavailable
from projections.live import Live
from projections.past import Past
from projections.world import Changes, World

COALESCE = 0.05
"""Seconds between two frames, at the least. What comes alone is told at once."""

COALESCE_EACH = 0.0005
"""Seconds for each who follows, if that is more: what is sent to all takes a tenth of a processor
at the most, however much happens."""

KEEP_ALIVE = 15.0
"""Seconds of quiet after which it is said that somebody is still here."""

QUICK = 100
"""Events that are told on the loop, where little changed; of more of them, in a thread."""

FARTHEST = 5_000
"""Events that somebody who comes back may have missed; beyond, all is fetched anew."""

LINGER = 60.0
"""Seconds for which frames are made on after the last one left: most of them come back."""

LOOK_EVERY = 0.5
"""Seconds after which it is noticed that the log is away."""

log = structlog.get_logger()


class TooSlow(TimeoutError):
    """A reader is so far behind that what it lacks is not kept any more."""


class Joined(Struct, frozen=True):
    """Where somebody begins to follow."""

    missed: bytes
    """What brings them there."""
    number: int
    """Of the next piece."""


class _Segment(Struct, frozen=True):
    """Changes up to a world at which a frame has to end."""

    world: World
    changed: Changed


class Broadcast:
    """See the module. `run` is its task; all methods belong to one event loop."""

    def __init__(self, live: Live, past: Past, pulse: Pulse) -> None:
        self._live = live
        self._pulse = pulse
        self._ring = Ring(live.world.position)
        self._world = live.world
        """At the head of the ring, where frames are made."""
        self._making = False
        self._changed: dict[str, set[Hashable]] = {}
        self._segments: list[_Segment] = []
        self._stirred = asyncio.Event()
        self._grown = asyncio.Event()
        self._listeners = 0
        self._wanted_until = 0.0
        self._somebody = asyncio.Event()
        self._bridges = Bridges(live, past)
        self._stale = live.stale
        self._told_at = 0.0

    # --- who listens ------------------------------------------------------------------------------

    @property
    def listeners(self) -> int:
        """How many follow."""
        return self._listeners

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While somebody follows."""
        self._listeners += 1
        self._want()
        try:
            yield
        finally:
            self._listeners -= 1
            self._want()

    def now(self) -> World:
        """The live world, which somebody is going to follow on from: a frame will begin there."""
        self._want()
        self._cut()
        return self._live.world

    async def join(self, position: Position) -> Joined | None:
        """Follow on behind a position. None: it is too far back, or to come, and all has to be
        fetched anew.

        Errors: LogUnavailable.
        """
        if position > self._live.world.position:
            await self._live.catch_up()
        missed: list[bytes] = []
        while True:
            if position == self._live.world.position:
                self._cut()
            if not 0 <= self._live.world.position - position <= FARTHEST:
                return None
            while position > self._ring.head:
                await self._grown.wait()
            behind = self._ring.behind(position)
            if behind is not None:
                return Joined(b"".join(missed + behind), self._ring.end)
            position, bridge = await self._bridges.lead(position, self._ring)
            missed.append(bridge)

    async def follow(self, joined: Joined) -> AsyncIterator[bytes]:
        """All that is told from there on, for ever. Errors: TooSlow."""
        number = joined.number
        while True:
            grown = self._grown
            new = self._ring.since(number)
            if new is None:
                raise TooSlow("the reader is too slow, and has to come back")
            if new:
                number += len(new)
                yield b"".join([each.content for each in new])
            else:
                await grown.wait()

    def status(self) -> bytes:
        """How the controller is, to begin with."""
        return told("status", StatusPart(stale=self._live.stale, version=VERSION))

    def telemetry(self) -> bytes:
        """All telemetry there is, to begin with."""
        return told("telemetry", self._pulse.whole())

    def whole_telemetry(self) -> TelemetryPart:
        """The same, for a snapshot."""
        return self._pulse.whole()

    # --- what is told -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell, until cancelled."""
        self._live.adopted.append(self._note)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell_changes())
                tasks.create_task(self._tell_status())
                tasks.create_task(self._tell_telemetry())
        finally:
            self._live.adopted.remove(self._note)

    def _want(self) -> None:
        """Somebody is there, or has just been."""
        self._wanted_until = asyncio.get_running_loop().time() + LINGER
        self._somebody.set()
        if not self._making:
            self._making = True
            self._begin()

    def _begin(self) -> None:
        """From now on. Who followed before has missed something, and comes back."""
        self._changed, self._segments = {}, []
        self._world = self._live.world
        self._ring.clear(self._world.position)
        self._wake()

    def _note(self, changes: Changes) -> None:
        """The world has just changed."""
        if not self._making:
            return
        for view, keys in changes.items():
            self._changed.setdefault(view, set()).update(keys)
        self._stirred.set()

    def _cut(self) -> None:
        """Let a frame end at the live world."""
        last = self._segments[-1].world if self._segments else self._world
        if self._making and last.position != self._live.world.position:
            self._segments.append(_Segment(self._live.world, self._changed))
            self._changed = {}
            self._stirred.set()

    async def _tell_changes(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            self._cut()
            segments, self._segments = self._segments, []
            try:
                for segment in segments:
                    await self._tell(segment)
            except LogUnavailable as e:
                # What happened is in memory no more. Who comes back is told by the log.
                log.warning("dashboard_frames_lost", reason=str(e))
                self._begin()
            except Exception:
                # A fault of ours here must not end the controller.
                log.exception("dashboard_failed")
                self._begin()
            await asyncio.sleep(max(COALESCE, COALESCE_EACH * self._listeners))

    async def _tell(self, segment: _Segment) -> None:
        before, after = self._world, segment.world
        if after.position <= before.position:
            return  # begun anew meanwhile
        events = await events_between(self._live, before.position, after.position)
        if len(events) <= QUICK and is_quick(after, segment.changed):
            made = [pieces.piece(before.position, frame(before, after, segment.changed, events))]
        elif len(events) <= pieces.AT_ONCE:
            whole = await asyncio.to_thread(frame, before, after, segment.changed, events)
            made = [pieces.piece(before.position, whole)]
        else:
            made = await asyncio.to_thread(pieces.pieces, before, events)
        if self._world is not before:
            return
        self._world = after
        for piece in made:
            self._publish(piece)

    async def _tell_status(self) -> None:
        while True:
            await self._somebody.wait()
            if self._live.stale != self._stale:
                self._stale = self._live.stale
                self._publish(Piece(self.status()))
            if asyncio.get_running_loop().time() - self._told_at >= KEEP_ALIVE:
                self._publish(Piece(b": still here\n\n"))
            if not self._listeners and asyncio.get_running_loop().time() > self._wanted_until:
                self._making = False
                self._somebody.clear()
                self._begin()
            await asyncio.sleep(LOOK_EVERY)

    async def _tell_telemetry(self) -> None:
        while True:
            await self._somebody.wait()
            try:
                news = await self._pulse.beat()
            except Exception:
                log.exception("dashboard_telemetry_failed")
            else:
                if news != TelemetryPart():
                    self._publish(Piece(told("telemetry", news)))
            await asyncio.sleep(self._pulse.every)

    def _publish(self, piece: Piece) -> None:
        self._ring.append(piece)
        self._told_at = asyncio.get_running_loop().time()
        self._wake()

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
