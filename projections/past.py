"""The world as it was, at any position of the log.

For every question that names a moment. The world of now is the live one; an earlier one is folded
anew from the log.
"""

import asyncio

from events.ids import Position
from events.log import EventLog
from projections.live import PAGE, Live
from projections.world import World, fold


class Past:
    """See the module."""

    def __init__(self, live: Live, log: EventLog) -> None:
        self._live = live
        self._log = log

    async def world_at(self, position: Position) -> World:
        """The world right behind that event. `position` must not be beyond the live world's.

        Errors: LogUnavailable when it can't be read; ValueError for a position to come.
        """
        now = self._live.world
        if position > now.position:
            raise ValueError(f"position {position} is beyond {now.position}")
        if position == now.position:
            return now
        world = World()
        while world.position < position:
            page = await self._log.read(world.position, limit=min(PAGE, position - world.position))
            world = fold(world, page)
            await asyncio.sleep(0)
        return world
