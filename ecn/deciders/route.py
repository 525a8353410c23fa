"""What is decided about routes."""

from collections.abc import Iterator, Mapping, Set
from typing import assert_never

from msgspec import Struct

from ecn.commands.application import WantedRoute
from ecn.commands.route import CreateRoute, DeleteRoute, RouteCommand, UpdateRoute
from ecn.deciders import route_terms, rules
from ecn.errors import Invalid, NameTaken, NotFound, RouteExists
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, RouteId
from events.route import (
    ANY_SOURCE,
    UPSTREAM,
    RouteCreated,
    RouteDeleted,
    RouteEnds,
    RouteTerms,
    RouteUpdated,
)
from projections.routes import RouteRow, ends_as_written, takes_all
from projections.world import World

LONGEST_NAME = 2 * rules.NAME_LENGTH + len("r--")


class Wanted(Struct, frozen=True, kw_only=True):
    """A route with its ends looked up."""

    route_id: RouteId
    name: str
    ends: RouteEnds
    terms: RouteTerms


def decide(world: World, command: RouteCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case CreateRoute():
            application = world.applications.get(command.application_id)
            if application is None:
                raise NotFound("application", command.application_id)
            members = members_of(world, command.application_id)
            ends = _ends(command.source, command.destination, members, application.name, "$")
            route_terms.check(command.terms, ends, "$")
            name = command.name or usual_name(ends, members)
            _check_name(name, "$")
            if world.routes.one("name", (command.application_id, name)) is not None:
                raise NameTaken("route", f"{application.name}/{name}")
            _check_other(world, command.application_id, ends, command)
            yield RouteCreated(
                route_id=command.route_id,
                application_id=command.application_id,
                name=name,
                ends=ends,
                terms=command.terms,
            )
        case UpdateRoute():
            yield from _update(world, command)
        case DeleteRoute():
            if command.route_id in world.routes:
                yield RouteDeleted(route_id=command.route_id)
        case _:
            assert_never(command)


def _update(world: World, command: UpdateRoute) -> Iterator[KnownEvent]:
    row = world.routes.get(command.route_id)
    if row is None:
        raise NotFound("route", command.route_id)
    application = world.applications[row.application_id].name
    members = members_of(world, row.application_id)
    ends = _ends(command.source, command.destination, members, application, "$")
    name, terms = command.name or row.name, command.terms
    _check_name(name, "$")
    if name != row.name and world.routes.one("name", (row.application_id, name)) is not None:
        raise NameTaken("route", f"{application}/{name}")
    if (ends, terms) != (row.ends, row.terms):
        route_terms.check(terms, ends, "$")
        _check_other(world, row.application_id, ends, command)
    if (name, ends, terms) != (row.name, row.ends, row.terms):
        yield RouteUpdated(route_id=command.route_id, name=name, ends=ends, terms=terms)


def members_of(world: World, application_id: ApplicationId) -> dict[str, MicroserviceId]:
    """The microservices of an application by name."""
    keys = world.microservices.find("application", application_id)
    return {world.microservices[key].name: key for key in keys}


def wanted_routes(
    routes: list[WantedRoute], members: Mapping[str, MicroserviceId], application: str
) -> list[Wanted]:
    """The routes that an application is to have, with their ends looked up and names given.

    members: its microservices as they will be, by name. Errors: Invalid, NotFound, RouteExists.
    """
    rules.few(routes, "$.routes")
    found: list[Wanted] = []
    names: set[str] = set()
    ways: dict[tuple[RouteEnds, RouteTerms], str] = {}
    for index, route in enumerate(routes):
        field = f"$.routes[{index}]"
        ends = _ends(route.source, route.destination, members, application, field)
        route_terms.check(route.terms, ends, field)
        name = route.name or usual_name(ends, members)
        _check_name(name, field)
        if name in names:
            raise Invalid(f"{name!r} is there twice", field=f"{field}.name")
        way = (ends, route.terms)
        if way in ways:
            raise RouteExists(route.source, route.destination, f"{application}/{ways[way]}")
        names.add(name)
        ways[way] = name
        found.append(Wanted(route_id=route.route_id, name=name, ends=ends, terms=route.terms))
    return found


def become(
    world: World, wanted: list[Wanted], application_id: ApplicationId, gone: Set[RouteId]
) -> Iterator[KnownEvent]:
    """What makes an application have these routes.

    gone: those that were deleted just now, with a microservice.
    """
    for route in wanted:
        key = world.routes.one("name", (application_id, route.name))
        row = None if key is None else world.routes[key]
        if key is None or row is None or key in gone:
            yield RouteCreated(
                route_id=route.route_id,
                application_id=application_id,
                name=route.name,
                ends=route.ends,
                terms=route.terms,
            )
        elif (row.ends, row.terms) != (route.ends, route.terms):
            yield RouteUpdated(route_id=key, name=route.name, ends=route.ends, terms=route.terms)


def usual_name(ends: RouteEnds, members: Mapping[str, MicroserviceId]) -> str:
    """What a route is called if nobody says: `r-<source>-<destination>`, where any source is
    `any`."""
    names = {key: name for name, key in members.items()}
    source = "any" if ends.source is None else names[ends.source]
    destination = "upstream" if ends.destination is None else names[ends.destination]
    return f"r-{source}-{destination}"


def _check_name(name: str, field: str) -> None:
    # Twice as long as other names may be: the usual one is made of two of them.
    if len(name) > LONGEST_NAME or not rules.NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} is no name: lower-case letters, digits, '-' and '.', beginning and ending "
            f"with a letter or digit, at most {LONGEST_NAME} characters",
            field=f"{field}.name",
        )


def _ends(
    source: str,
    destination: str,
    members: Mapping[str, MicroserviceId],
    application: str,
    field: str,
) -> RouteEnds:
    ids = set(members.values())

    def end(ref: str, part: str) -> MicroserviceId:
        if ref in ids:
            return MicroserviceId(ref)
        if ref not in members:
            raise NotFound("microservice", f"{application}/{ref}", field=f"{field}.{part}")
        return members[ref]

    return RouteEnds(
        source=None if source == ANY_SOURCE else end(source, "source"),
        destination=None if destination == UPSTREAM else end(destination, "destination"),
    )


def _check_other(
    world: World,
    application_id: ApplicationId,
    ends: RouteEnds,
    command: CreateRoute | UpdateRoute,
) -> None:
    """No other route may be the same but for its name."""
    near = (
        world.routes.find("application", application_id)
        if ends.source is None
        else world.routes.find("source", ends.source)
    )
    for key in near:
        row: RouteRow = world.routes[key]
        itself = isinstance(command, UpdateRoute) and key == command.route_id
        if itself or row.ends != ends:
            continue
        if row.terms == command.terms or (command.sole and takes_all(row)):
            source, destination = ends_as_written(ends, lambda end: world.microservices[end].name)
            application = world.applications[application_id].name
            raise RouteExists(source, destination, f"{application}/{row.name}")
