"""The world as events would leave it that are decided and not in the log: for deciding on.

Nobody may see such a world: its events have neither an author nor the hash they will have.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from events.envelope import KnownEvent, Proposed, chain
from events.ids import CommandId
from projections.view import Draft
from projections.world import VIEWS, World, fold

NOBODY = ""


def ahead(world: World, events: Iterable[KnownEvent]) -> World:
    """The world right behind all of the events, as of its own time, by nobody."""
    proposed = [
        Proposed(event=event, actor=NOBODY, command_id=CommandId(NOBODY), correlation_id=NOBODY)
        for event in events
    ]
    return fold(_kept(world), chain(world.head, proposed, world.head.time))


def steps(world: World, events: Iterable[KnownEvent]) -> Iterator[tuple[KnownEvent, World, World]]:
    """Each event, with the world right before and right after it."""
    for event in events:
        after = ahead(world, [event])
        yield event, world, after
        world = after


def _kept(world: World) -> World:
    """The world as a snapshot: the writer decides on one that is still being folded."""
    tables = {
        view.name: table.table()
        for view in VIEWS
        if isinstance(table := getattr(world, view.name), Draft)
    }
    return replace(world, **tables) if tables else world
