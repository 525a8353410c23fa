"""The golden story goes on: agents say what became of what they were told. Append only."""

from datetime import UTC, datetime

from events.envelope import KnownEvent
from events.ids import Position
from events.node import Instruction, InstructionCarriedOut, Outcome
from tests.events.golden.routers import LEAF

OUTCOMES: tuple[tuple[str, KnownEvent], ...] = (
    (
        f"node/{LEAF}",
        InstructionCarriedOut(
            node_id=LEAF,
            instruction=Instruction.PRUNE,
            told_at=Position(81),
            sequence=1,
            outcome=Outcome.DONE,
            detail="3 images removed",
            at=datetime(2026, 1, 15, 12, 0, tzinfo=UTC),
        ),
    ),
    (
        f"node/{LEAF}",
        InstructionCarriedOut(
            node_id=LEAF,
            instruction=Instruction.UPGRADE,
            told_at=Position(82),
            sequence=2,
            outcome=Outcome.UNDONE,
            detail="the controller was not reached within 180 s",
            at=datetime(2026, 1, 15, 12, 10, tzinfo=UTC),
        ),
    ),
)
