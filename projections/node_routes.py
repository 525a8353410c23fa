"""Which nodes are told of which routes, and which of their microservices others send to. Pure.

No view of its own: all follows from routes and from where microservices are. A node is told of
the routes that a microservice of it may send by; of those that lead to one from elsewhere it has
but to know that there is something to be fetched.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from events.application import MicroserviceCreated, MicroserviceDeleted, MicroserviceMoved
from events.ids import ApplicationId, MicroserviceId, NodeId, RouteId
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteTerms, RouteUpdated
from projections.routes import RouteRow

if TYPE_CHECKING:
    from projections.world import World

EVENTS = (
    RouteCreated
    | RouteUpdated
    | RouteDeleted
    | MicroserviceCreated
    | MicroserviceMoved
    | MicroserviceDeleted
)

Places = Mapping[MicroserviceId, NodeId]
"""Where the microservices of one application are."""


class Outlet(Struct, frozen=True):
    """A route as a node is told of it that may send by it."""

    route_id: RouteId
    name: str
    ends: RouteEnds
    terms: RouteTerms
    here: bool
    """The destination is on that node too."""


class Inbox(Struct, frozen=True):
    """A microservice of a node that routes lead to from other nodes."""

    microservice_id: MicroserviceId


Told = tuple[NodeId, Outlet | Inbox]


def outlets(world: "World", node_id: NodeId) -> list[tuple[RouteRow, Outlet]]:
    """The routes that microservices of the node may send by, as they were made."""
    found: dict[RouteId, RouteRow] = {}
    applications: set[ApplicationId] = set()
    for key in world.microservices.find("node", node_id):
        applications.add(world.microservices[key].application_id)
        found.update((each, world.routes[each]) for each in world.routes.find("source", key))
    for application_id in applications:
        for each in world.routes.find("any_source", application_id):
            found[each] = world.routes[each]
    return [
        (row, Outlet(key, row.name, row.ends, row.terms, _node(world, row) == node_id))
        for key, row in sorted(found.items(), key=lambda item: item[1].number)
    ]


def inboxes(world: "World", node_id: NodeId) -> list[MicroserviceId]:
    """The microservices of the node that routes lead to from other nodes, sorted."""
    return sorted(
        key
        for key in world.microservices.find("node", node_id)
        if any(
            node != node_id
            for route_id in world.routes.find("destination", key)
            for node in source_nodes(world, world.routes[route_id])
        )
    )


def source_nodes(world: "World", row: RouteRow) -> Iterator[NodeId]:
    """The nodes of those who may send by a route; some maybe more than once."""
    if row.ends.source is not None:
        yield world.microservices[row.ends.source].node_id
        return
    for key in world.microservices.find("application", row.application_id):
        yield world.microservices[key].node_id


def _node(world: "World", row: RouteRow) -> NodeId | None:
    end = row.ends.destination
    return None if end is None else world.microservices[end].node_id


def touched(world: "World", event: EVENTS) -> set[NodeId]:
    """The nodes that are told otherwise because of the event. Asked with the world before it."""
    before, after = _routes(world, event)
    if not before and not after:
        return set()  # so it is with most events, and they are seen by every replay
    application_id = next(iter((before or after).values())).application_id
    places = {
        key: world.microservices[key].node_id
        for key in world.microservices.find("application", application_id)
    }
    moved = dict(places)
    match event:
        case MicroserviceCreated():
            moved[event.microservice_id] = event.node_id
        case MicroserviceMoved():
            moved[event.microservice_id] = event.to_node_id
        case MicroserviceDeleted():
            moved.pop(event.microservice_id, None)
        case _:
            pass
    differing = set(_told(before, places)) ^ set(_told(after, moved))
    return {node_id for node_id, _ in differing}


class Way(Struct, frozen=True):
    """A route without what became of it over time."""

    application_id: ApplicationId
    name: str
    ends: RouteEnds
    terms: RouteTerms


Ways = dict[RouteId, Way]


def _way(world: "World", key: RouteId) -> Way:
    row = world.routes[key]
    return Way(row.application_id, row.name, row.ends, row.terms)


def _routes(world: "World", event: EVENTS) -> tuple[Ways, Ways]:
    """The routes that matter, before and after: whatever else leads where they lead as well, as
    that may be why there is an inbox."""
    match event:
        case RouteCreated():
            made = Way(event.application_id, event.name, event.ends, event.terms)
            others = _with_all_there(world, {}, [event.ends])
            return others, {**others, event.route_id: made}
        case RouteUpdated():
            row = _way(world, event.route_id)
            changed = replace(row, name=event.name, ends=event.ends, terms=event.terms)
            before = _with_all_there(world, {event.route_id: row}, [row.ends, event.ends])
            return before, {**before, event.route_id: changed}
        case RouteDeleted():
            row = _way(world, event.route_id)
            before = _with_all_there(world, {event.route_id: row}, [row.ends])
            return before, {key: each for key, each in before.items() if key != event.route_id}
        case MicroserviceCreated():
            keys = set(world.routes.find("any_source", event.application_id))
        case MicroserviceMoved() | MicroserviceDeleted():
            moving = event.microservice_id
            application_id = world.microservices[moving].application_id
            keys = set(world.routes.find("any_source", application_id))
            for end in ("source", "destination"):
                keys.update(world.routes.find(end, moving))
    rows = {key: _way(world, key) for key in keys}
    rows = _with_all_there(world, rows, [each.ends for each in rows.values()])
    return rows, rows


def _with_all_there(world: "World", routes: Ways, ends: Iterable[RouteEnds]) -> Ways:
    found = dict(routes)
    for destination in {each.destination for each in ends}:
        if destination is not None:
            for key in world.routes.find("destination", destination):
                found.setdefault(key, _way(world, key))
    return found


def _told(routes: Ways, places: Places) -> Iterator[Told]:
    everywhere = set(places.values())
    for key, row in routes.items():
        source, destination = row.ends.source, row.ends.destination
        froms = everywhere if source is None else {places[source]} if source in places else set()
        to = None if destination is None else places.get(destination)
        for node_id in froms:
            yield node_id, Outlet(key, row.name, row.ends, row.terms, to == node_id)
        if destination is not None and to is not None and froms - {to}:
            yield to, Inbox(destination)
