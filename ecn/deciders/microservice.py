"""What is decided about single microservices."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.application import (
    CreateMicroservice,
    DeleteMicroservice,
    MoveMicroservice,
    RebuildMicroservice,
    RenameMicroservice,
    RequestSnapshot,
    StartMicroservice,
    StopMicroservice,
    SwitchTracing,
    UpdateMicroservice,
)
from ecn.deciders import dependencies, find, gone, rules
from ecn.deciders.placement import Resolved, resolve, settle
from ecn.errors import Invalid, NameTaken, NotFound, RevisionMoved
from events.application import (
    MicroserviceCreated,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    SnapshotRequested,
    TracingSwitched,
)
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId
from projections.microservices import MicroserviceRow
from projections.world import World

MicroserviceCommand = (
    CreateMicroservice
    | UpdateMicroservice
    | RenameMicroservice
    | RebuildMicroservice
    | SwitchTracing
    | RequestSnapshot
    | StartMicroservice
    | StopMicroservice
    | MoveMicroservice
    | DeleteMicroservice
)


def decide(world: World, command: MicroserviceCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case CreateMicroservice():
            application = world.applications.get(command.application_id)
            if application is None:
                raise NotFound("application", command.application_id)
            placement = command.placement
            resolved = resolve(world, placement, placement.microservice_id)
            if world.microservices.one("name", (command.application_id, placement.name)):
                raise NameTaken("microservice", f"{application.name}/{placement.name}")
            for settled in settle(world, [resolved], application=application.name):
                yield from become(world, settled, command.application_id)
        case UpdateMicroservice():
            row = _row(world, command.microservice_id)
            name = find.microservice_name(world, command.microservice_id)
            if row.revision != command.seen:
                raise RevisionMoved("microservice", name)
            if command.placement.name != row.name:
                raise Invalid("a microservice keeps its name", field="$.name")
            resolved = resolve(world, command.placement, command.microservice_id)
            application = world.applications[row.application_id]
            for settled in settle(world, [resolved], application=application.name):
                yield from become(world, settled, row.application_id)
        case RenameMicroservice():
            yield from _rename(world, command)
        case RebuildMicroservice():
            _row(world, command.microservice_id)
            yield MicroserviceRebuilt(microservice_id=command.microservice_id)
        case SwitchTracing():
            if _row(world, command.microservice_id).tracing is not command.enabled:
                yield TracingSwitched(
                    microservice_id=command.microservice_id, enabled=command.enabled
                )
        case RequestSnapshot():
            _row(world, command.microservice_id)
            yield SnapshotRequested(microservice_id=command.microservice_id)
        case StartMicroservice():
            if not _row(world, command.microservice_id).started:
                yield MicroserviceStarted(microservice_id=command.microservice_id)
        case StopMicroservice():
            if _row(world, command.microservice_id).started:
                yield MicroserviceStopped(microservice_id=command.microservice_id)
        case MoveMicroservice():
            yield from _move(world, command)
        case DeleteMicroservice():
            if command.microservice_id in world.microservices:
                dependencies.not_depended_on(world, command.microservice_id)
                yield from gone.microservices(world, [command.microservice_id])
        case _:
            assert_never(command)


def become(world: World, resolved: Resolved, application_id: ApplicationId) -> Iterator[KnownEvent]:
    """What makes a microservice be as resolved, from nothing or from what it is."""
    key = resolved.microservice_id
    row = world.microservices.get(key)
    if row is None:
        yield MicroserviceCreated(
            microservice_id=key,
            application_id=application_id,
            node_id=resolved.node_id,
            name=resolved.name,
            spec=resolved.spec,
        )
        if not resolved.started:
            yield MicroserviceStopped(microservice_id=key)
        return
    if row.spec != resolved.spec:
        yield MicroserviceUpdated(microservice_id=key, spec=resolved.spec)
    if row.node_id != resolved.node_id:
        yield MicroserviceMoved(
            microservice_id=key, from_node_id=row.node_id, to_node_id=resolved.node_id
        )
    if row.started != resolved.started:
        kind = MicroserviceStarted if resolved.started else MicroserviceStopped
        yield kind(microservice_id=key)


def _rename(world: World, command: RenameMicroservice) -> Iterator[KnownEvent]:
    row = _row(world, command.microservice_id)
    rules.name(command.name)
    if command.name == row.name:
        return
    if world.microservices.one("name", (row.application_id, command.name)) is not None:
        application = world.applications[row.application_id].name
        raise NameTaken("microservice", f"{application}/{command.name}")
    yield MicroserviceRenamed(microservice_id=command.microservice_id, name=command.name)
    yield from dependencies.renamed(world, command.microservice_id, command.name)


def _move(world: World, command: MoveMicroservice) -> Iterator[KnownEvent]:
    row = _row(world, command.microservice_id)
    target = find.node(world, command.node, field="$.node")
    if target == row.node_id:
        return
    there = Resolved(
        microservice_id=command.microservice_id,
        name=row.name,
        node_id=target,
        started=row.started,
        spec=row.spec,
        field="$",
    )
    settle(world, [there], application=world.applications[row.application_id].name)
    yield MicroserviceMoved(
        microservice_id=command.microservice_id, from_node_id=row.node_id, to_node_id=target
    )


def _row(world: World, microservice_id: MicroserviceId) -> MicroserviceRow:
    row = world.microservices.get(microservice_id)
    if row is None:
        raise NotFound("microservice", microservice_id)
    return row
