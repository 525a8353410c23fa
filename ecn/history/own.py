"""A thing's own history: what was wanted of it before and after each event that is about it.

Folds nothing but the thing's own events, and the creation of the application that a microservice
belongs to, in a world where nothing else is: what others did has no part in it. Devices' reports
are left out, as there may be very many of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

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


WANTING: dict[str, tuple[type[Event], ...]] = {
    "node": (NodeRegistered, NodeRenamed, NodeUpdated),
    "application": (
        ApplicationCreated,
        ApplicationUpdated,
        ApplicationStarted,
        ApplicationStopped,
    ),
    "microservice": (
        MicroserviceCreated,
        MicroserviceUpdated,
        MicroserviceMoved,
        MicroserviceStarted,
        MicroserviceStopped,
    ),
    "registry": (RegistryCreated, RegistryUpdated),
    "user": (UserCreated, UserRoleChanged, UserPasswordChanged),
}
"""What says what is wanted of a thing while it is there, by kind; its making comes first."""


def family(kind: type[Event]) -> str:
    """How the types of all versions of an event begin: `node.registered.`."""
    return str(kind.__struct_config__.tag).rpartition(".v")[0] + "."


NOISY = ("node", "user")
"""Kinds of which much more is told than what is wanted: their types are asked for one by one."""


def versions(subject: str, names: Names, *, upto: Position) -> Question[list[Version]]:
    """All versions of a thing up to a position, the oldest first; none if there never was one.

    names: of a world in which the thing was, or is.
    """
    found = yield from versions_of({subject}, names, upto=upto)
    return found.get(subject, [])


def versions_of(
    subjects: Set[str], names: Names, *, upto: Position
) -> Question[dict[str, list[Version]]]:
    """As `versions`, of several things of one kind, by subject."""
    own = dict[str, list[Recorded]]()
    kinds = {each.partition("/")[0] for each in subjects}
    for kind in kinds:
        prefixes = map(family, WANTING[kind]) if kind in NOISY else (f"{kind}.",)
        for prefix in prefixes:
            wanted = EventFilter(subjects=frozenset(subjects), type_prefix=prefix)
            for recorded in (yield from every(wanted, upto=upto)):
                if isinstance(recorded.event, WANTING[kind]):
                    own.setdefault(recorded.subject, []).append(recorded)
    around = yield from _applications_of(own, upto)
    return {
        subject: list(
            folded(
                subject,
                sorted(events, key=lambda each: each.position),
                names,
                around=around.get(subject, ()),
            )
        )
        for subject, events in own.items()
    }


def _applications_of(
    own: Mapping[str, Sequence[Recorded]], upto: Position
) -> Question[dict[str, list[Recorded]]]:
    """The creations of the applications that microservices were made in, by microservice."""
    made = {
        subject: f"application/{created.application_id}"
        for subject, events in own.items()
        for created in [min(events, key=lambda each: each.position).event]
        if isinstance(created, MicroserviceCreated)
    }
    if not made:
        return {}
    wanted = EventFilter(subjects=frozenset(made.values()), type_prefix=family(ApplicationCreated))
    found = yield from every(wanted, upto=upto)
    return {
        subject: [each for each in found if each.subject == application]
        for subject, application in made.items()
    }


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
