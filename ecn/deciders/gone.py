"""What goes with what is deleted, each by an event of its own, before it."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from ecn.deciders import dependencies, router
from events.application import (
    MicroserviceDeleted,
    MicroserviceSpec,
    MicroserviceUpdated,
    PortMapping,
)
from events.edge_resource import EdgeResourceUnlinked
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId, RouteId
from events.node import DEFAULT_ROUTER, NodeDeleted
from events.route import RouteDeleted
from events.volume import VolumeUpdated
from projections.routers import default_router
from projections.world import World


def microservices(world: World, keys: Iterable[MicroserviceId]) -> Iterator[KnownEvent]:
    """Microservices with the routes that lead from and to them, by name."""
    gone = set(keys)
    routes = {
        route_id
        for key in gone
        for end in ("source", "destination")
        for route_id in world.routes.find(end, key)
    }
    yield from _all(gone, routes)


def members(world: World, application_id: ApplicationId) -> Iterator[KnownEvent]:
    """All that is in an application: also routes from any microservice of it."""
    gone = set(world.microservices.find("application", application_id))
    yield from _all(gone, set(world.routes.find("application", application_id)))


def _all(gone: set[MicroserviceId], routes: set[RouteId]) -> Iterator[KnownEvent]:
    for route_id in sorted(routes):
        yield RouteDeleted(route_id=route_id)
    for key in sorted(gone):
        yield MicroserviceDeleted(microservice_id=key)


def node(world: World, node_id: NodeId) -> Iterator[KnownEvent]:
    """A node with its microservices, and what others had of it."""
    placed = set(world.microservices.find("node", node_id))
    yield from microservices(world, placed)
    yield from router.leave(world, node_id)
    yield from _left(world, node_id, placed)
    for edge_resource_id in sorted(world.edge_resources.find("node", node_id)):
        yield EdgeResourceUnlinked(edge_resource_id=edge_resource_id, node_id=node_id)
    for volume_id in sorted(world.volumes.find("node", node_id)):
        settings = world.volumes[volume_id].settings
        left = [each for each in settings.node_ids if each != node_id]
        yield VolumeUpdated(volume_id=volume_id, settings=replace(settings, node_ids=left))
    yield NodeDeleted(node_id=node_id)


def _left(
    world: World, node_id: NodeId, gone: set[MicroserviceId]
) -> Iterator[MicroserviceUpdated]:
    """What those that stay are without the node: their ports open elsewhere, and they wait for
    nothing that is gone."""
    after = dict(_public_ports(world, node_id, gone))
    for key, names in dependencies.dependents(world, gone).items():
        spec = after.get(key, world.microservices[key].spec)
        after[key] = dependencies.without(spec, names)
    for key in sorted(after):
        yield MicroserviceUpdated(microservice_id=key, spec=after[key])


def _public_ports(
    world: World, node_id: NodeId, gone: set[MicroserviceId]
) -> Iterator[tuple[MicroserviceId, MicroserviceSpec]]:
    """Public ports that opened on the node open at the default router, or nowhere where the port
    is taken there."""
    default = default_router(world)
    free = default is not None and default[0] != node_id
    taken: set[int] = set()
    if free and default is not None and default[0] is not None:
        settings = world.nodes[default[0]].settings
        taken |= {port for port, _ in router.system_ports(world, default[0], settings)}
        for key in world.microservices.find("node", default[0]):
            taken |= {port.host for port in world.microservices[key].spec.ports}

    def moved(port: PortMapping) -> PortMapping:
        if port.public is None or port.public.router != node_id:
            return port
        if not free or port.public.port in taken:
            return replace(port, public=None)
        taken.add(port.public.port)
        return replace(port, public=replace(port.public, router=DEFAULT_ROUTER))

    for key in sorted(set(world.microservices.find("public_router", node_id)) - gone):
        spec = world.microservices[key].spec
        ports = [moved(port) for port in spec.ports]
        yield key, replace(spec, ports=ports)
