"""The one writer of a controller: folds concurrent commands into one append.

Handlers call `execute`. A command is decided at once, on the world as the commands before it leave
it, and appended in one round trip with all others that came while the append before was under
way, on the condition that the head is still where it was. Then everyone is answered. So deciding
goes on while Postgres commits; under load batches grow, and an idle controller lets nobody wait.

Whoever is answered may come back at once with the next command. A batch that is ready waits for
them, for one turn of the loop, unless deciding it took longer than an append costs by itself: then
more is won by letting Postgres work on it while the others are decided.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog

from ecn.batch import Batch, Issued, Outcome, Pending
from ecn.errors import Refused
from ecn.metrics.measures import CommandMeasures
from events.log import EventLog, HeadMoved, LogUnavailable, OutcomeUnknown
from projections.live import Live
from projections.world import World

QUEUE = 10_000
"""Commands that may wait for their append; beyond that callers are told to come back."""

BATCH = 256
"""Commands of one append. More would only make the first of them wait longer."""

TRIES = 20
"""How often a batch is decided again because other controllers were faster."""

RISING = 0.02
"""How quickly the cost of an append follows when appends become slower. It falls at once."""

LEAST = 0.0002
"""Seconds that no append takes less than, wherever the log is."""

STOPPING = "the controller is stopping"

log = structlog.get_logger()


class Overloaded(LogUnavailable):
    """More commands wait than can be answered in a bearable time."""


class Writer:
    """See the module. `run` owns the appends; everything else may be called from any task."""

    def __init__(self, live: Live, log: EventLog, clock: Callable[[], datetime]) -> None:
        self._live = live
        self._log = log
        self._clock = clock
        self._waiting: deque[Pending] = deque()
        """For which the open batch has no room."""
        self._open: Batch | None = None
        """Takes what comes; decided on what `_flying` leaves."""
        self._flying: Batch | None = None
        """On its way to the log."""
        self._appends: asyncio.TaskGroup | None = None
        self._launching = False
        self._stopped = False
        self.measures = CommandMeasures()
        self._append_costs = 0.001
        """Seconds that an append takes however little it brings: the way there and the disk."""

    async def execute(self, issued: Issued) -> Outcome:
        """Carry a command out.

        Whoever stops waiting changes nothing: it is carried out all the same, as a retry will ask
        for it. Errors: Refused; LogUnavailable when nothing could be written; OutcomeUnknown when
        it may or may not have been: repeat with the same command id.
        """
        began, outcome = time.perf_counter(), "failed"
        try:
            done = await self._execute(issued)
            outcome = "done"
            return done
        except Refused:
            outcome = "refused"
            raise
        finally:
            self.measures.outcomes.add(outcome)
            self.measures.seconds.observe(time.perf_counter() - began)

    async def _execute(self, issued: Issued) -> Outcome:
        if self._stopped:
            raise LogUnavailable(STOPPING)
        decided = len(self._open.pending) if self._open is not None else 0
        if decided + len(self._waiting) >= QUEUE:
            raise Overloaded(f"{QUEUE} commands are waiting already")
        pending = Pending(issued, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        self._take_in()
        return await pending.answer

    async def run(self) -> None:
        """Write until cancelled; whoever waits then, or comes later, is told it was in vain."""
        try:
            async with asyncio.TaskGroup() as appends:
                self._appends = appends
                self._take_in()
                try:
                    await asyncio.Event().wait()
                finally:
                    self._appends, self._stopped = None, True
        finally:
            if self._flying is not None:
                self._flying.fail(OutcomeUnknown("the controller stopped during the append"))
            if self._open is not None:
                self._open.fail(LogUnavailable(STOPPING))
            while self._waiting:
                self._waiting.popleft().fail(LogUnavailable(STOPPING))

    def _take_in(self) -> None:
        """Decide what waits, as far as the open batch has room, and see that it is appended."""
        began = time.perf_counter()
        while self._waiting:
            if self._open is None:
                self._open = Batch(self._base(), self._clock)
            if len(self._open.pending) >= BATCH:
                break
            self._open.decide(self._waiting.popleft())
        if self._open is None:
            return
        self._open.took += time.perf_counter() - began
        if self._flying is not None or self._appends is None:
            return
        if self._open.took > self._append_costs:
            self._launch()
        elif not self._launching:
            self._launching = True
            asyncio.get_running_loop().call_soon(self._launch_late)

    def _base(self) -> World:
        return self._live.world if self._flying is None else self._flying.ahead.world()

    def _launch_late(self) -> None:
        self._launching = False
        self._launch()

    def _launch(self) -> None:
        if self._open is not None and self._flying is None and self._appends is not None:
            batch, self._open = self._open, None
            if batch.fault is not None:
                # A fault of ours must not end the writer: the batch is refused, the next one runs.
                batch.fail(batch.fault)
                self._take_in()
                return
            self._flying = batch
            self._appends.create_task(self._fly(batch))

    async def _fly(self, batch: Batch) -> None:
        """Have the batch appended, tell its callers, and send the next one on its way."""
        began = time.perf_counter()
        try:
            # Also with nothing to write: a refusal must be true now, not a moment ago.
            await self._log.append(batch.ahead.events, expected=batch.ahead.base.head)
        except HeadMoved as e:
            await self._overtaken(batch, e)
        except (LogUnavailable, OutcomeUnknown) as e:
            self._crashed(batch, e)
        except Exception as e:
            log.exception("batch_failed", commands=len(batch.pending))
            self._crashed(batch, e)
        else:
            self._live.adopt(batch.ahead)
            self._live.stale = False  # the log ended where the world did
            self._flying = None
            took = time.perf_counter() - began
            self.measures.append_seconds.observe(took)
            self._learn(took)
            if self._open is not None and self._open.took > self._append_costs:
                self._launch()
            batch.tell()
        self._take_in()

    def _learn(self, seconds: float) -> None:
        known = self._append_costs
        rising = known + (seconds - known) * RISING
        self._append_costs = max(seconds if seconds < known else rising, LEAST)

    async def _overtaken(self, batch: Batch, moved: HeadMoved) -> None:
        """Another controller wrote: decide again, on what it left."""
        try:
            await self._live.catch_up()
        except LogUnavailable as e:
            self._crashed(batch, e)
            return
        except Exception as e:
            log.exception("catch_up_failed")
            self._crashed(batch, e)
            return
        if batch.tries + 1 >= TRIES:
            self._crashed(batch, LogUnavailable(f"other controllers were faster {TRIES} times"))
            return
        log.debug("overtaken", expected=moved.expected, commands=len(batch.pending))
        self._decide_again(batch.pending, tries=batch.tries + 1)

    def _crashed(self, batch: Batch, error: Exception) -> None:
        if isinstance(error, (LogUnavailable, OutcomeUnknown)):
            # What the log did not take it may not give either: until it does, answers are stale.
            self._live.stale = True
        batch.fail(error)
        self._decide_again([], tries=0)

    def _decide_again(self, first: list[Pending], *, tries: int) -> None:
        """What was decided on a world that never came to be is decided on the one that is."""
        later = self._open.pending if self._open is not None else []
        self._flying = None
        self._open = None
        if first or later:
            self._open = Batch(self._live.world, self._clock, tries=tries)
            for pending in (*first, *later):
                self._open.decide(pending)
