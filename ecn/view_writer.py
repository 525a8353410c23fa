"""Keeps the rows in the database up with the live world: what controllers start from, and people
with SQL read.

One controller of each generation does it. It gathers which rows changed and writes them about once
a second, with the position they are of, all or none. When it takes over, and after any doubt (a
lost connection, a checkpoint that is not where it was, a row that somebody found wrong), it
compares all rows with its world and writes the difference: whatever went wrong is put right.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

import structlog

from ecn.presence_store import Leadership
from events.log import LogError, StoreUnavailable
from projections.generation import Kept, Row, encoded, number_of, summed, tables
from projections.live import Live
from projections.view_store import Change, CheckpointMoved, ViewStore
from projections.world import Changes, World

FLUSH_EVERY = 1.0
TEND_EVERY = 5.0
LONGEST_PAUSE = 30.0
"""Seconds: after failures it waits longer and longer, up to this."""

MANY = 5000
"""Rows that are not left waiting for the second to be over."""

SLICE = 500
"""Rows that are encoded in one go: some 2 ms."""

log = structlog.get_logger()


class ViewWriter:
    """See the module. `run` is its task."""

    def __init__(
        self,
        store: ViewStore,
        leadership: Leadership,
        live: Live,
        *,
        flush_every: float = FLUSH_EVERY,
        tend_every: float = TEND_EVERY,
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._live = live
        self._flush_every = flush_every
        self._tend_every = tend_every
        self._written: tuple[World, Kept] | None = None
        """What the database holds, for certain. None in doubt."""
        self._touched: dict[str, set[str]] | None = None
        """Keys of rows by view that may be others than the written ones. None: not gathered."""
        self._many = asyncio.Event()
        self._tend_at = float("-inf")
        live.adopted.append(self._note)

    @property
    def leader(self) -> str:
        """What the one that writes leads in: of each generation there is one."""
        return f"views {self._store.fingerprint}"

    @property
    def position(self) -> int | None:
        """Of what the database holds; None where this controller does not write it, or doubts."""
        return None if self._written is None else self._written[1].head.position

    async def run(self) -> None:
        """Write until cancelled."""
        pause = self._flush_every
        try:
            while True:
                try:
                    if await self._leadership.try_lead(self.leader):
                        await self.flush()
                        await self._tend()
                    else:
                        self._doubt()
                    pause = self._flush_every
                except CheckpointMoved:
                    self._doubt()
                    log.info("views_moved", generation=self._store.fingerprint)
                except (StoreUnavailable, LogError) as e:
                    self._doubt()
                    pause = min(pause * 2, LONGEST_PAUSE)
                    log.warning("views_not_written", reason=str(e), next_try_in=pause)
                except Exception:
                    # The rows are derived: a fault of ours in them must not end the controller.
                    self._doubt()
                    pause = min(pause * 2, LONGEST_PAUSE)
                    log.exception("views_failed")
                await self._wait(pause)
        finally:
            self._doubt()

    async def flush(self) -> None:
        """Bring the database to the live world.

        Errors: CheckpointMoved, StoreUnavailable, LogUnavailable; then all rows are compared at
        the next call.
        """
        try:
            if self._written is None or self._touched is None:
                self._written = await self._compare()
            else:
                self._written = await self._write_touched(*self._written, self._touched)
        except BaseException:
            self._doubt()
            raise

    def _note(self, changes: Changes) -> None:
        """Rows changed; the last of each key is what will be written. A step of Live's."""
        if self._touched is None:
            return
        for view, rows in changes.items():
            self._touched.setdefault(view, set()).update(map(str, rows))
        if sum(map(len, self._touched.values())) >= MANY:
            self._many.set()

    def _doubt(self) -> None:
        """All is compared again; until then nothing need be gathered."""
        self._written = self._touched = None

    def _gather(self) -> World:
        """The world of now; what changes after it is gathered anew."""
        self._touched = {}
        self._many.clear()
        return self._live.world

    async def _write_touched(
        self, before: World, kept: Kept, touched: Mapping[str, Collection[str]]
    ) -> tuple[World, Kept]:
        world = self._gather()
        if world.head == kept.head:
            return before, kept
        puts: list[Row] = []
        drops: list[tuple[str, str]] = []
        sum_, old, new = kept.sum_, tables(before), tables(world)
        for portion in _portions((view, key) for view, keys in touched.items() for key in keys):
            for view, key in portion:
                was, row = old[view].get(key), new[view].get(key)
                if was is row:
                    continue
                if was is not None:
                    sum_ = summed(sum_, out=number_of(view, key, encoded(was)))
                if row is None:
                    drops.append((view, key))
                else:
                    content = encoded(row)
                    sum_ = summed(sum_, in_=number_of(view, key, content))
                    puts.append((view, key, content))
            await asyncio.sleep(0)
        after = Kept(head=world.head, sum_=sum_)
        await self._store.write(Change(before=kept, after=after, puts=puts, drops=drops))
        return world, after

    async def _compare(self) -> tuple[World, Kept]:
        """Hold all rows against the world, and write what differs."""
        puts: list[Row] = []
        drops: list[tuple[str, str]] = []
        sum_ = 0
        async with self._store.reading() as reading:
            kept = reading.kept
            if kept is not None and kept.head.position > self._live.world.position:
                # Another controller of this version has come further than this one.
                await self._live.catch_up()
            world = self._gather()
            new = tables(world)
            seen: dict[str, set[str]] = {view: set() for view in new}
            if kept is not None:
                async for page in reading.rows():
                    for view, key, content in page:
                        row = new[view].get(key) if view in new else None
                        if row is None:
                            drops.append((view, key))
                            continue
                        seen[view].add(key)
                        right = encoded(row)
                        sum_ = summed(sum_, in_=number_of(view, key, right))
                        if right != content:
                            puts.append((view, key, right))
                    await asyncio.sleep(0)
        missing = (
            (view, key) for view, table in new.items() for key in table if key not in seen[view]
        )
        for portion in _portions(missing):
            for view, key in portion:
                content = encoded(new[view][key])
                sum_ = summed(sum_, in_=number_of(view, key, content))
                puts.append((view, key, content))
            await asyncio.sleep(0)
        after = Kept(head=world.head, sum_=sum_)
        if kept != after or puts or drops or reading.doubted:
            change = Change(before=kept, after=after, puts=puts, drops=drops, compared=True)
            await self._store.write(change)
            log.info(
                "views_compared", position=world.position, written=len(puts), removed=len(drops)
            )
        return world, after

    async def _tend(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._tend_at:
            self._tend_at = now + self._tend_every
            await self._store.tend()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._many.wait()
        except TimeoutError:
            return


def _portions(keys: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    left = iter(keys)
    while portion := list(islice(left, SLICE)):
        yield portion
