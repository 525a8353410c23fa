"""What microservices use, and the network as a whole, as documents; and requests about them as the
domain has it. Pure, as views.py.
"""

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import asdict, replace

from ecn.api.catalog_documents import CatalogItemDocument, CatalogItemManifest
from ecn.api.documents import RouteDocument, RouteStatusDocument
from ecn.api.edge_resource_documents import EdgeResourceDocument, EdgeResourceManifest
from ecn.api.network_documents import (
    DefaultRouterDocument,
    InteriorRouterDocument,
    NetworkDocument,
    SettingDocument,
)
from ecn.api.template_documents import TemplateDocument, TemplateManifest, VariableManifest
from ecn.api.volume_documents import FileDocument, VolumeDocument
from ecn.deciders import find
from events.catalog import CatalogItemSettings
from events.edge_resource import EdgeResourceSettings
from events.ids import CatalogItemId, EdgeResourceId, NodeId, RouteId, TemplateId, VolumeId
from events.node import DEFAULT_ROUTER, NodeSettings
from events.template import TemplateSettings, Variable
from projections.catalog import SEEDED
from projections.catalog import catalog_item as item_row
from projections.network import SETTING, broker
from projections.routers import default_router
from projections.routes import end_names
from projections.world import World


def route(
    world: World, route_id: RouteId, status: RouteStatusDocument | None = None
) -> RouteDocument:
    """One route. status: how it is, where that is asked."""
    row = world.routes[route_id]
    source, destination = end_names(world, row.ends)
    return RouteDocument(
        id=route_id,
        application=world.applications[row.application_id].name,
        name=row.name,
        source=source,
        destination=destination,
        **asdict(row.terms),
        status=status,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def template(world: World, template_id: TemplateId) -> TemplateDocument:
    """One template."""
    row = world.templates[template_id]
    return TemplateDocument(
        id=template_id,
        name=row.name,
        description=row.settings.description,
        variables=[
            VariableManifest(
                key=each.key,
                description=each.description,
                default=UNSET if each.default is UNSET else msgspec.json.decode(each.default),
            )
            for each in row.settings.variables
        ],
        application=row.settings.application,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def template_settings(said: TemplateManifest) -> TemplateSettings:
    """What the manifest asks for."""
    return TemplateSettings(
        description=said.description,
        variables=[
            Variable(
                key=each.key,
                description=each.description,
                default=UNSET if each.default is UNSET else Raw(msgspec.json.encode(each.default)),
            )
            for each in said.variables
        ],
        application=Raw(msgspec.json.encode(said.application)),
    )


def catalog_item(world: World, catalog_item_id: CatalogItemId) -> CatalogItemDocument:
    """One item, a seed or not. Errors: KeyError."""
    row = item_row(world, catalog_item_id)
    if row is None:
        raise KeyError(catalog_item_id)
    said = asdict(row.settings)
    registry_id = said.pop("registry_id")
    touched = catalog_item_id in world.catalog
    return CatalogItemDocument(
        id=catalog_item_id,
        name=row.name,
        registry=world.registries[registry_id].name if registry_id else None,
        **said,
        seeded=catalog_item_id in SEEDED,
        microservices=world.microservices.count("catalog_item", catalog_item_id),
        created_by=row.created_by,
        created_at=row.created_at if touched else None,
        updated_at=row.updated_at if touched else None,
    )


def catalog_item_settings(world: World, said: CatalogItemManifest) -> CatalogItemSettings:
    """What the manifest asks for. Errors: NotFound, for the registry."""
    fields = {name: getattr(said, name) for name in said.__struct_fields__ if name != "registry"}
    registry_id = None
    if said.registry is not None:
        registry_id = find.registry(world, said.registry, field="$.registry")
    return CatalogItemSettings(registry_id=registry_id, **fields)


def edge_resource(world: World, edge_resource_id: EdgeResourceId) -> EdgeResourceDocument:
    """One edge resource."""
    row = world.edge_resources[edge_resource_id]
    return EdgeResourceDocument(
        id=edge_resource_id,
        name=row.name,
        version=row.version,
        **asdict(row.settings),
        nodes=sorted(world.nodes[each].name for each in row.node_ids),
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def edge_resource_settings(said: EdgeResourceManifest) -> EdgeResourceSettings:
    """What the manifest asks for."""
    return EdgeResourceSettings(**{**asdict(said), "custom": Raw(msgspec.json.encode(said.custom))})


def volume(world: World, volume_id: VolumeId, *, contents: bool) -> VolumeDocument:
    """One volume. contents: with what is in its files."""
    row = world.volumes[volume_id]
    settings = row.settings
    return VolumeDocument(
        id=volume_id,
        name=row.name,
        destination=settings.destination,
        permissions=settings.permissions,
        nodes=sorted(world.nodes[each].name for each in settings.node_ids if each in world.nodes),
        microservices=sorted(
            find.microservice_name(world, key)
            for key in world.microservices.find("volume", volume_id)
        ),
        files=[
            FileDocument(
                path=each.path,
                size=len(each.content),
                content=each.content if contents else None,
            )
            for each in settings.files
        ],
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def network(world: World, *, stale: bool) -> NetworkDocument:
    """The network as a whole."""
    found, router = default_router(world), None
    if found is not None:
        node_id, where = found
        router = DefaultRouterDocument(
            node=None if node_id is None else world.nodes[node_id].name,
            host=where.host,
            messaging_port=where.messaging_port,
            edge_port=where.edge_port,
            inter_router_port=where.inter_router_port,
        )
    settings = [
        SettingDocument(
            key=key.removeprefix(SETTING), value=row.value or "", updated_at=row.updated_at
        )
        for key, row in world.network.items()
        if key.startswith(SETTING)
    ]
    settings.sort(key=lambda each: each.key)
    there = broker(world)
    interior = InteriorRouterDocument(url=there.url, ca_pem=there.ca_pem) if there else None
    return NetworkDocument(
        position=world.position,
        stale=stale,
        default_router=router,
        interior_router=interior,
        settings=settings,
    )


def with_router_ids(world: World, settings: NodeSettings) -> NodeSettings:
    """Settings whose router may name other nodes, with ids as events have them.

    Errors: NotFound.
    """
    router = settings.router
    if router is None:
        return settings

    def id_of(ref: str, field: str) -> str:
        if ref in ("", DEFAULT_ROUTER) or NodeId(ref) in world.nodes:
            return ref
        return find.node(world, ref, field=f"$.settings.router.{field}")

    upstreams = [id_of(each, f"upstreams[{i}]") for i, each in enumerate(router.upstreams)]
    network_router = id_of(router.network_router, "network_router")
    return replace(
        settings, router=replace(router, upstreams=upstreams, network_router=network_router)
    )
