"""Applications and routes as ioFog's clients write them: from bodies to commands. Pure.

The way back is application_documents.py; of templates, template_deployment.py.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ecn.commands import application as commands
from ecn.commands import route as route_commands
from ecn.commands.together import Part, SingleCommand, Subject, Together
from ecn.deciders.standing import standing
from ecn.errors import NotFound
from ecn.iofog import application_bodies as bodies
from ecn.iofog import microservices, numbers
from ecn.iofog.microservice_bodies import CreateMicroservice
from ecn.iofog.refusals import invalid, not_found
from events.ids import ApplicationId, MicroserviceId, RouteId
from projections.applications import ApplicationRow
from projections.routes import end_names, takes_all
from projections.world import World

T = TypeVar("T")

NewId = Callable[[], str]
"""Draws the id of a thing that may have to be made."""


def named(world: World, name: str) -> ApplicationId:
    """The application of that name, and no other way. Errors: NotFound."""
    found = world.applications.one("name", name)
    if found is None:
        raise NotFound("application", name)
    return found


def numbered(world: World, text: str, *, field: str = "") -> ApplicationId:
    """The application that clients know by that number.

    field: where the number stands in the body, if it does. Errors: NotFound.
    """
    number = numbers.read(text)
    own = None if number is None else numbers.of_a_row(number)
    found = None if own is None else world.applications.one("number", own)
    if found is None:
        raise NotFound("application", text, field=field)
    return found


def meant(world: World, ref: object, *, field: str = "") -> ApplicationId:
    """The application that a body or a query means: by name, or by number.

    field: where it stands in the body, if it does. Errors: NotFound.
    """
    text = str(ref) if isinstance(ref, str | int) else ""
    return world.applications.one("name", text) or numbered(world, text, field=field)


def created(
    world: World, said: bodies.CreateApplication, new_id: NewId
) -> commands.ApplyApplication:
    """An application that is not there yet. Errors: Refusal, NotFound."""
    placements = [
        microservices.wanted(world, MicroserviceId(new_id()), each, None)
        for each in _or(said.microservices, [])
    ]
    return commands.ApplyApplication(
        application_id=ApplicationId(new_id()),
        name=said.name,
        description=_or(said.description, "") or "",
        microservices=placements,
        routes=_routes(_or(said.routes, []), new_id),
        started=_or(said.is_activated, False),
        system=_or(said.is_system, False),
        new=True,
    )


def updated(
    world: World, key: ApplicationId, said: bodies.UpdateApplication, new_id: NewId
) -> Together:
    """An application that was another. Errors: Refusal, NotFound."""
    row = _row(world, key)
    placements: list[commands.Placement] | None = None
    rebuilds: list[SingleCommand] = []
    if said.microservices is not UNSET:
        placements = [_member(world, key, each, new_id) for each in said.microservices]
        rebuilds = [
            commands.RebuildMicroservice(microservice_id=placement.microservice_id)
            for each, placement in zip(said.microservices, placements, strict=True)
            if each.rebuild is True and placement.microservice_id in world.microservices
        ]
    parts = commands.ApplyApplication(
        application_id=key,
        name=row.name,
        description=row.description,
        labels=row.labels,
        microservices=placements,
        routes=None
        if said.routes is UNSET
        else [
            *_keeping_terms(world, key, _routes(said.routes, new_id)),
            *_unseen(world, key, placements),
        ],
        system=row.system,
    )
    return _together(world, row, [parts, *rebuilds, *_itself(key, row, said)])


def patched(world: World, key: ApplicationId, said: bodies.PatchApplication) -> Together:
    """An application whose parts stay as they are. Errors: NotFound."""
    row = _row(world, key)
    return _together(world, row, _itself(key, row, said))


def created_route(
    world: World, said: bodies.CreateRoute, new_id: NewId
) -> route_commands.CreateRoute:
    """A route that is not there yet. Errors: Refusal, NotFound."""
    application_id, source, destination = _ends(world, said, said.application)
    return route_commands.CreateRoute(
        route_id=RouteId(new_id()),
        application_id=application_id,
        name=said.name,
        source=source,
        destination=destination,
        sole=True,
    )


def updated_route(
    world: World, route_id: RouteId, said: bodies.UpdateRoute
) -> route_commands.UpdateRoute:
    """A route that was another. It stays in its application. Errors: Refusal, NotFound."""
    row = world.routes.get(route_id)
    if row is None:
        raise NotFound("route", route_id)
    if said.from_ is not UNSET and said.application is UNSET:
        raise invalid("Required field 'application' is missing")
    of = world.applications[row.application_id].name
    _, source, destination = _ends(world, said, of)
    return route_commands.UpdateRoute(
        route_id=route_id,
        name=_or(said.name, ""),
        source=source,
        destination=destination,
        terms=row.terms,
        sole=True,
    )


def _ends(
    world: World, said: bodies.RouteEnds, application: str | UnsetType
) -> tuple[ApplicationId, MicroserviceId, MicroserviceId]:
    """The application of a route, and its ends. Errors: Refusal, NotFound."""
    if said.source_microservice_uuid is not UNSET and said.dest_microservice_uuid is not UNSET:
        source = MicroserviceId(said.source_microservice_uuid)
        destination = MicroserviceId(said.dest_microservice_uuid)
        for end, which in ((source, "source"), (destination, "destination")):
            if end not in world.microservices:
                raise not_found(f"Invalid {which} microservice name '{end}'")
        application_id = world.microservices[source].application_id
        if world.microservices[destination].application_id != application_id:
            raise invalid("microservices on different applications")
        return application_id, source, destination
    for part, value in (("from", said.from_), ("to", said.to), ("application", application)):
        if value is UNSET:
            raise invalid(f"Required field '{part}' is missing")
    application_id = named(world, str(application))
    ends = []
    for name, which in ((str(said.from_), "source"), (str(said.to), "destination")):
        key = world.microservices.one("name", (application_id, name))
        if key is None:
            raise not_found(f"Invalid {which} microservice name '{name}'")
        ends.append(key)
    return application_id, ends[0], ends[1]


def _routes(said: list[bodies.Member], new_id: NewId) -> list[commands.WantedRoute]:
    wanted = []
    for each in said:
        by_name = each.from_ is not UNSET and each.to is not UNSET
        source = each.from_ if by_name else each.source_microservice_uuid
        destination = each.to if by_name else each.dest_microservice_uuid
        if source is UNSET or destination is UNSET:
            raise invalid(f"Required field '{'from' if source is UNSET else 'to'}' is missing")
        wanted.append(
            commands.WantedRoute(
                route_id=RouteId(new_id()),
                name=each.name or "",
                source=source,
                destination=destination,
            )
        )
    return wanted


def _keeping_terms(
    world: World, key: ApplicationId, wanted: list[commands.WantedRoute]
) -> Iterator[commands.WantedRoute]:
    """What ioFog's words can't say of a route stays as it is."""
    for each in wanted:
        present = world.routes.one("name", (key, each.name)) if each.name else None
        row = None if present is None else world.routes[present]
        yield replace(each, terms=row.terms) if row is not None and takes_all(row) else each


def _unseen(
    world: World, key: ApplicationId, placements: list[commands.Placement] | None
) -> Iterator[commands.WantedRoute]:
    """The routes of an application that its client was not shown, and so does not leave out:
    those whose ends stay.

    placements: what it will have; None: what it has.
    """
    staying = None if placements is None else {each.name for each in placements}
    for route_id in sorted(world.routes.find("application", key)):
        row = world.routes[route_id]
        ends = [
            world.microservices[end].name
            for end in (row.ends.source, row.ends.destination)
            if end is not None
        ]
        if takes_all(row) or (staying is not None and not staying.issuperset(ends)):
            continue
        source, destination = end_names(world, row.ends)
        yield commands.WantedRoute(
            route_id=route_id,
            name=row.name,
            source=source,
            destination=destination,
            terms=row.terms,
        )


def _member(
    world: World, application_id: ApplicationId, said: CreateMicroservice, new_id: NewId
) -> commands.Placement:
    """A microservice where its application is said: over what it was, if it was there."""
    key = world.microservices.one("name", (application_id, said.name))
    if key is None:
        return microservices.wanted(world, MicroserviceId(new_id()), said, None)
    return microservices.wanted(world, key, said, world.microservices[key])


def _itself(
    key: ApplicationId, row: ApplicationRow, said: bodies.PatchApplication
) -> list[SingleCommand]:
    """What is said of the application apart from its parts."""
    wanted: list[SingleCommand] = [
        commands.UpdateApplication(
            application_id=key,
            name=_or(said.name, row.name),
            description=_or(said.description, row.description) or "",
            system=_or(said.is_system, row.system),
        )
    ]
    if said.is_activated is not UNSET:
        switch = commands.StartApplication if said.is_activated else commands.StopApplication
        wanted.append(switch(application_id=key))
    return wanted


def _together(world: World, row: ApplicationRow, wanted: list[SingleCommand]) -> Together:
    """All of it or nothing, on the application as it was seen."""
    subject = Subject("application", row.name)
    return Together(
        parts=(Part(f"application/{row.name}", tuple(wanted)),),
        seen={subject: standing(world, subject)},
    )


def _row(world: World, key: ApplicationId) -> ApplicationRow:
    row = world.applications.get(key)
    if row is None:
        raise NotFound("application", key)
    return row


def _or(said: T | UnsetType, before: T) -> T:
    return before if isinstance(said, UnsetType) else said
