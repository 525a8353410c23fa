"""The world: everything folded from the log, as immutable tables at one position.

Whoever holds a reference has a consistent snapshot: no lock, no torn read. `after` makes the next
world and shares with the old one what did not change.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from types import UnionType
from typing import NamedTuple, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from events.application import ApplicationEvents, ContainerReported, ContainerStatus
from events.catalog import CatalogEvents
from events.envelope import GENESIS, Head, KnownEvent, Recorded, UnknownEvent
from events.ids import (
    ApplicationId,
    MicroserviceId,
    NodeId,
    Position,
    RegistryId,
    TokenId,
    UserId,
)
from events.node import NodeDeleted, NodeDeprovisioned, NodeEvents, NodeProvisioned
from events.user import UserEvents
from projections import (
    applications,
    commands,
    credentials,
    desired_state,
    microservices,
    names,
    nodes,
    registries,
    reports,
    statuses,
    users,
)

# By name: inside the class, `nodes` is the table of that name, no more the module.
from projections.applications import ApplicationRow
from projections.commands import CommandRow
from projections.credentials import WithdrawnRow
from projections.microservices import MicroserviceRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.users import TokenRow, UserRow, token_table
from projections.view import Drop, Put, Table


class World(Struct, frozen=True, kw_only=True):
    """The network as it is at `head`."""

    head: Head = GENESIS
    nodes: Table[NodeId, NodeRow] = field(default_factory=nodes.table)
    withdrawn_credentials: Table[str, WithdrawnRow] = field(default_factory=credentials.table)
    applications: Table[ApplicationId, ApplicationRow] = field(default_factory=applications.table)
    microservices: Table[MicroserviceId, MicroserviceRow] = field(
        default_factory=microservices.table
    )
    statuses: Table[MicroserviceId, ContainerStatus] = field(default_factory=statuses.table)
    revisions: Table[NodeId, Position] = field(default_factory=desired_state.table)
    reports: Table[NodeId, int] = field(default_factory=reports.table)
    registries: Table[RegistryId, RegistryRow] = field(default_factory=registries.table)
    users: Table[UserId, UserRow] = field(default_factory=users.table)
    tokens: Table[TokenId, TokenRow] = field(default_factory=token_table)
    commands: Table[str, CommandRow] = field(default_factory=commands.table)
    names: Table[str, str] = field(default_factory=names.table)

    @property
    def position(self) -> Position:
        """The last event that is in here."""
        return self.head.position


class Changes(NamedTuple):
    """What one event changed in one view."""

    view: str
    rows: tuple[Put[Hashable, object] | Drop[Hashable], ...]


Projection = Callable[..., Iterator[Put[Hashable, object] | Drop[Hashable]]]


class View(NamedTuple):
    """A projection, the table it writes, and the events that concern it."""

    name: str
    version: int
    project: Projection
    events: tuple[type, ...]


def _members(*unions: UnionType) -> tuple[type, ...]:
    return tuple(kind for union in unions for kind in get_args(union))


VIEWS = (
    View(nodes.NAME, nodes.VERSION, nodes.project, _members(NodeEvents)),
    View(
        credentials.NAME,
        credentials.VERSION,
        credentials.project,
        (NodeDeprovisioned, NodeDeleted),
    ),
    View(
        applications.NAME,
        applications.VERSION,
        applications.project,
        _members(ApplicationEvents),
    ),
    View(
        microservices.NAME,
        microservices.VERSION,
        microservices.project,
        _members(ApplicationEvents, CatalogEvents),
    ),
    View(
        statuses.NAME,
        statuses.VERSION,
        statuses.project,
        (*_members(ApplicationEvents), NodeProvisioned, NodeDeprovisioned),
    ),
    View(
        desired_state.NAME,
        desired_state.VERSION,
        desired_state.project,
        _members(ApplicationEvents, CatalogEvents, NodeEvents),
    ),
    View(
        reports.NAME,
        reports.VERSION,
        reports.project,
        (ContainerReported, NodeProvisioned, NodeDeleted),
    ),
    View(registries.NAME, registries.VERSION, registries.project, _members(CatalogEvents)),
    View(users.NAME, users.VERSION, users.project, _members(UserEvents)),
    View(users.TOKENS, users.TOKENS_VERSION, users.project_tokens, _members(UserEvents)),
    View(names.NAME, names.VERSION, names.project, _members(names.EVENTS)),
    View(commands.NAME, commands.VERSION, commands.project, _members(KnownEvent)),
)
"""All views. The order does not matter: each projects from the world before the event."""

_CONCERNED: dict[type, tuple[View, ...]] = {
    kind: tuple(view for view in VIEWS if kind in view.events) for kind in _members(KnownEvent)
}


def after(world: World, recorded: Recorded) -> tuple[World, list[Changes]]:
    """The world behind one more event, and what that changed.

    Errors: ValueError when the event is not the next one: folding it would be a lie.
    """
    if recorded.position != world.position + 1:
        raise ValueError(f"event {recorded.position} does not follow {world.position}")
    event = recorded.event
    if isinstance(event, UnknownEvent):
        return replace(world, head=recorded.head), []
    changes: list[Changes] = []
    tables: dict[str, Table[Hashable, object]] = {}
    for view in _CONCERNED[type(event)]:
        rows = tuple(view.project(world, event, recorded))
        if not rows:
            continue
        table: Table[Hashable, object] = getattr(world, view.name)
        for row in rows:
            table = table.changed(row)
        tables[view.name] = table
        changes.append(Changes(view.name, rows))
    return replace(world, head=recorded.head, **tables), changes


def fold(world: World, events: Iterable[Recorded]) -> World:
    """The world behind all of `events`, which come right after it."""
    for recorded in events:
        world, _ = after(world, recorded)
    return world
