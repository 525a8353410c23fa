"""Commands that are decided one on what the other leaves, and appended together.

The writer fills a batch while the one before it is on its way to the log, has it appended, and
lets it tell everybody what became of their command.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from msgspec import Struct

from ecn.commands import AnyCommand
from ecn.deciders.decide import decide
from ecn.errors import KeyReused, Refused
from events.envelope import Proposed, Recorded, chain
from events.ids import CommandId, Position
from projections.commands import KEYED, scope
from projections.live import Ahead
from projections.world import World

log = structlog.get_logger()


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


class Pending(Struct, frozen=True, eq=False):
    """A command, and where its answer is waited for."""

    issued: Issued
    answer: asyncio.Future[Outcome]

    def fail(self, error: Exception) -> None:
        """Nothing is to be awaited any more, if anybody still does."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Batch:
    """See the module.

    base: the world that the first command is decided on.
    tries: how often its commands were decided before, because other controllers were faster.
    """

    def __init__(self, base: World, clock: Callable[[], datetime], *, tries: int = 0) -> None:
        self.ahead = Ahead(base)
        self.pending: list[Pending] = []
        self.tries = tries
        self.took = 0.0
        """Seconds that deciding it took, as far as the writer measured."""
        self.fault: Exception | None = None
        """A fault of ours while folding: what is decided here stands on nothing any more."""
        self._outcomes: list[Outcome | Exception] = []
        self._clock = clock

    def decide(self, pending: Pending) -> None:
        """Decide one more command, on what the earlier ones leave."""
        self.pending.append(pending)
        if self.fault is not None:
            return
        outcome, events = self._decided(pending.issued)
        self._outcomes.append(outcome)
        if events:
            try:
                self.ahead.fold(events)
            except Exception as e:
                log.exception("fold_failed", command_id=pending.issued.command_id)
                self.fault = e

    def tell(self) -> None:
        """Answer everyone: what was decided is in the log, or is true of where it ends."""
        for pending, outcome in zip(self.pending, self._outcomes, strict=True):
            if isinstance(outcome, Exception):
                pending.fail(outcome)
            elif not pending.answer.done():
                pending.answer.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """Tell everyone that it was in vain."""
        for pending in self.pending:
            pending.fail(error)

    def _decided(self, issued: Issued) -> tuple[Outcome | Exception, list[Recorded]]:
        """What to answer, and what to append."""
        world = self.ahead.draft
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
        events = chain(world.head, proposed, self._clock()) if proposed else []
        outcome = Outcome(
            command_id=issued.command_id,
            subject=events[0].subject if events else "",
            events=tuple(event.type for event in events),
            position=events[-1].position if events else world.position,
        )
        return outcome, events


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
