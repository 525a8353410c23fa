"""The world as events would leave it that are decided and not in the log: for deciding on.

Nobody may see such a world: its events have neither an author nor the hash they will have.
"""

from collections.abc import Iterable, Iterator

from events.envelope import KnownEvent, Proposed, Recorded, chain
from events.ids import CommandId
from projections.world import World, fold

NOBODY = ""


def placed(world: World, events: Iterable[KnownEvent]) -> list[Recorded]:
    """The events right behind the world, as of its own time, by nobody."""
    proposed = [
        Proposed(event=event, actor=NOBODY, command_id=CommandId(NOBODY), correlation_id=NOBODY)
        for event in events
    ]
    return chain(world.head, proposed, world.head.time)


def ahead(world: World, events: Iterable[KnownEvent]) -> World:
    """The world behind all of the events."""
    return fold(world, placed(world, events))


def steps(world: World, events: Iterable[KnownEvent]) -> Iterator[tuple[KnownEvent, World, World]]:
    """Each event, with the world right before and right after it."""
    for event in events:
        after = ahead(world, [event])
        yield event, world, after
        world = after
