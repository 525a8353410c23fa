"""What is decided about several commands in a row, each on what the ones before leave."""

from collections.abc import Iterable

from ecn.commands.together import SingleCommand, Together
from ecn.deciders.ahead import ahead
from ecn.deciders.one import decide_one
from ecn.deciders.standing import name_of, standing
from ecn.errors import Refused, RevisionMoved
from events.envelope import KnownEvent
from projections.world import World


def decide(world: World, command: Together) -> list[KnownEvent]:
    """All events, in order. Errors: Refused, naming the part; then nothing of it happens."""
    for subject, seen in command.seen.items():
        if standing(world, subject) != seen:
            raise RevisionMoved(subject.kind, name_of(world, subject))
    decided: list[KnownEvent] = []
    for part in command.parts:
        try:
            events, world = in_a_row(world, part.commands)
        except Refused as refused:
            raise refused.of(part.about)  # noqa: B904 - it is the very same
        decided += events
    return decided


def in_a_row(world: World, commands: Iterable[SingleCommand]) -> tuple[list[KnownEvent], World]:
    """Their events, and the world behind them. Errors: Refused, of the first that is."""
    decided: list[KnownEvent] = []
    for command in commands:
        events = decide_one(world, command)
        decided += events
        world = ahead(world, events)
    return decided, world
