"""The world as it was, at any position of the log, soon.

For every question that names a moment. The world of now is the live one. An earlier one is folded
from the nearest that is known: one that was asked for lately, or a snapshot in the database; from
nothing only where there is no such.
"""

import asyncio
from collections import OrderedDict

import structlog

from events.ids import Position
from events.log import EventLog, LogUnavailable, StoreUnavailable
from projections.generation import Damaged
from projections.live import Live
from projections.replaying import fold_up_to
from projections.snapshot import unpacked
from projections.snapshot_store import SnapshotStore
from projections.world import Folding, World

KEPT = 6
"""Worlds of the past that are remembered. Each is up to some 50 MB for ten thousand nodes; those
that were folded from one another share what did not change."""

AT_ONCE = 2
"""Questions that are worked on at a time; others wait."""

CLOSE = 5_000
"""Events that are folded rather than a nearer snapshot unpacked: that takes as long."""

log = structlog.get_logger()


class Past:
    """See the module."""

    def __init__(
        self,
        live: Live,
        event_log: EventLog,
        snapshots: SnapshotStore | None = None,
        *,
        close: int = CLOSE,
    ) -> None:
        self._live = live
        self._log = event_log
        self._snapshots = snapshots
        self._close = close
        self._kept: OrderedDict[Position, World] = OrderedDict()
        """The one asked for last is the last."""
        self._asked: dict[Position, asyncio.Lock] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def world_at(self, position: Position) -> World:
        """The world right behind that event. `position` must not be beyond the live world's.

        Who asks for the same at the same time waits for the first, and begins itself if that one
        leaves.
        Errors: LogUnavailable when it can't be read; ValueError for a position to come.
        """
        now = self._live.world
        if position > now.position:
            raise ValueError(f"position {position} is beyond {now.position}")
        if position == now.position:
            return now
        turn = self._asked.setdefault(position, asyncio.Lock())
        try:
            async with turn:
                world = self._kept.get(position)
                if world is None:
                    async with self._room:
                        world = await self._folded(position)
                self._keep(world)
                return world
        finally:
            # Whoever waits for it still has it; who comes later finds the world remembered.
            if not turn.locked() and self._asked.get(position) is turn:
                del self._asked[position]

    async def _folded(self, position: Position) -> World:
        base = await self._base(position)
        folding = Folding(base)
        await fold_up_to(self._log, folding, position)
        # Of many rows it takes longer than others may be kept waiting.
        return await asyncio.to_thread(folding.world)

    async def _base(self, position: Position) -> World:
        """The nearest known world that is not behind `position`."""
        known = [each for each in self._kept if each <= position]
        base = self._kept[max(known)] if known else World()
        if position - base.position <= self._close:
            return base
        return await self._from_snapshot(base, position) or base

    async def _from_snapshot(self, base: World, position: Position) -> World | None:
        """The last good snapshot up to `position` that is beyond the base."""
        if self._snapshots is None:
            return None
        try:
            between = [
                each
                for each in await self._snapshots.positions()
                if base.position < each <= position
            ]
            for each in reversed(between):
                snapshot = await self._snapshots.get(each)
                if snapshot is None:
                    continue
                try:
                    world = await asyncio.to_thread(unpacked, snapshot)
                except Damaged as e:
                    log.warning("snapshot_ignored", reason=str(e), position=each)
                    continue
                self._keep(world)
                return world
        except LogUnavailable:
            raise
        except StoreUnavailable as e:
            raise LogUnavailable(str(e)) from e
        return None

    def _keep(self, world: World) -> None:
        self._kept[world.position] = world
        self._kept.move_to_end(world.position)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
