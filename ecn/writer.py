"""The one writer of a controller: folds concurrent commands into one append.

Handlers call `execute`. The writer takes whatever is queued, decides each command on the world as
the earlier ones of the batch leave it, appends all events in one round trip on the condition that
the head is still where it was, and then answers everyone. While one batch commits the next one
gathers: under load batches grow, idle commands wait for nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from ecn.commands import AnyCommand
from ecn.deciders.decide import decide
from ecn.errors import KeyReused, Refused
from events.envelope import Proposed, Recorded, chain
from events.ids import CommandId, Position
from events.log import EventLog, HeadMoved, LogUnavailable, OutcomeUnknown
from projections.commands import KEYED, scope
from projections.live import Ahead, Live
from projections.world import World

QUEUE = 10_000
"""Commands that may wait; beyond that callers are told to come back."""

BATCH = 512
"""Commands of one append. More would only make the first of them wait longer."""

TRIES = 20
"""How often a batch is decided again because other controllers were faster."""

STOPPING = "the controller is stopping"

log = structlog.get_logger()


class Overloaded(LogUnavailable):
    """More commands wait than can be answered in a bearable time."""


class Issued(Struct, frozen=True, kw_only=True):
    """A command with all that its events will tell of it."""

    command: AnyCommand
    actor: str
    command_id: CommandId
    correlation_id: str
    causation_id: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a command led to. A retry of a keyed command gets the very same."""

    command_id: CommandId
    subject: str
    """Of its first event; empty when there is none."""
    events: tuple[str, ...]
    """Types of its events."""
    position: Position
    """Of its last event, or where it was found that nothing is to be done."""
    repeated: bool = False
    """The command had been carried out before."""


class _Pending(Struct, frozen=True, eq=False):
    issued: Issued
    answer: asyncio.Future[Outcome]


class Writer:
    """See the module. `run` is its task; everything else may be called from any task."""

    def __init__(self, live: Live, log: EventLog, clock: Callable[[], datetime]) -> None:
        self._live = live
        self._log = log
        self._clock = clock
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue(QUEUE)
        self._stopped = False

    async def execute(self, issued: Issued) -> Outcome:
        """Carry a command out.

        Errors: Refused; LogUnavailable when nothing could be written; OutcomeUnknown when it may
        or may not have been: repeat with the same command id.
        """
        if self._stopped:
            raise LogUnavailable(STOPPING)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Pending(issued, answer))
        except asyncio.QueueFull:
            raise Overloaded(f"{QUEUE} commands are waiting already") from None
        return await answer

    async def run(self) -> None:
        """Write until cancelled; whoever waits then, or comes later, is told it was in vain."""
        try:
            while True:
                batch = [await self._queue.get()]
                while len(batch) < BATCH and not self._queue.empty():
                    batch.append(self._queue.get_nowait())
                await self._commit_or_tell(batch)
        finally:
            self._stopped = True
            while not self._queue.empty():
                self._fail([self._queue.get_nowait()], LogUnavailable(STOPPING))

    async def _commit_or_tell(self, batch: Sequence[_Pending]) -> None:
        # Whoever does not wait any more may have left because of a time-out: the command is
        # carried out all the same, as a retry will ask for it.
        try:
            await self._commit(batch)
        except (LogUnavailable, OutcomeUnknown) as e:
            # What the log did not take it may not give either: until it does, answers are stale.
            self._live.stale = True
            self._fail(batch, e)
        except asyncio.CancelledError:
            self._fail(batch, OutcomeUnknown("the controller stopped during the append"))
            raise
        except Exception as e:
            # A fault of ours must not end the writer: the batch is refused, the next one runs.
            log.exception("batch_failed", commands=len(batch))
            self._fail(batch, e)

    async def _commit(self, batch: Sequence[_Pending]) -> None:
        """Decide each command on what the ones before it leave; append all on one condition."""
        for _ in range(TRIES):
            ahead, outcomes = Ahead(self._live.world), list[Outcome | Exception]()
            for pending in batch:
                outcome, new = self._decided(ahead.draft, pending.issued)
                ahead.fold(new)
                outcomes.append(outcome)
            try:
                # Also with nothing to write: a refusal must be true now, not a moment ago.
                await self._log.append(ahead.events, expected=ahead.base.head)
            except HeadMoved:
                await self._live.catch_up()
                continue
            self._live.adopt(ahead)
            self._live.stale = False  # the log ended where the world did
            for pending, outcome in zip(batch, outcomes, strict=True):
                if pending.answer.done():
                    continue
                if isinstance(outcome, Exception):
                    pending.answer.set_exception(outcome)
                else:
                    pending.answer.set_result(outcome)
            return
        raise LogUnavailable(f"other controllers were faster {TRIES} times")

    def _decided(self, world: World, issued: Issued) -> tuple[Outcome | Exception, list[Recorded]]:
        """What to answer, and what to append."""
        try:
            repeated = repetition(world, issued.command_id)
            if repeated is not None:
                return repeated, []
            decided = decide(world, issued.command)
        except Refused as refused:
            return refused, []
        except Exception as e:
            # A fault of ours in one command must not refuse its neighbours in the batch.
            log.exception("command_failed", command_id=issued.command_id)
            return e, []
        proposed = [
            Proposed(
                event=event,
                actor=issued.actor,
                command_id=issued.command_id,
                correlation_id=issued.correlation_id,
                causation_id=issued.causation_id,
            )
            for event in decided
        ]
        events = chain(world.head, proposed, self._clock())
        outcome = Outcome(
            command_id=issued.command_id,
            subject=events[0].subject if events else "",
            events=tuple(event.type for event in events),
            position=events[-1].position if events else world.position,
        )
        return outcome, events

    @staticmethod
    def _fail(batch: Sequence[_Pending], error: Exception) -> None:
        for pending in batch:
            if not pending.answer.done():
                pending.answer.set_exception(error)


def repetition(world: World, command_id: CommandId) -> Outcome | None:
    """What a keyed command led to when it was carried out before, else None.

    Errors: KeyReused when its key stands for another request.
    """
    if not command_id.startswith(KEYED):
        return None
    row = world.commands.get(scope(command_id))
    if row is None:
        return None
    if row.command_id != command_id:
        raise KeyReused
    return Outcome(
        command_id=command_id,
        subject=row.subject,
        events=row.events,
        position=row.position,
        repeated=True,
    )
