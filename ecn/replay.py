"""The world built anew from the log, and held against what serves: the live world, and the rows
in the database.

Runs beside the serving controller, in slices. Whoever asks (ecn/api/replays.py) is told how far it
is, and at the end whether all is the same, or where it first differs.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import StrEnum

import msgspec
import structlog
from msgspec import Struct

from events.ids import Position
from events.log import EventLog, LogDamaged, LogUnavailable, StoreUnavailable
from projections.equality import Difference, differences, of_content, of_rows
from projections.generation import tables
from projections.live import Live
from projections.replaying import fold_up_to
from projections.view_store import PAGE, ViewReading, ViewStore
from projections.world import Folding, World

STEP = 25_000
"""Events between two words of progress."""

log = structlog.get_logger()


class Busy(Exception):
    """The log is being replayed for somebody else."""


class Compared(StrEnum):
    """What came of holding something against the replayed world."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_COMPARED = "not-compared"


class Progress(Struct, frozen=True, kw_only=True):
    """How far it is."""

    position: Position
    of: Position


class Verdict(Struct, frozen=True, kw_only=True):
    """Of one thing that was compared."""

    compared: Compared
    position: Position
    """As of which it was; of what was not compared, 0."""
    difference: Difference | None = None
    """The first one."""
    why_not: str = ""
    """Why it was not compared, for people."""


class Replayed(Struct, frozen=True, kw_only=True):
    """What came of it."""

    position: Position
    per_second: float
    """Events fetched, decoded and folded in a second, beside whatever else was served."""
    live: Verdict
    views: Verdict

    @property
    def same(self) -> bool:
        """Nothing differs."""
        return Compared.DIFFERENT not in (self.live.compared, self.views.compared)


class Replay:
    """See the module. One at a time."""

    def __init__(self, live: Live, event_log: EventLog, views: ViewStore) -> None:
        self._live = live
        self._log = event_log
        self._views = views
        self.busy = False
        """Somebody is being told."""
        self._folding = Folding(World())

    async def run(self) -> AsyncGenerator[Progress | Replayed, None]:
        """Progress, and in the end what came of it.

        Errors: Busy, LogUnavailable.
        """
        if self.busy:
            raise Busy
        self.busy = True
        self._folding = Folding(World())
        try:
            async with aclosing(self._run()) as lines:
                async for line in lines:
                    yield line
        except (LogDamaged, ValueError, LookupError, msgspec.DecodeError) as e:
            yield self._unreadable(e)
        except LogUnavailable:
            raise
        except StoreUnavailable as e:
            raise LogUnavailable(str(e)) from e
        finally:
            self.busy, self._folding = False, Folding(World())

    async def _run(self) -> AsyncGenerator[Progress | Replayed, None]:
        goal = self._live.world.position
        # Up to the rows' checkpoint first: they are of that moment, and it only goes forward.
        async with self._views.reading() as reading:
            kept = reading.kept
        first = min(kept.head.position, goal) if kept is not None else goal
        folding, seconds = self._folding, 0.0
        yield Progress(position=Position(0), of=goal)
        while (position := folding.draft.position) < first:
            began = time.monotonic()
            await fold_up_to(self._log, folding, Position(min(position + STEP, first)))
            seconds += time.monotonic() - began
            yield Progress(position=folding.draft.position, of=max(goal, first))
        world, views = await self._hold_views(await asyncio.to_thread(folding.world))
        if self._live.world.position < world.position:
            await self._live.catch_up()
        now = self._live.world
        self._folding = folding = Folding(world)
        await fold_up_to(self._log, folding, now.position)
        live = await _hold_live(await asyncio.to_thread(folding.world), now)
        if views.difference is not None:
            log.error("views_differ", **_fields(views.difference))
            await self._views.doubt()
        if live.difference is not None:
            log.error("live_world_differs", **_fields(live.difference))
        yield Replayed(
            position=now.position,
            per_second=first / seconds if seconds else 0.0,
            live=live,
            views=views,
        )

    def _unreadable(self, error: Exception) -> Replayed:
        """An event is missing, does not read, or can't have happened: it is no log of ours."""
        position = self._folding.draft.position
        log.error("log_unreadable", after=position, reason=str(error))
        difference = Difference(
            view="log",
            key=str(position + 1),
            field="",
            expected=f"an event that follows {position}",
            found=f"{type(error).__name__}: {error}; ecn verify says more",
        )
        return Replayed(
            position=position,
            per_second=0.0,
            live=_verdict(position, difference),
            views=_not_compared("the log can't be replayed"),
        )

    async def _hold_views(self, world: World) -> tuple[World, Verdict]:
        """The rows held against the world, which goes on to their checkpoint."""
        async with self._views.reading() as reading:
            kept = reading.kept
            if kept is None:
                return world, _not_compared("no rows were written yet")
            position = kept.head.position
            if not reading.log_agrees:
                return world, _not_compared(
                    "they are of another log than this one, and will be written anew"
                )
            if position < world.position:
                return world, _not_compared("they are being written anew")
            self._folding = folding = Folding(world)
            await fold_up_to(self._log, folding, position)
            world = await asyncio.to_thread(folding.world)
            difference = await _first_of_rows(world, reading)
        return world, _verdict(position, difference)


async def _hold_live(world: World, live: World) -> Verdict:
    if world.head != live.head:
        difference = Difference(
            view="log",
            key=str(world.position),
            field="hash",
            expected=world.head.hash.hex(),
            found=live.head.hash.hex(),
        )
        return _verdict(live.position, difference)
    for difference_or_none in differences(world, live):
        if difference_or_none is not None:
            return _verdict(live.position, difference_or_none)
        await asyncio.sleep(0)
    return _verdict(live.position, None)


async def _first_of_rows(world: World, reading: ViewReading) -> Difference | None:
    wanted = tables(world)
    seen: dict[str, set[str]] = {view: set() for view in wanted}
    async for page in reading.rows():
        for view, key, content in page:
            expected = wanted[view].get(key) if view in wanted else None
            seen.setdefault(view, set()).add(key)
            if view not in wanted:
                return Difference(view=view, key=key, field="", expected="nothing", found="a row")
            difference = of_content(view, key, expected, content)
            if difference is not None:
                return difference
        await asyncio.sleep(0)
    for view, table in wanted.items():
        if len(seen[view]) < len(table):
            for number, (key, row) in enumerate(table.items()):
                if key not in seen[view]:
                    return of_rows(view, key, row, None)
                if number % PAGE == 0:
                    await asyncio.sleep(0)
    return None


def _verdict(position: Position, difference: Difference | None) -> Verdict:
    compared = Compared.SAME if difference is None else Compared.DIFFERENT
    return Verdict(compared=compared, position=position, difference=difference)


def _not_compared(why: str) -> Verdict:
    return Verdict(compared=Compared.NOT_COMPARED, position=Position(0), why_not=why)


def _fields(difference: Difference) -> dict[str, str]:
    """For the controller's own log: where, not what."""
    return {"view": difference.view, "key": difference.key, "field": difference.field}
