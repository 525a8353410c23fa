"""What a client's reference means: a name or an id, looked up in the world.

Ids are tried first: a node may be named like anything, but nobody chooses an id.
"""

from ecn.errors import NotFound
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    RegistryId,
    RouteId,
    TemplateId,
    UserId,
    VolumeId,
)
from events.node import DEFAULT_ROUTER
from projections import catalog, network
from projections.network import BROKER
from projections.world import World


def node(world: World, ref: str, *, field: str = "") -> NodeId:
    """The node with that id or name. Errors: NotFound."""
    if ref in world.nodes:
        return NodeId(ref)
    found = world.nodes.one("name", ref)
    if found is None:
        raise NotFound("node", ref, field=field)
    return found


def application(world: World, ref: str) -> ApplicationId:
    """The application with that id or name. Errors: NotFound."""
    if ref in world.applications:
        return ApplicationId(ref)
    found = world.applications.one("name", ref)
    if found is None:
        raise NotFound("application", ref)
    return found


def microservice(world: World, ref: str) -> MicroserviceId:
    """The microservice with that id or `<application>/<name>`. Errors: NotFound."""
    if ref in world.microservices:
        return MicroserviceId(ref)
    of, slash, name = ref.partition("/")
    found = world.microservices.one("name", (application(world, of), name)) if slash else None
    if found is None:
        raise NotFound("microservice", ref)
    return found


def registry(world: World, ref: str, *, field: str = "") -> RegistryId:
    """The registry with that id or name. Errors: NotFound."""
    if ref in world.registries:
        return RegistryId(ref)
    found = world.registries.one("name", ref)
    if found is None:
        raise NotFound("registry", ref, field=field)
    return found


def catalog_item(world: World, ref: str, *, field: str = "") -> CatalogItemId:
    """The item of the catalog with that id or name, a seed or not. Errors: NotFound."""
    if catalog.catalog_item(world, CatalogItemId(ref)) is not None:
        return CatalogItemId(ref)
    found = catalog.catalog_item_named(world, ref)
    if found is None:
        raise NotFound("catalog-item", ref, field=field)
    return found


def route(world: World, ref: str) -> RouteId:
    """The route with that id or `<application>/<name>`. Errors: NotFound."""
    if ref in world.routes:
        return RouteId(ref)
    of, slash, name = ref.partition("/")
    found = world.routes.one("name", (application(world, of), name)) if slash else None
    if found is None:
        raise NotFound("route", ref)
    return found


def template(world: World, ref: str) -> TemplateId:
    """The template with that id or name. Errors: NotFound."""
    if ref in world.templates:
        return TemplateId(ref)
    found = world.templates.one("name", ref)
    if found is None:
        raise NotFound("template", ref)
    return found


def edge_resource(world: World, ref: str) -> EdgeResourceId:
    """The edge resource with that id or `<name>@<version>`. Errors: NotFound."""
    if ref in world.edge_resources:
        return EdgeResourceId(ref)
    name, _, version = ref.rpartition("@")
    found = world.edge_resources.one("name_version", (name, version))
    if found is None:
        raise NotFound("edge-resource", ref)
    return found


def user(world: World, ref: str) -> UserId:
    """The user with that id or name. Errors: NotFound."""
    if ref in world.users:
        return UserId(ref)
    found = world.users.one("name", ref)
    if found is None:
        raise NotFound("user", ref)
    return found


def volume(world: World, ref: str, *, field: str = "") -> VolumeId:
    """The volume with that id or name. Errors: NotFound."""
    if ref in world.volumes:
        return VolumeId(ref)
    found = world.volumes.one("name", ref)
    if found is None:
        raise NotFound("volume", ref, field=field)
    return found


def network_setting(world: World, ref: str) -> str:
    """The setting of the network with that key. Errors: NotFound."""
    if network.setting(world, ref) is None:
        raise NotFound("setting", ref)
    return ref


def set_for_network(world: World, ref: str) -> str:
    """Its default router as it was set, its interior router, or a setting by its key.

    Errors: NotFound.
    """
    if ref in (DEFAULT_ROUTER, BROKER) and ref in world.network:
        return ref
    return network_setting(world, ref)


def microservice_name(world: World, microservice_id: MicroserviceId) -> str:
    """`<application>/<name>`, as people say it."""
    row = world.microservices[microservice_id]
    return f"{world.applications[row.application_id].name}/{row.name}"
