"""The world that a controller begins with: the rows that are kept, and what the log has since.

Where no rows are kept, or they are not what was written, the whole log is folded instead: that is
slower, and never wrong. Called once by controller.py, before anything is served.
"""

import asyncio
import time

import structlog

from ecn.collector import resting
from events.background import beside
from events.ids import Position
from events.log import EventLog
from projections.generation import Damaged, Rebuilding
from projections.replaying import fold_up_to
from projections.view_store import ViewStore
from projections.world import Folding, World

TELL_EVERY = 1.0
"""Seconds."""

log = structlog.get_logger()


async def world_at_start(event_log: EventLog, views: ViewStore) -> World:
    """Everything that is in the log now.

    Errors: LogUnavailable, StoreUnavailable; ValueError when the log has a hole.
    """
    started = time.monotonic()
    with resting():
        base = await _from_rows(views)
        end = (await event_log.head()).position
        if base.position > end:
            log.warning("views_ignored", reason="they are ahead of the log", position=end)
            base = World()
        folding = Folding(base)
        async with beside(_tell(folding, end)):
            await fold_up_to(event_log, folding, end)
        world = folding.world()
    log.info(
        "replayed",
        position=end,
        from_views=base.position,
        from_log=end - base.position,
        seconds=round(time.monotonic() - started, 2),
    )
    return world


async def _from_rows(views: ViewStore) -> World:
    """What is kept, or the world before the first event. Errors: StoreUnavailable."""
    async with views.reading() as reading:
        kept = reading.kept
        if kept is None:
            return World()
        try:
            if not reading.log_agrees:
                raise Damaged("they are of another log, or the log is not what it was")
            rebuilding = Rebuilding()
            async for page in reading.rows():
                rebuilding.take(page)
            return rebuilding.world(kept)
        except Damaged as e:
            log.warning("views_ignored", reason=str(e), position=kept.head.position)
            return World()


async def _tell(folding: Folding, end: Position) -> None:
    begin = folding.draft.position
    started = time.monotonic()
    while True:
        await asyncio.sleep(TELL_EVERY)
        position = folding.draft.position
        log.info(
            "replaying",
            position=position,
            of=end,
            percent=100 * position // max(end, 1),
            per_second=round((position - begin) / (time.monotonic() - started)),
        )
