"""A thing's own history: what was wanted of it before and after each event that is about it.

Folds nothing but the thing's own events, with its own projection, in a world where nothing else
is: what others did has no part in it. Devices' reports are left out, as there may be very many of
them.
"""

from collections.abc import Hashable, Iterable, Iterator, Set

from msgspec import Struct
from msgspec.structs import replace

from ecn.history.asking import Question, every
from ecn.history.fields import Tree
from ecn.history.trees import Names, wanted
from events.application import (
    ApplicationCreated,
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    MicroserviceCreated,
    MicroserviceMoved,
    MicroserviceRenamed,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    TracingSwitched,
)
from events.catalog import (
    CatalogItemCreated,
    CatalogItemUpdated,
    RegistryCreated,
    RegistryUpdated,
)
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceLinked,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.envelope import Recorded
from events.event import Event
from events.filter import EventFilter
from events.ids import Position
from events.network import BrokerSet, DefaultRouterSet, NetworkSettingChanged
from events.node import NodeRegistered, NodeRenamed, NodeUpdated
from events.route import RouteCreated, RouteUpdated
from events.template import TemplateCreated, TemplateUpdated
from events.user import UserCreated, UserPasswordChanged, UserProfileChanged, UserRoleChanged
from events.volume import VolumeCreated, VolumeUpdated
from projections.things import TABLES, row_key, row_of
from projections.view import Draft
from projections.world import VIEWS, World

VIEW = {view.name: view for view in VIEWS}


class Version(Struct, frozen=True, kw_only=True):
    """What one event made of a thing. None before its creation."""

    recorded: Recorded
    before: Tree | None
    after: Tree | None


WANTING: dict[str, tuple[type[Event], ...]] = {
    "node": (NodeRegistered, NodeRenamed, NodeUpdated),
    "application": (
        ApplicationCreated,
        ApplicationRenamed,
        ApplicationUpdated,
        ApplicationStarted,
        ApplicationStopped,
    ),
    "microservice": (
        MicroserviceCreated,
        MicroserviceRenamed,
        MicroserviceUpdated,
        MicroserviceMoved,
        MicroserviceStarted,
        MicroserviceStopped,
        TracingSwitched,
    ),
    "route": (RouteCreated, RouteUpdated),
    "template": (TemplateCreated, TemplateUpdated),
    "catalog-item": (CatalogItemCreated, CatalogItemUpdated),
    "registry": (RegistryCreated, RegistryUpdated),
    "edge-resource": (
        EdgeResourceCreated,
        EdgeResourceUpdated,
        EdgeResourceLinked,
        EdgeResourceUnlinked,
    ),
    "volume": (VolumeCreated, VolumeUpdated),
    "network": (BrokerSet, DefaultRouterSet, NetworkSettingChanged),
    "user": (UserCreated, UserProfileChanged, UserRoleChanged, UserPasswordChanged),
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
    return {
        subject: list(folded(subject, sorted(events, key=lambda each: each.position), names))
        for subject, events in own.items()
    }


def folded(subject: str, events: Iterable[Recorded], names: Names) -> Iterator[Version]:
    """The versions that these events, ascending, made."""
    kind, _, key = subject.partition("/")
    world = World()
    seed = row_of(world, kind, key)
    before = wanted(seed, names) if seed is not None else None
    for recorded in events:
        world = _after(world, kind, key, recorded)
        row = row_of(world, kind, key)
        made = wanted(row, names) if row is not None else None
        yield Version(recorded=recorded, before=before, after=made)
        before = made


def _after(world: World, kind: str, key: str, recorded: Recorded) -> World:
    """The world with what the thing's own projection makes of the event; nothing else is there."""
    view = VIEW[TABLES[kind]]
    if not isinstance(recorded.event, view.events):
        return world
    table = Draft[Hashable, object](getattr(world, view.name))
    for change in view.project(world, recorded.event, recorded):
        if change.key == row_key(kind, key):
            table.obey(change)
            break  # others would follow from it
    return replace(world, **{view.name: table.table()})
