"""A thing's own history: what was wanted of it before and after each event that is about it.

Folds nothing but the thing's own events, and the creation of the application that a microservice
belongs to, in a world where nothing else is: what others did has no part in it. Devices' reports
are left out, as there may be very many of them.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from ecn.history.asking import Question, every
from ecn.history.fields import Tree
from ecn.history.trees import Names, row_of, wanted
from events.application import (
    ApplicationCreated,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    MicroserviceCreated,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.catalog import RegistryCreated, RegistryUpdated
from events.envelope import Head, Recorded
from events.event import Event
from events.filter import EventFilter
from events.ids import Position
from events.node import NodeRegistered, NodeRenamed, NodeUpdated
from events.user import UserCreated, UserPasswordChanged, UserRoleChanged
from projections.world import World, fold


class Version(Struct, frozen=True, kw_only=True):
    """What one event made of a thing. None before its creation."""

    recorded: Recorded
    before: Tree | None
    after: Tree | None


def _types(*kinds: type[Event]) -> tuple[str, ...]:
    return tuple(str(kind.__struct_config__.tag) for kind in kinds)


WANTING: dict[str, tuple[str, ...]] = {
    "node": _types(NodeRegistered, NodeRenamed, NodeUpdated),
    "application": _types(
        ApplicationCreated, ApplicationUpdated, ApplicationStarted, ApplicationStopped
    ),
    "microservice": _types(
        MicroserviceCreated,
        MicroserviceUpdated,
        MicroserviceMoved,
        MicroserviceStarted,
        MicroserviceStopped,
    ),
    "registry": _types(RegistryCreated, RegistryUpdated),
    "user": _types(UserCreated, UserRoleChanged, UserPasswordChanged),
}
"""The types of event that say what is wanted of a thing of that kind, while it is there."""


def versions(subject: str, names: Names, *, upto: Position) -> Question[list[Version]]:
    """All versions of a thing up to a position, the oldest first; none if there never was one.

    names: of a world in which the thing was, or is.
    """
    events: list[Recorded] = []
    for type_ in WANTING[subject.partition("/")[0]]:
        events += yield from every(EventFilter(subject=subject, type=type_), upto=upto)
    events.sort(key=lambda each: each.position)
    around: list[Recorded] = []
    if events and isinstance(created := events[0].event, MicroserviceCreated):
        application = EventFilter(
            subject=f"application/{created.application_id}", type=WANTING["application"][0]
        )
        around += yield from every(application, upto=events[0].position)
    return list(folded(subject, events, names, around=around))


def folded(
    subject: str, events: Iterable[Recorded], names: Names, *, around: Iterable[Recorded] = ()
) -> Iterator[Version]:
    """The versions that these events, ascending, made. around: what has to be there before."""
    kind, _, key = subject.partition("/")
    world = World()
    for recorded in around:
        world = _after(world, recorded)
    before = None
    for recorded in events:
        world = _after(world, recorded)
        row = row_of(world, kind, key)
        made = wanted(row, names) if row is not None else None
        yield Version(recorded=recorded, before=before, after=made)
        before = made


def _after(world: World, recorded: Recorded) -> World:
    """The event folded as if it came right behind: those between are about other things."""
    gap = Head(Position(recorded.position - 1), recorded.previous_hash, recorded.time)
    return fold(replace(world, head=gap), [recorded])
