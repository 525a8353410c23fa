"""What commands would lead to, decided as the writer does it but on worlds of our own."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from ecn.commands.command import ByDevice, ByToken
from ecn.commands.together import SingleCommand
from ecn.deciders import access
from ecn.deciders.together import in_a_row
from ecn.errors import Refused
from events.envelope import KnownEvent
from projections.world import World


class Wanted(Struct, frozen=True, kw_only=True):
    """One change to consider."""

    about: str
    """`<kind>/<name>`."""
    commands: Callable[[World], Sequence[SingleCommand]]
    """Made of the world that they will meet: all of them or none. Errors: Refused."""


class Decided(Struct, frozen=True, kw_only=True):
    """What one change leads to, on the world that it meets."""

    about: str
    before: World
    after: World
    """Behind its events; `before` itself where it is refused."""
    events: tuple[KnownEvent, ...] = ()
    refused: Refused | None = None


def decided(world: World, wanted: Wanted, *, sent: ByToken | ByDevice | None = None) -> Decided:
    """Decide it. A refusal is a result like any other. sent: in whose name."""
    try:
        events, after = in_a_row(world, wanted.commands(world))
        access.check(world, sent, events)
    except Refused as refused:
        return Decided(about=wanted.about, before=world, after=world, refused=refused)
    return Decided(about=wanted.about, before=world, after=after, events=tuple(events))
