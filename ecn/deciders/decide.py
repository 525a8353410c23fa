"""One door to all deciders."""

from ecn.commands import AnyCommand
from ecn.commands.together import Together
from ecn.deciders import access, premises, together
from ecn.deciders.one import decide_one
from events.envelope import KnownEvent
from projections.world import World


def decide(world: World, command: AnyCommand) -> list[KnownEvent]:
    """The events that the command leads to in this world, in order; none when all is as asked.

    Errors: Refused, and then nothing of the command happens.
    """
    premises.check(world, command)
    if isinstance(command, Together):
        events = together.decide(world, command)
    else:
        events = decide_one(world, command)
    access.check(world, command.sent, events)
    return events
