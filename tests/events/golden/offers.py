"""The chapter of the golden log in which applications get routes, a catalog, templates, edge
resources and public ports. Append to the end only, as story.py says."""

from msgspec import Raw

from events.application import (
    ApplicationCreated,
    ApplicationRenamed,
    ExtraHost,
    MicroserviceCreated,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceSpec,
    PortMapping,
    PublicPort,
    PublicProtocol,
    SnapshotRequested,
    TracingSwitched,
)
from events.catalog import (
    CatalogItemCreated,
    CatalogItemDeleted,
    CatalogItemSettings,
    CatalogItemUpdated,
    DataType,
    RegistryCreated,
    RegistrySettings,
)
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
    ResourceDisplay,
    ResourceEndpoint,
)
from events.envelope import KnownEvent
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    RegistryId,
    RouteId,
    TemplateId,
)
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteUpdated
from events.template import (
    TemplateCreated,
    TemplateDeleted,
    TemplateSettings,
    TemplateUpdated,
    Variable,
)

KIOSK, LAB = (NodeId(f"{n:032x}") for n in (0xB0, 0xB1))
PLANT = RegistryId(f"{0xC2:032x}")
PARK = ApplicationId(f"{0xD2:032x}")
GATE, SIGN = (MicroserviceId(f"{n:032x}") for n in (0xE3, 0xE4))
COUNT, BACK = (RouteId(f"{n:032x}") for n in (0x10, 0x11))
CAMERA, OLD = (CatalogItemId(f"{n:032x}") for n in (0x20, 0x21))
SITE, DRAFT = (TemplateId(f"{n:032x}") for n in (0x30, 0x31))
DOOR, OLD_DOOR = (EdgeResourceId(f"{n:032x}") for n in (0x40, 0x41))

CAMERA_ITEM = CatalogItemSettings(
    images={"x86": "camera:2", "arm": "camera:2-arm"},
    registry_id=PLANT,
    description="looks",
    category="SENSORS",
    publisher="shop",
    picture="camera.png",
    disk_required=12,
    ram_required=64,
    public=True,
    config_example='{"fps": 5}',
    input=DataType(kind="image", format="jpeg"),
    output=DataType(kind="count", format="json"),
)
SITE_TEMPLATE = TemplateSettings(
    description="one site",
    variables=[
        Variable(key="node", description="where"),
        Variable(key="fps", default=Raw(b'{"day":5,"night":1}')),
        Variable(key="nothing", default=Raw(b"null")),
    ],
    application=Raw(b'{"microservices":[{"name":"gate-{{ node }}"}],"routes":[]}'),
)
DOOR_RESOURCE = EdgeResourceSettings(
    description="the door of hall 3",
    protocol="https",
    endpoints=[
        ResourceEndpoint(
            name="open",
            description="opens it",
            method="PUT",
            url="/open",
            request_type="application/json",
            response_type="text/plain",
            request_example='{"for": 5}',
            response_example="open",
        )
    ],
    display=ResourceDisplay(name="Door", icon="door", color="#00ff00"),
    tags=["door", "hall-3"],
    custom=Raw(b'{"lock":true}'),
)

OFFERS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        RegistryCreated(
            registry_id=PLANT,
            name="plant",
            settings=RegistrySettings(
                url="plant.example",
                username="robot",
                email="robot@plant.example",
                public=True,
                secure=False,
                certificate="-----BEGIN CERTIFICATE-----",
                requires_certificate=True,
            ),
        ),
    ),
    (
        "user/anna",
        CatalogItemCreated(catalog_item_id=CAMERA, name="camera", settings=CAMERA_ITEM),
    ),
    (
        "user/anna",
        CatalogItemCreated(
            catalog_item_id=OLD,
            name="old camera",
            settings=CatalogItemSettings(images={"arm": "camera:1-arm"}, from_cache=True),
        ),
    ),
    (
        "user/anna",
        CatalogItemUpdated(
            catalog_item_id=OLD,
            name="older camera",
            settings=CatalogItemSettings(images={"arm": "camera:0-arm"}),
        ),
    ),
    ("user/anna", CatalogItemDeleted(catalog_item_id=OLD)),
    (
        "user/admin",
        CatalogItemUpdated(
            catalog_item_id=CatalogItemId("iofog-5"),
            name="Hello",
            settings=CatalogItemSettings(
                images={"x86": "hello:1"}, publisher="Eclipse ioFog", category="UTILITIES"
            ),
        ),
    ),
    (
        "user/anna",
        ApplicationCreated(application_id=PARK, name="park", started=False, system=True),
    ),
    (
        "user/anna",
        MicroserviceCreated(
            microservice_id=GATE,
            application_id=PARK,
            node_id=KIOSK,
            name="gate",
            spec=MicroserviceSpec(
                catalog_item_id=CAMERA,
                ports=[
                    PortMapping(
                        host=8443,
                        container=443,
                        public=PublicPort(
                            schemes=["https", "wss"],
                            protocol=PublicProtocol.TCP,
                            enabled=False,
                            port=6000,
                            queue="7a" * 16,
                        ),
                    )
                ],
                extra_hosts=[ExtraHost(name="sign", address="${Apps.park.sign.local}")],
            ),
        ),
    ),
    (
        "user/anna",
        MicroserviceCreated(
            microservice_id=SIGN,
            application_id=PARK,
            node_id=LAB,
            name="sign",
            spec=MicroserviceSpec(
                images={"x86": "sign:1", "arm": "sign:1-arm"},
                registry_id=PLANT,
                host_network=True,
                ports=[PortMapping(host=9000, container=9000)],
            ),
        ),
    ),
    (
        "user/anna",
        RouteCreated(
            route_id=COUNT,
            application_id=PARK,
            name="count",
            ends=RouteEnds(source=GATE, destination=SIGN),
        ),
    ),
    (
        "user/anna",
        RouteCreated(
            route_id=BACK,
            application_id=PARK,
            name="back",
            ends=RouteEnds(source=SIGN, destination=SIGN),
        ),
    ),
    (
        "user/anna",
        RouteUpdated(route_id=BACK, name="answer", ends=RouteEnds(source=SIGN, destination=GATE)),
    ),
    ("user/anna", RouteDeleted(route_id=BACK)),
    ("user/anna", MicroserviceRenamed(microservice_id=SIGN, name="board")),
    ("user/anna", ApplicationRenamed(application_id=PARK, name="parking")),
    ("user/anna", MicroserviceRebuilt(microservice_id=GATE)),
    ("user/anna", TracingSwitched(microservice_id=GATE, enabled=True)),
    ("user/anna", SnapshotRequested(microservice_id=GATE)),
    ("user/anna", TemplateCreated(template_id=SITE, name="site", settings=SITE_TEMPLATE)),
    ("user/anna", TemplateCreated(template_id=DRAFT, name="draft", settings=TemplateSettings())),
    (
        "user/anna",
        TemplateUpdated(
            template_id=DRAFT, name="sketch", settings=TemplateSettings(description="no more")
        ),
    ),
    ("user/anna", TemplateDeleted(template_id=DRAFT)),
    (
        "user/anna",
        EdgeResourceCreated(
            edge_resource_id=DOOR, name="door", version="1.10.0", settings=DOOR_RESOURCE
        ),
    ),
    (
        "user/anna",
        EdgeResourceCreated(
            edge_resource_id=OLD_DOOR,
            name="door",
            version="v0.9.0",
            settings=EdgeResourceSettings(),
        ),
    ),
    (
        "user/anna",
        EdgeResourceUpdated(
            edge_resource_id=OLD_DOOR,
            name="hatch",
            settings=EdgeResourceSettings(protocol="ws"),
        ),
    ),
    ("user/anna", EdgeResourceLinked(edge_resource_id=DOOR, node_id=KIOSK)),
    ("user/anna", EdgeResourceLinked(edge_resource_id=OLD_DOOR, node_id=LAB)),
    ("user/anna", EdgeResourceUnlinked(edge_resource_id=OLD_DOOR, node_id=LAB)),
    ("user/anna", EdgeResourceDeleted(edge_resource_id=OLD_DOOR)),
)
