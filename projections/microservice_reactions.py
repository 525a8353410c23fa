"""What events about microservices and their routes raise, and where. See reactions.py. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from events.application import (
    ApplicationStarted,
    ApplicationStopped,
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
from events.ids import MicroserviceId
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteUpdated
from projections.flags import MICROSERVICES, Flag, Reaction, on
from projections.microservices import MicroserviceRow
from projections.public_ports import hosting_node
from projections.routes import takes_all

if TYPE_CHECKING:
    from projections.world import World

EVENTS = (
    ApplicationStarted
    | ApplicationStopped
    | MicroserviceCreated
    | MicroserviceUpdated
    | MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted
    | RouteCreated
    | RouteUpdated
    | RouteDeleted
)


def of(world: "World", event: EVENTS) -> Iterator[Reaction]:
    """What the event raises, and where."""
    match event:
        case MicroserviceUpdated():  # by far the most frequent
            yield from _updated(
                world, event.microservice_id, world.microservices[event.microservice_id], event.spec
            )
        case MicroserviceCreated():
            yield from on(event.node_id, *MICROSERVICES, *_registries(event.spec))
            yield from centres(world, event.spec)
        case ApplicationStarted() | ApplicationStopped():
            for key in world.microservices.find("application", event.application_id):
                member = world.microservices[key]
                yield from on(member.node_id, *MICROSERVICES, Flag.ROUTING)
                yield from centres(world, member.spec)
        case RouteCreated() | RouteUpdated() | RouteDeleted():
            before = world.routes.get(event.route_id)
            # Of others, who polls is told nothing.
            if before is not None and takes_all(before):
                yield from _ends(world, before.ends)
            if not isinstance(event, RouteDeleted) and takes_all(event):
                yield from _ends(world, event.ends)
        case _:
            yield from _of_one(world, event, world.microservices[event.microservice_id])


def _of_one(
    world: "World",
    event: MicroserviceRenamed
    | MicroserviceRebuilt
    | TracingSwitched
    | SnapshotRequested
    | MicroserviceMoved
    | MicroserviceStarted
    | MicroserviceStopped
    | MicroserviceDeleted,
    row: MicroserviceRow,
) -> Iterator[Reaction]:
    node_id = row.node_id
    match event:
        case MicroserviceRenamed():
            yield node_id, Flag.MICROSERVICE_LIST
        case MicroserviceRebuilt():
            yield from on(node_id, Flag.MICROSERVICE_LIST, event.microservice_id)
        case TracingSwitched():
            yield node_id, Flag.DIAGNOSTICS
        case SnapshotRequested():
            yield node_id, Flag.IMAGE_SNAPSHOT
        case MicroserviceMoved():
            tracing = (Flag.DIAGNOSTICS,) if row.tracing else ()
            yield from on(event.from_node_id, *MICROSERVICES, Flag.ROUTING, *tracing)
            yield from on(event.to_node_id, *MICROSERVICES, Flag.ROUTING, *tracing)
            yield from on(event.to_node_id, *_registries(row.spec))
            yield from centres(world, row.spec)
        case MicroserviceStarted() | MicroserviceStopped():
            yield from on(node_id, *MICROSERVICES)
            yield from centres(world, row.spec)
        case MicroserviceDeleted():
            tracing = (Flag.DIAGNOSTICS,) if row.tracing else ()
            yield from on(node_id, *MICROSERVICES, Flag.ROUTING, *tracing)
            yield from centres(world, row.spec)
        case _:
            assert_never(event)


def _updated(
    world: "World", key: MicroserviceId, row: MicroserviceRow, spec: MicroserviceSpec
) -> Iterator[Reaction]:
    old, node_id = row.spec, row.node_id
    parts = [part for part in spec.__struct_fields__ if getattr(old, part) != getattr(spec, part)]
    if "config" in parts:
        yield node_id, Flag.MICROSERVICE_CONFIG
    if parts != ["config"]:
        # All but its configuration is in how a container is made.
        yield from on(node_id, Flag.MICROSERVICE_LIST, key)
    if "registry_id" in parts or "catalog_item_id" in parts:
        yield node_id, Flag.REGISTRIES
    if "ports" in parts:
        yield node_id, Flag.MICROSERVICE_CONFIG
        yield from centres(world, old)
        yield from centres(world, spec)


def _ends(world: "World", ends: RouteEnds) -> Iterator[Reaction]:
    """Whoever sends and whoever receives; ioFog makes their containers anew for it."""
    for key in (ends.source, ends.destination):
        row = None if key is None else world.microservices.get(key)
        if row is not None and key is not None:
            yield from on(row.node_id, *MICROSERVICES, Flag.ROUTING, key)


def _registries(spec: MicroserviceSpec) -> tuple[Flag, ...]:
    named = spec.registry_id is not None or spec.catalog_item_id is not None
    return (Flag.REGISTRIES,) if named else ()


def centres(world: "World", spec: MicroserviceSpec) -> Iterator[Reaction]:
    """Where the public ports of a microservice open: the proxies there carry them."""
    for port in spec.ports:
        if port.public is not None:
            node_id = hosting_node(world, port.public.router)
            if node_id is not None:
                yield from on(node_id, *MICROSERVICES)
