"""Microservices as they should be: spec, place, and the revision that last changed any of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.application import (
    ApplicationRenamed,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    SnapshotRequested,
    TracingSwitched,
)
from events.envelope import Recorded
from events.ids import ApplicationId, MicroserviceId, NodeId, Position
from projections import consequences
from projections.host_templates import Reference, references
from projections.view import Drop, Put, Table
from projections.volumes import mounted_by

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "microservices", 3
OWN_EVENTS = (
    MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
)
EVENTS = OWN_EVENTS | consequences.EVENTS


class MicroserviceRow(Struct, frozen=True, kw_only=True, gc=False):
    """One microservice."""

    application_id: ApplicationId
    node_id: NodeId
    name: str
    spec: MicroserviceSpec
    started: bool
    """Wanted to run by itself; it does if its application is started too."""
    revision: Position
    """The event that last changed what its agent has to do: also by changing what its spec names,
    a registry or a catalog item, the host of a node."""
    rebuilt: Position = Position(0)
    """Its container has to be younger than this event: it was to be made anew, or got another
    name, or its application did, which containers and their networks bear."""
    mounted: Position = Position(0)
    """The event that last changed which volumes of the controller's it mounts, or its node: that
    may not have their files yet."""
    tracing: bool = False
    """Its system calls are to be traced."""
    snapshot: Position | None = None
    """The event that last asked for an image of its container."""
    number: int
    """The position of the event that made it."""
    created_by: str
    """Its actor, `user/<name>`."""
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
            "catalog_item": lambda row: (
                (row.spec.catalog_item_id,) if row.spec.catalog_item_id else ()
            ),
            "volume": lambda row: mounted_by(row.spec),
            "public_router": _public_routers,
            "public_port": _public_ports,
            "host_template": _host_templates,
            "host_reference": _host_references,
        }
    )


def _public_routers(row: MicroserviceRow) -> tuple[str, ...]:
    """Where its public ports open, as they say it."""
    publics = [port.public.router for port in row.spec.ports if port.public is not None]
    return tuple(dict.fromkeys(publics))


def _public_ports(row: MicroserviceRow) -> tuple[tuple[str, int], ...]:
    """Its public ports: where each opens, as it says it, and its number."""
    publics = [port.public for port in row.spec.ports if port.public is not None]
    return tuple(dict.fromkeys((public.router, public.port) for public in publics))


def _host_templates(row: MicroserviceRow) -> tuple[str, ...]:
    """Its extra hosts that are templates, as they stand."""
    return tuple(
        dict.fromkeys(host.address for host in row.spec.extra_hosts if references(host.address))
    )


def _host_references(row: MicroserviceRow) -> tuple[Reference, ...]:
    """What those name."""
    named = (each for host in row.spec.extra_hosts for each in references(host.address))
    return tuple(dict.fromkeys(named))


def project(
    world: "World", event: EVENTS, recorded: Recorded
) -> Iterator[Put[MicroserviceId, MicroserviceRow] | Drop[MicroserviceId]]:
    """See view.py."""
    own: MicroserviceId | None = None
    if isinstance(event, OWN_EVENTS):
        own = event.microservice_id
        yield _own(world, event, recorded)
        if not isinstance(event, consequences.EVENTS):
            return
    renamed = event.application_id if isinstance(event, ApplicationRenamed) else None
    for key in consequences.affected(world, event):
        if key == own:
            continue
        row = world.microservices[key]
        # Those that only name something of a renamed application keep their containers' names.
        anew = row.application_id == renamed
        yield Put(
            key,
            replace(
                row,
                revision=recorded.position,
                updated_at=recorded.time,
                rebuilt=recorded.position if anew else row.rebuilt,
            ),
        )


def _own(
    world: "World", event: OWN_EVENTS, recorded: Recorded
) -> Put[MicroserviceId, MicroserviceRow] | Drop[MicroserviceId]:
    """The row that the event is about."""
    key, here, time = event.microservice_id, recorded.position, recorded.time
    if isinstance(event, MicroserviceCreated):
        return Put(
            key,
            MicroserviceRow(
                application_id=event.application_id,
                node_id=event.node_id,
                name=event.name,
                spec=event.spec,
                started=True,
                revision=here,
                mounted=here,
                number=here,
                created_by=recorded.actor,
                created_at=time,
                updated_at=time,
            ),
        )
    row = world.microservices[key]
    match event:
        case MicroserviceDeleted():
            return Drop(key)
        # Nothing that the container is made from, or that its agent keeps: no new revision.
        case TracingSwitched():
            return Put(key, replace(row, tracing=event.enabled, updated_at=time))
        case SnapshotRequested():
            return Put(key, replace(row, snapshot=here, updated_at=time))
    row = replace(row, revision=here, updated_at=time)
    match event:
        case MicroserviceUpdated():
            same = mounted_by(event.spec) == mounted_by(row.spec)
            return Put(key, replace(row, spec=event.spec, mounted=row.mounted if same else here))
        case MicroserviceRenamed():
            return Put(key, replace(row, name=event.name, rebuilt=here))
        case MicroserviceRebuilt():
            return Put(key, replace(row, rebuilt=here))
        case MicroserviceMoved():
            return Put(key, replace(row, node_id=event.to_node_id, mounted=here))
        case MicroserviceStarted() | MicroserviceStopped():
            return Put(key, replace(row, started=isinstance(event, MicroserviceStarted)))
        case _:
            assert_never(event)
