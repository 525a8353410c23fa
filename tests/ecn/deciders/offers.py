"""Random commands about what applications consist of besides their containers: routes, templates,
the catalog, edge resources, and what a microservice's spec may name."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.structs import replace

from ecn.commands import AnyCommand
from ecn.commands.application import (
    RebuildMicroservice,
    RenameMicroservice,
    RequestSnapshot,
    SwitchTracing,
    UpdateApplication,
    WantedRoute,
)
from ecn.commands.catalog import (
    ApplyCatalogItem,
    CreateCatalogItem,
    DeleteCatalogItem,
    UpdateCatalogItem,
)
from ecn.commands.edge_resource import (
    ApplyEdgeResource,
    CreateEdgeResource,
    DeleteEdgeResource,
    LinkEdgeResource,
    UnlinkEdgeResource,
    UpdateEdgeResource,
)
from ecn.commands.network import SetDefaultRouter
from ecn.commands.node import DropReport
from ecn.commands.route import CreateRoute, DeleteRoute, UpdateRoute
from ecn.commands.template import ApplyTemplate, CreateTemplate, DeleteTemplate, UpdateTemplate
from events.application import (
    ExtraHost,
    MicroserviceSpec,
    Protocol,
    PublicPort,
    PublicProtocol,
    VolumeKind,
    VolumeMount,
)
from events.catalog import CatalogItemSettings
from events.edge_resource import EdgeResourceSettings
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    RegistryId,
    RouteId,
    TemplateId,
    VolumeId,
)
from events.network import DefaultRouter
from events.node import DEFAULT_ROUTER
from events.route import ANY_SOURCE, UPSTREAM, DropReason, RouteTerms
from events.template import TemplateSettings
from projections.catalog import catalog_items
from projections.world import World

if TYPE_CHECKING:
    from tests.ecn.deciders.histories import Drawn

NAMES = ("a", "b", "c")
IMAGES = ({"x86": "shop/web:1"}, {"arm": "shop/web:1-arm"}, {"x86": "shop/web:2", "arm": "shop/a"})
HOSTS = (
    "${Agents.west}",
    "${Apps.a.b.local}",
    "${Apps.a.a.public.6000}",
    "${Apps.a.a.local}",
    "${Agents.east}",
    "10.0.0.1",
    "${Apps.b.a.public.6000}",
    "${Apps.a.a.public.6001}",
    "${Apps.a}",
)


def of_spec(drawn: "Drawn", world: World, spec: MicroserviceSpec) -> MicroserviceSpec:
    """The spec, with some of what it may name besides an image."""

    def now_and_then(one_in: int) -> bool:
        return drawn.chance(2) if drawn.crowded else drawn.chance(one_in)

    if now_and_then(4):
        spec = replace(spec, image="", images=drawn.any(IMAGES))
    elif now_and_then(4):
        spec = replace(spec, image="", catalog_item_id=CatalogItemId(item_ref(drawn, world)))
    if drawn.crowded or drawn.chance(3):
        ports = [
            replace(port, public=public(drawn, world), container=number + 80, protocol=Protocol.TCP)
            if (drawn.crowded and not drawn.chance(3)) or drawn.chance(2)
            else port
            for number, port in enumerate(spec.ports)
        ]
        spec = replace(spec, ports=ports)
    if now_and_then(4):
        hosts = [ExtraHost(name="till", address=drawn.one(HOSTS[:2] if drawn.crowded else HOSTS))]
        spec = replace(spec, extra_hosts=hosts)
    if len(world.volumes) and now_and_then(3):
        key = drawn.key(world.volumes, VolumeId("nobody"))
        row = world.volumes.get(key)
        ref = row.name if row is not None and drawn.chance(2) else key
        files = VolumeMount(kind=VolumeKind.FILES, source=ref, target="/etc/conf")
        spec = replace(spec, volumes=[files])
    return replace(spec, host_network=drawn.chance(6))


def public(drawn: "Drawn", world: World) -> PublicPort:
    """A port at the centre, mostly without a number."""
    return PublicPort(
        schemes=["wss"] if drawn.chance(12) else ["https"],
        protocol=drawn.any((PublicProtocol.HTTP, PublicProtocol.TCP)),
        router=drawn.one(("hall", "node-hall", "east")) if drawn.chance(6) else DEFAULT_ROUTER,
        port=drawn.any((6000, 6001, 8080, 5672)) if drawn.chance(3) else 0,
        allow=["10.0.0.0/8"] if drawn.chance(4) else [],
        longest=60 if drawn.chance(6) else 0,
    )


def item_ref(drawn: "Drawn", world: World) -> str:
    """An item of the catalog by id or by name, a seed now and then."""
    if not len(world.catalog) or drawn.chance(3):
        return drawn.one(("iofog-5", "iofog-6"))
    key = drawn.key(world.catalog, CatalogItemId("nobody"))
    row = world.catalog.get(key)
    return row.name if row is not None and drawn.chance(2) else key


def wanted_routes(drawn: "Drawn", names: list[str]) -> list[WantedRoute] | None:
    """Some between those names, or none said."""
    if drawn.chance(4):
        return None
    if not names or drawn.chance(2):
        return []
    return [
        WantedRoute(
            route_id=RouteId(drawn.fresh("route")),
            name=drawn.one(NAMES) if drawn.chance(2) else "",
            source=drawn.one((*names, ANY_SOURCE)),
            destination=drawn.one((*names, UPSTREAM)),
            terms=terms(drawn),
        )
    ]


def terms(drawn: "Drawn") -> RouteTerms:
    """Mostly none at all; some of them are refused."""
    if not drawn.chance(2):
        return RouteTerms()
    return RouteTerms(
        output=drawn.one(("", "", "temp")),
        twin_changes=drawn.chance(6),
        condition=drawn.one(("", "", "severity = 'high'", "severity ==")),
        input=drawn.one(("", "", "in1")),
        priority=drawn.any((None, None, 0, 10)),
        ttl=drawn.any((None, 0, 60)),
        durable=not drawn.chance(4),
        webhook=drawn.one(("", "", "https://hook.example/a")),
    )


def drop_reports(drawn: "Drawn", world: World, last: int, now: datetime) -> list[DropReport]:
    """Of a route that is there or was, mostly."""
    routes = [key.partition("/")[2] for key in world.names if key.startswith("route/")]
    if not routes or drawn.chance(2):
        return []
    return [
        DropReport(
            sequence=max(1, last + drawn.any((-1, 0, 1, 2))),
            route_id=RouteId(drawn.key(routes, "nobody")),
            reason=drawn.any(tuple(DropReason)),
            messages=3,
            size=120,
            since=now,
            at=now,
        )
    ]


def _application(drawn: "Drawn", world: World) -> ApplicationId:
    return drawn.key(world.applications, ApplicationId("nobody"))


def _microservice(drawn: "Drawn", world: World) -> MicroserviceId:
    return drawn.key(world.microservices, MicroserviceId("nobody"))


def update_application(drawn: "Drawn", world: World, _: datetime) -> UpdateApplication:
    return UpdateApplication(
        application_id=_application(drawn, world),
        name=drawn.one(NAMES[:2]),
        description=drawn.one(NAMES),
        system=drawn.chance(6),
    )


def rename(drawn: "Drawn", world: World, _: datetime) -> RenameMicroservice:
    return RenameMicroservice(
        microservice_id=_microservice(drawn, world), name=drawn.one(("d", "c", "a"))
    )


def rebuild(drawn: "Drawn", world: World, _: datetime) -> RebuildMicroservice:
    return RebuildMicroservice(microservice_id=_microservice(drawn, world))


def trace(drawn: "Drawn", world: World, _: datetime) -> SwitchTracing:
    return SwitchTracing(microservice_id=_microservice(drawn, world), enabled=drawn.chance(2))


def snapshot(drawn: "Drawn", world: World, _: datetime) -> RequestSnapshot:
    return RequestSnapshot(microservice_id=_microservice(drawn, world))


def _end(drawn: "Drawn", world: World, application_id: ApplicationId, outside: str) -> str:
    keys = sorted(world.microservices.find("application", application_id))
    if drawn.chance(5):
        return outside
    key = drawn.key(keys, MicroserviceId("nobody"))
    row = world.microservices.get(key)
    return row.name if row is not None and drawn.chance(2) else key


def create_route(drawn: "Drawn", world: World, _: datetime) -> CreateRoute:
    application_id = _application(drawn, world)
    return CreateRoute(
        route_id=RouteId(drawn.fresh("route")),
        application_id=application_id,
        name=drawn.one(NAMES) if drawn.chance(2) else "",
        source=_end(drawn, world, application_id, ANY_SOURCE),
        destination=_end(drawn, world, application_id, UPSTREAM),
        terms=terms(drawn),
        sole=drawn.chance(4),
    )


def update_route(drawn: "Drawn", world: World, _: datetime) -> UpdateRoute:
    route_id = drawn.key(world.routes, RouteId("nobody"))
    row = world.routes.get(route_id)
    application_id = ApplicationId("nobody") if row is None else row.application_id
    return UpdateRoute(
        route_id=route_id,
        name=drawn.one(NAMES),
        source=_end(drawn, world, application_id, ANY_SOURCE),
        destination=_end(drawn, world, application_id, UPSTREAM),
        terms=terms(drawn),
    )


def delete_route(drawn: "Drawn", world: World, _: datetime) -> DeleteRoute:
    return DeleteRoute(route_id=drawn.key(world.routes, RouteId("nobody")))


def _template(drawn: "Drawn") -> TemplateSettings:
    application = drawn.any((b"{}", b'{"microservices":[]}', b"[]"))
    return TemplateSettings(description=drawn.one(NAMES), application=Raw(application))


def create_template(drawn: "Drawn", _: World, __: datetime) -> AnyCommand:
    kind = CreateTemplate if drawn.chance(2) else ApplyTemplate
    return kind(
        template_id=TemplateId(drawn.fresh("template")),
        name=drawn.one(NAMES[:2]),
        settings=_template(drawn),
    )


def update_template(drawn: "Drawn", world: World, _: datetime) -> UpdateTemplate:
    key = drawn.key(world.templates, TemplateId("nobody"))
    row = world.templates.get(key)
    new = _template(drawn)
    seen = new if row is None or drawn.chance(6) else row.settings
    return UpdateTemplate(template_id=key, name=drawn.one(NAMES), settings=new, seen=seen)


def delete_template(drawn: "Drawn", world: World, _: datetime) -> DeleteTemplate:
    return DeleteTemplate(template_id=drawn.key(world.templates, TemplateId("nobody")))


def _item(drawn: "Drawn", world: World) -> CatalogItemSettings:
    registry_id = drawn.key(world.registries, RegistryId("nobody")) if drawn.chance(3) else None
    return CatalogItemSettings(
        images=drawn.any(IMAGES),
        registry_id=registry_id,
        from_cache=drawn.chance(6),
        description=drawn.one(NAMES),
        publisher="Eclipse ioFog" if drawn.chance(12) else "",
    )


def create_item(drawn: "Drawn", world: World, _: datetime) -> AnyCommand:
    kind = CreateCatalogItem if drawn.chance(2) else ApplyCatalogItem
    return kind(
        catalog_item_id=CatalogItemId(drawn.fresh("item")),
        name=drawn.one(("a", "b", "Hello Web Demo")),
        settings=_item(drawn, world),
    )


def update_item(drawn: "Drawn", world: World, _: datetime) -> UpdateCatalogItem:
    keys = world.catalog if len(world.catalog) and not drawn.chance(4) else ["iofog-5"]
    key = drawn.key([CatalogItemId(each) for each in keys], CatalogItemId("nobody"))
    row = catalog_items(world).get(key)
    new = _item(drawn, world)
    seen = new if row is None or drawn.chance(6) else row.settings
    return UpdateCatalogItem(catalog_item_id=key, name=drawn.one(NAMES), settings=new, seen=seen)


def delete_item(drawn: "Drawn", world: World, _: datetime) -> DeleteCatalogItem:
    seed = CatalogItemId("iofog-5")
    return DeleteCatalogItem(catalog_item_id=drawn.key(world.catalog, seed))


def _resource(drawn: "Drawn") -> EdgeResourceSettings:
    return EdgeResourceSettings(
        description=drawn.one(NAMES), tags=list(drawn.any(((), ("x",), ("x", "y"))))
    )


def create_resource(drawn: "Drawn", _: World, __: datetime) -> AnyCommand:
    kind = CreateEdgeResource if drawn.chance(2) else ApplyEdgeResource
    return kind(
        edge_resource_id=EdgeResourceId(drawn.fresh("resource")),
        name=drawn.one(NAMES[:2]),
        version=drawn.one(("1.0.0", "v1.10.0", "1")),
        settings=_resource(drawn),
    )


def update_resource(drawn: "Drawn", world: World, _: datetime) -> UpdateEdgeResource:
    key = drawn.key(world.edge_resources, EdgeResourceId("nobody"))
    row = world.edge_resources.get(key)
    new = _resource(drawn)
    seen = new if row is None or drawn.chance(6) else row.settings
    return UpdateEdgeResource(edge_resource_id=key, name=drawn.one(NAMES), settings=new, seen=seen)


def link(drawn: "Drawn", world: World, _: datetime) -> AnyCommand:
    key = drawn.key(world.edge_resources, EdgeResourceId("nobody"))
    node_id = drawn.key(world.nodes, NodeId("nobody"))
    row = world.edge_resources.get(key)
    linked = row is not None and node_id in row.node_ids
    # Mostly what changes something.
    kind = UnlinkEdgeResource if linked != drawn.chance(4) else LinkEdgeResource
    return kind(edge_resource_id=key, node_id=node_id)


def delete_resource(drawn: "Drawn", world: World, _: datetime) -> DeleteEdgeResource:
    key = drawn.key(world.edge_resources, EdgeResourceId("nobody"))
    return DeleteEdgeResource(edge_resource_id=key)


Kinds = tuple[Callable[["Drawn", World, datetime], AnyCommand], ...]

APPLICATIONS: Kinds = (update_application, rename, rename, rebuild, trace, snapshot)
ROUTES: Kinds = (create_route, create_route, update_route, delete_route)
CATALOG: Kinds = (create_item, create_item, update_item, delete_item)
TEMPLATES: Kinds = (create_template, update_template, delete_template)
EDGE_RESOURCES: Kinds = (create_resource, link, link, update_resource, delete_resource)

FURNISHED: list[AnyCommand] = [
    SetDefaultRouter(router=DefaultRouter(host="k8s.example")),
    CreateCatalogItem(
        catalog_item_id=CatalogItemId("item"),
        name="a",
        settings=CatalogItemSettings(images=IMAGES[2]),
    ),
    CreateTemplate(
        template_id=TemplateId("template"),
        name="a",
        settings=TemplateSettings(application=Raw(b"{}")),
    ),
    CreateEdgeResource(
        edge_resource_id=EdgeResourceId("resource"),
        name="a",
        version="1.0.0",
        settings=EdgeResourceSettings(),
    ),
]
"""What some histories begin with."""
