"""What is decided about applications as wholes."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.application import (
    ApplicationCommand,
    ApplyApplication,
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    MoveMicroservice,
    Placement,
    RebuildMicroservice,
    RenameMicroservice,
    RequestSnapshot,
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
    SwitchTracing,
    UpdateApplication,
    UpdateMicroservice,
)
from ecn.deciders import gone, microservice, route, rules
from ecn.deciders.placement import Resolved, resolve, settle
from ecn.errors import Invalid, NameTaken, NotFound
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, RouteId
from events.route import RouteDeleted
from projections.applications import ApplicationRow
from projections.world import World


def decide(world: World, command: ApplicationCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case ApplyApplication():
            yield from _apply(world, command)
        case UpdateApplication():
            yield from _update(world, command)
        case StartApplication():
            if not _row(world, command.application_id).started:
                yield ApplicationStarted(application_id=command.application_id)
        case StopApplication():
            if _row(world, command.application_id).started:
                yield ApplicationStopped(application_id=command.application_id)
        case DeleteApplication():
            if command.application_id not in world.applications:
                return  # a retried delete has already succeeded
            yield from gone.members(world, command.application_id)
            yield ApplicationDeleted(application_id=command.application_id)
        case (
            CreateMicroservice()
            | UpdateMicroservice()
            | RenameMicroservice()
            | RebuildMicroservice()
            | SwitchTracing()
            | RequestSnapshot()
            | StartMicroservice()
            | StopMicroservice()
            | MoveMicroservice()
            | DeleteMicroservice()
        ):
            yield from microservice.decide(world, command)
        case _:
            assert_never(command)


def _apply(world: World, command: ApplyApplication) -> Iterator[KnownEvent]:
    rules.name(command.name)
    rules.text(command.description, field="$.description")
    rules.labels(command.labels, field="$.labels")
    application_id = world.applications.one("name", command.name)
    if application_id is not None and command.new:
        raise NameTaken("application", command.name)
    present = {} if application_id is None else route.members_of(world, application_id)
    wanted = _wanted(world, command.microservices, present)
    leaving = [key for name, key in present.items() if wanted is not None and name not in wanted]
    settled = settle(world, list((wanted or {}).values()), application=command.name, gone=leaving)
    staying = {name: key for name, key in present.items() if key not in leaving}
    members = staying | {each.name: each.microservice_id for each in settled}
    routes = (
        None
        if command.routes is None
        else route.wanted_routes(command.routes, members, command.name)
    )

    if application_id is None:
        application_id = command.application_id
        yield ApplicationCreated(
            application_id=application_id,
            name=command.name,
            description=command.description,
            labels=command.labels,
            started=command.started,
            system=command.system,
        )
    else:
        row = world.applications[application_id]
        said = (command.description, command.labels, command.system)
        if (row.description, row.labels, row.system) != said:
            yield ApplicationUpdated(
                application_id=application_id,
                description=command.description,
                labels=command.labels,
                system=command.system,
            )
    # What goes, goes first: its names and ports are free for what comes.
    departing = list(gone.microservices(world, leaving))
    yield from departing
    already = {each.route_id for each in departing if isinstance(each, RouteDeleted)}
    if routes is not None:
        names = {each.name for each in routes}
        yield from _routes_left(world, application_id, names, already)
    for resolved in settled:
        yield from microservice.become(world, resolved, application_id)
    if routes is not None:
        yield from route.become(world, routes, application_id, already)


def _wanted(
    world: World, placements: list[Placement] | None, present: dict[str, MicroserviceId]
) -> dict[str, Resolved] | None:
    """The microservices by name; None leaves those that are there."""
    if placements is None:
        return None
    if len(placements) > rules.MOST_ENTRIES:
        raise Invalid(f"more than {rules.MOST_ENTRIES} of them", field="$.microservices")
    wanted: dict[str, Resolved] = {}
    for index, placement in enumerate(placements):
        field = f"$.microservices[{index}]"
        if placement.name in wanted:
            raise Invalid(f"{placement.name!r} is there twice", field=f"{field}.name")
        key = present.get(placement.name, placement.microservice_id)
        wanted[placement.name] = resolve(world, placement, key, field=field)
    return wanted


def _routes_left(
    world: World, application_id: ApplicationId, names: set[str], already: set[RouteId]
) -> Iterator[KnownEvent]:
    """Routes that are not wanted any more, but for those that went with their microservices."""
    for key in sorted(world.routes.find("application", application_id)):
        if world.routes[key].name not in names and key not in already:
            yield RouteDeleted(route_id=key)


def _update(world: World, command: UpdateApplication) -> Iterator[KnownEvent]:
    row = _row(world, command.application_id)
    rules.name(command.name)
    rules.text(command.description, field="$.description")
    if command.name != row.name:
        if world.applications.one("name", command.name) is not None:
            raise NameTaken("application", command.name)
        yield ApplicationRenamed(application_id=command.application_id, name=command.name)
    if (row.description, row.system) != (command.description, command.system):
        yield ApplicationUpdated(
            application_id=command.application_id,
            description=command.description,
            labels=row.labels,
            system=command.system,
        )


def _row(world: World, application_id: ApplicationId) -> ApplicationRow:
    row = world.applications.get(application_id)
    if row is None:
        raise NotFound("application", application_id)
    return row
