"""Microservices as they should be: spec, place, and the revision that last changed any of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.application import (
    ApplicationStarted,
    ApplicationStopped,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.catalog import RegistryUpdated
from events.envelope import Recorded
from events.ids import ApplicationId, MicroserviceId, NodeId, Position
from projections.view import Drop, Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "microservices", 1
EVENTS = (
    MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | ApplicationStarted
    | ApplicationStopped
    | RegistryUpdated
)


class MicroserviceRow(Struct, frozen=True, kw_only=True, gc=False):
    """One microservice."""

    application_id: ApplicationId
    node_id: NodeId
    name: str
    spec: MicroserviceSpec
    started: bool
    """Wanted to run by itself; it does if its application is started too."""
    revision: Position
    """The event that last changed what its agent has to do, its registry's changes included."""
    created_at: datetime
    updated_at: datetime


def table() -> Table[MicroserviceId, MicroserviceRow]:
    """An empty table of microservices."""
    return Table(
        {
            "application": lambda row: (row.application_id,),
            "name": lambda row: ((row.application_id, row.name),),
            "node": lambda row: (row.node_id,),
            "registry": lambda row: (row.spec.registry_id,) if row.spec.registry_id else (),
            "public_router": _public_routers,
        }
    )


def _public_routers(row: MicroserviceRow) -> tuple[str, ...]:
    """Where its public ports open, as they say it."""
    publics = [port.public.router for port in row.spec.ports if port.public is not None]
    return tuple(dict.fromkeys(publics))


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[MicroserviceId, MicroserviceRow] | Drop[MicroserviceId]]:
    """See view.py."""
    revision, time = recorded.position, recorded.time

    def changed(key: MicroserviceId, row: MicroserviceRow) -> Put[MicroserviceId, MicroserviceRow]:
        return Put(key, replace(row, revision=revision, updated_at=time))

    match event:
        case MicroserviceCreated():
            yield Put(
                event.microservice_id,
                MicroserviceRow(
                    application_id=event.application_id,
                    node_id=event.node_id,
                    name=event.name,
                    spec=event.spec,
                    started=True,
                    revision=revision,
                    created_at=time,
                    updated_at=time,
                ),
            )
        case MicroserviceUpdated():
            row = world.microservices[event.microservice_id]
            yield changed(event.microservice_id, replace(row, spec=event.spec))
        case MicroserviceMoved():
            row = world.microservices[event.microservice_id]
            yield changed(event.microservice_id, replace(row, node_id=event.to_node_id))
        case MicroserviceStarted() | MicroserviceStopped():
            row = world.microservices[event.microservice_id]
            started = isinstance(event, MicroserviceStarted)
            yield changed(event.microservice_id, replace(row, started=started))
        case MicroserviceDeleted():
            yield Drop(event.microservice_id)
        case ApplicationStarted() | ApplicationStopped():
            for key in world.microservices.find("application", event.application_id):
                row = world.microservices[key]
                if row.started:
                    yield changed(key, row)
        case RegistryUpdated():
            for key in world.microservices.find("registry", event.registry_id):
                yield changed(key, world.microservices[key])
        case _:
            assert_never(event)
