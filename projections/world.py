"""The world: everything folded from the log, as immutable tables at one position.

Whoever holds a reference has a consistent snapshot: no lock, no torn read. A `Folding` makes the
next world and shares with the old one what did not change.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import UnionType
from typing import NamedTuple, get_args

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from events.application import ContainerStatus
from events.catalog import CatalogItemEvents, RegistryEvents
from events.edge_resource import EdgeResourceEvents
from events.envelope import GENESIS, Bare, Head, KnownEvent, Recorded
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    Position,
    RegistryId,
    RouteId,
    TemplateId,
    TokenId,
    UserId,
    VolumeId,
)
from events.network import NetworkEvents
from events.node import NodeDeleted, NodeDeprovisioned, NodeEvents
from events.route import RouteEvents
from events.session import SessionEvents
from events.template import TemplateEvents
from events.volume import VolumeEvents
from projections import (
    applications,
    catalog,
    changes,
    commands,
    credentials,
    desired_state,
    edge_resources,
    microservices,
    names,
    network,
    nodes,
    registries,
    reports,
    routes,
    sessions,
    statuses,
    templates,
    twins,
    users,
    volumes,
)

# By name: inside the class, `nodes` is the table of that name, no more the module.
from projections.applications import ApplicationRow
from projections.catalog import CatalogItemRow
from projections.changes import ChangesRow
from projections.commands import KEYED, CommandRow
from projections.credentials import WithdrawnRow
from projections.edge_resources import EdgeResourceRow
from projections.microservices import MicroserviceRow
from projections.network import NetworkRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.routes import RouteRow
from projections.sessions import SessionRow
from projections.templates import TemplateRow
from projections.twins import TwinRow
from projections.users import TokenRow, UserRow, token_table
from projections.view import Draft, Drop, Put, Table
from projections.volumes import VolumeRow


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
    twins: Table[MicroserviceId, TwinRow] = field(default_factory=twins.table)
    """Of those that have one: ask `twin_of` of projections/twins.py."""
    revisions: Table[NodeId, Position] = field(default_factory=desired_state.table)
    changes: Table[NodeId, ChangesRow] = field(default_factory=changes.table)
    reports: Table[NodeId, int] = field(default_factory=reports.table)
    registries: Table[RegistryId, RegistryRow] = field(default_factory=registries.table)
    catalog: Table[CatalogItemId, CatalogItemRow] = field(default_factory=catalog.table)
    """Without the seeds that nobody changed: ask `catalog_item` of projections/catalog.py."""
    templates: Table[TemplateId, TemplateRow] = field(default_factory=templates.table)
    routes: Table[RouteId, RouteRow] = field(default_factory=routes.table)
    edge_resources: Table[EdgeResourceId, EdgeResourceRow] = field(
        default_factory=edge_resources.table
    )
    volumes: Table[VolumeId, VolumeRow] = field(default_factory=volumes.table)
    network: Table[str, NetworkRow] = field(default_factory=network.table)
    users: Table[UserId, UserRow] = field(default_factory=users.table)
    tokens: Table[TokenId, TokenRow] = field(default_factory=token_table)
    sessions: Table[str, SessionRow] = field(default_factory=sessions.table)
    commands: Table[str, CommandRow] = field(default_factory=commands.table)
    names: Table[str, str] = field(default_factory=names.table)

    @property
    def position(self) -> Position:
        """The last event that is in here."""
        return self.head.position


Changes = Mapping[str, Mapping[Hashable, object | None]]
"""By view: its rows that changed. None: there is no such row any more."""

Projection = Callable[..., Iterator[Put[Hashable, object] | Drop[Hashable]]]


class View(NamedTuple):
    """A projection, the table it writes, and the events that concern it."""

    name: str
    version: int
    project: Projection
    row: type
    """What its table holds, as msgspec reads and writes it. Keys are text."""
    events: tuple[type, ...]


def _members(*unions: UnionType) -> tuple[type, ...]:
    return tuple(kind for union in unions for kind in get_args(union))


VIEWS = (
    View(nodes.NAME, nodes.VERSION, nodes.project, NodeRow, _members(NodeEvents)),
    View(
        credentials.NAME,
        credentials.VERSION,
        credentials.project,
        WithdrawnRow,
        (NodeDeprovisioned, NodeDeleted),
    ),
    View(
        applications.NAME,
        applications.VERSION,
        applications.project,
        ApplicationRow,
        _members(applications.EVENTS),
    ),
    View(
        microservices.NAME,
        microservices.VERSION,
        microservices.project,
        MicroserviceRow,
        _members(microservices.EVENTS),
    ),
    View(
        statuses.NAME,
        statuses.VERSION,
        statuses.project,
        ContainerStatus,
        _members(statuses.EVENTS),
    ),
    View(twins.NAME, twins.VERSION, twins.project, TwinRow, _members(twins.EVENTS)),
    View(
        desired_state.NAME,
        desired_state.VERSION,
        desired_state.project,
        Position,
        _members(desired_state.EVENTS),
    ),
    View(changes.NAME, changes.VERSION, changes.project, ChangesRow, _members(changes.EVENTS)),
    View(reports.NAME, reports.VERSION, reports.project, int, _members(reports.EVENTS)),
    View(
        registries.NAME,
        registries.VERSION,
        registries.project,
        RegistryRow,
        _members(RegistryEvents),
    ),
    View(
        catalog.NAME, catalog.VERSION, catalog.project, CatalogItemRow, _members(CatalogItemEvents)
    ),
    View(
        templates.NAME, templates.VERSION, templates.project, TemplateRow, _members(TemplateEvents)
    ),
    View(routes.NAME, routes.VERSION, routes.project, RouteRow, _members(RouteEvents)),
    View(
        edge_resources.NAME,
        edge_resources.VERSION,
        edge_resources.project,
        EdgeResourceRow,
        _members(EdgeResourceEvents),
    ),
    View(volumes.NAME, volumes.VERSION, volumes.project, VolumeRow, _members(VolumeEvents)),
    View(network.NAME, network.VERSION, network.project, NetworkRow, _members(NetworkEvents)),
    View(users.NAME, users.VERSION, users.project, UserRow, _members(users.EVENTS)),
    View(
        users.TOKENS,
        users.TOKENS_VERSION,
        users.project_tokens,
        TokenRow,
        _members(users.TOKEN_EVENTS),
    ),
    View(sessions.NAME, sessions.VERSION, sessions.project, SessionRow, _members(SessionEvents)),
    View(names.NAME, names.VERSION, names.project, str, _members(names.EVENTS)),
    View(commands.NAME, commands.VERSION, commands.project, CommandRow, _members(KnownEvent)),
)
"""All views. The order does not matter: each projects from the world before the event."""

_Concern = dict[type, tuple[tuple[str, Projection], ...]]
_Concerned = tuple[tuple[Projection, Callable[[Put[Hashable, object] | Drop[Hashable]], None]], ...]


def _concerned(views: Iterable[View]) -> _Concern:
    chosen = tuple(views)
    return {
        kind: tuple((view.name, view.project) for view in chosen if kind in view.events)
        for kind in _members(KnownEvent)
    }


_KEYED_CONCERN = _concerned(VIEWS)
_CONCERN = _concerned(view for view in VIEWS if view.name != commands.NAME)
"""Of most events nobody will ask by their command: the view of commands is not even asked."""


class Folding:
    """A world on its way through many events: one draft per table that they touch, read at any
    time.

    base: the world it begins with, which stays as it is.
    """

    def __init__(self, base: World) -> None:
        self.base = base
        self._drafts: dict[str, Draft[Hashable, object]] = {}
        self.draft = replace(base)
        """The world as far as it is folded. It goes on changing: for whoever decides in between,
        not to be kept."""
        self._concern: tuple[dict[type, _Concerned], dict[type, _Concerned]] = ({}, {})
        """By kind of event, without and with a keyed command; filled as the kinds come."""

    def fold(self, events: Iterable[Recorded | Bare]) -> None:
        """Go on behind these events, which come right after the draft.

        Errors: ValueError when an event is not the next one: folding it would be a lie.
        """
        draft, concern = self.draft, self._concern
        position = draft.head.position
        try:
            for recorded in events:
                if recorded.position != position + 1:
                    raise ValueError(f"event {recorded.position} does not follow {position}")
                event = recorded.event
                kind = type(event)
                keyed = recorded.command_id.startswith(KEYED)
                concerned = concern[keyed].get(kind)
                if concerned is None:
                    concerned = self._concerned(kind, keyed=keyed)
                # All project from the world before the event, so that none obeys too early.
                changes = [
                    (obey, change)
                    for project, obey in concerned
                    for change in project(draft, event, recorded)
                ]
                for obey, change in changes:
                    obey(change)
                position = recorded.position
                last = recorded
        finally:
            if position != draft.head.position:
                # Frozen for all others: a draft is no world yet. Once for many events, as no
                # projection looks at it.
                force_setattr(draft, "head", last.head)

    def _concerned(self, kind: type, *, keyed: bool) -> _Concerned:
        """The projections that are asked of events of that kind, and the drafts that obey."""
        concern = (_KEYED_CONCERN if keyed else _CONCERN).get(kind, ())
        concerned = tuple((project, self._draft_of(name).obey) for name, project in concern)
        self._concern[keyed][kind] = concerned
        return concerned

    def _draft_of(self, name: str) -> Draft[Hashable, object]:
        draft = self._drafts.get(name)
        if draft is None:
            draft = self._drafts[name] = Draft(getattr(self.base, name))
            force_setattr(self.draft, name, draft)
        return draft

    def changes(self) -> Changes:
        """All that changed since the base."""
        return {name: draft.changes() for name, draft in self._drafts.items() if draft.changes()}

    def world(self) -> World:
        """The world after all these events; what did not change is shared with the base."""
        tables = {name: draft.table() for name, draft in self._drafts.items() if draft.changes()}
        return replace(self.base, head=self.draft.head, **tables)


def fold(world: World, events: Iterable[Recorded | Bare]) -> World:
    """The world behind all of `events`, which come right after it. Errors: as Folding.fold."""
    folding = Folding(world)
    folding.fold(events)
    return folding.world()
