"""Small events for tests that care about the log and not about what happened."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from events.application import ApplicationStarted
from events.envelope import Head, Proposed, Recorded, chain
from events.ids import ApplicationId, CommandId

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def started(number: int, **envelope: str) -> Proposed:
    """The event that application `number` was started."""
    return Proposed(
        event=ApplicationStarted(application_id=ApplicationId(f"{number:032x}")),
        actor=envelope.get("actor", "user/ada"),
        command_id=CommandId(envelope.get("command_id", f"command-{number}")),
        correlation_id=envelope.get("correlation_id", "request"),
        causation_id=envelope.get("causation_id", ""),
    )


def batch(head: Head, size: int = 1, *, first: int = 0, now: datetime = NOON) -> list[Recorded]:
    """`size` events chained to `head`, about the applications from `first` on."""
    return chain(head, [started(number) for number in range(first, first + size)], now)


def minutes_apart(head: Head, proposed: Sequence[Proposed]) -> list[Recorded]:
    """Each a minute after the one before, the first at noon."""
    events: list[Recorded] = []
    for minute, item in enumerate(proposed):
        events += chain(
            events[-1].head if events else head, [item], NOON + timedelta(0, 60 * minute)
        )
    return events
