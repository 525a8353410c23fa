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
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
    UpdateMicroservice,
)
from ecn.deciders import microservice, rules
from ecn.deciders.placement import Resolved, check_ports, resolve
from ecn.errors import Invalid, NotFound
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    MicroserviceDeleted,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId
from projections.applications import ApplicationRow
from projections.world import World


def decide(world: World, command: ApplicationCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case ApplyApplication():
            yield from _apply(world, command)
        case StartApplication():
            if not _row(world, command.application_id).started:
                yield ApplicationStarted(application_id=command.application_id)
        case StopApplication():
            if _row(world, command.application_id).started:
                yield ApplicationStopped(application_id=command.application_id)
        case DeleteApplication():
            if command.application_id not in world.applications:
                return  # a retried delete has already succeeded
            for key in sorted(world.microservices.find("application", command.application_id)):
                yield MicroserviceDeleted(microservice_id=key)
            yield ApplicationDeleted(application_id=command.application_id)
        case (
            CreateMicroservice()
            | UpdateMicroservice()
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
    if len(command.microservices) > rules.MOST_ENTRIES:
        raise Invalid(f"more than {rules.MOST_ENTRIES} of them", field="$.microservices")
    application_id = world.applications.one("name", command.name)
    present = {
        world.microservices[key].name: key
        for key in (
            world.microservices.find("application", application_id) if application_id else ()
        )
    }
    wanted: dict[str, Resolved] = {}
    for index, placement in enumerate(command.microservices):
        field = f"$.microservices[{index}]"
        if placement.name in wanted:
            raise Invalid(f"{placement.name!r} is there twice", field=f"{field}.name")
        key = present.get(placement.name, placement.microservice_id)
        wanted[placement.name] = resolve(world, placement, key, field=field)
    gone = [key for name, key in sorted(present.items()) if name not in wanted]
    check_ports(world, list(wanted.values()), application=command.name, gone=gone)

    if application_id is None:
        application_id = command.application_id
        yield ApplicationCreated(
            application_id=application_id,
            name=command.name,
            description=command.description,
            labels=command.labels,
        )
    else:
        row = world.applications[application_id]
        if (row.description, row.labels) != (command.description, command.labels):
            yield ApplicationUpdated(
                application_id=application_id,
                description=command.description,
                labels=command.labels,
            )
    for key in gone:
        yield MicroserviceDeleted(microservice_id=key)
    for resolved in wanted.values():
        yield from microservice.become(world, resolved, application_id)


def _row(world: World, application_id: ApplicationId) -> ApplicationRow:
    row = world.applications.get(application_id)
    if row is None:
        raise NotFound("application", application_id)
    return row
