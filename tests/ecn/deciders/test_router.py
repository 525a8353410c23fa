"""Routers of nodes: what may be, and what follows for others when one goes away."""

import pytest
from msgspec.structs import replace

from ecn.commands.node import DeleteNode, RegisterNode, UpdateNode
from ecn.errors import (
    Invalid,
    PortTaken,
    RouterHasDownstreams,
    RouterMissing,
    SystemNodeExists,
    UpstreamNotInterior,
)
from events.application import MicroserviceDeleted, MicroserviceUpdated, PublicPort, PublicProtocol
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
)
from events.envelope import KnownEvent
from events.ids import EdgeResourceId, NodeId, RouteId, VolumeId
from events.network import DefaultRouter, DefaultRouterSet
from events.node import (
    DEFAULT_ROUTER,
    NodeDeleted,
    NodeRegistered,
    NodeSettings,
    NodeUpdated,
    RouterMode,
    RouterSettings,
)
from events.route import RouteCreated, RouteDeleted, RouteEnds
from events.volume import VolumeCreated, VolumeSettings, VolumeUpdated
from tests.builders import (
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    microservice,
    port,
    registered,
    spec,
)

CENTRE, HALL = NodeId("node-centre"), NodeId("node-hall")
INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)
BELOW = RouterSettings(upstreams=[DEFAULT_ROUTER])
NONE = RouterSettings(mode=RouterMode.NONE)


def settings(
    router: RouterSettings | None, *, host: str | None = "h.example", system: bool = False
) -> NodeSettings:
    """Of a node with that router."""
    return NodeSettings(host=host, router=router, system=system)


SYSTEM = settings(INTERIOR, system=True)


def there(node_id: NodeId, its: NodeSettings) -> NodeRegistered:
    """A node that is there."""
    name = node_id.removeprefix("node-")
    return NodeRegistered(node_id=node_id, name=name, settings=its)


def register(its: NodeSettings) -> RegisterNode:
    """A node to be there, `east`."""
    return RegisterNode(node_id=EAST, name="east", settings=its)


def update(old: NodeSettings, new: NodeSettings, node_id: NodeId = EAST) -> UpdateNode:
    """Other settings for a node."""
    name = node_id.removeprefix("node-")
    return UpdateNode(node_id=node_id, name=name, settings=new, seen=(name, old))


A_SYSTEM = there(CENTRE, SYSTEM)
A_HALL = there(HALL, settings(INTERIOR))


def test_a_router_leads_to_the_default_one_once_there_is_one() -> None:
    refused = given().when(register(settings(BELOW))).raises(RouterMissing)
    assert refused.field == "$.settings.router.upstreams[0]"
    given(A_SYSTEM).when(register(settings(BELOW))).then(there(EAST, settings(BELOW)))
    outside = DefaultRouterSet(network_id=DEFAULT_ROUTER, router=DefaultRouter(host="k8s.example"))
    given(outside).when(register(settings(BELOW))).then(there(EAST, settings(BELOW)))


def test_a_node_without_settings_for_a_router_needs_no_default_one() -> None:
    given().when(register(settings(None))).then(there(EAST, settings(None)))


def test_an_agent_without_a_router_needs_another_to_use() -> None:
    refused = given().when(register(settings(NONE))).raises(RouterMissing)
    assert refused.field == "$.settings.router.network_router"
    given(A_SYSTEM).when(register(settings(NONE, host=None))).then(
        there(EAST, settings(NONE, host=None))
    )
    own = replace(NONE, network_router=EAST)
    given(A_SYSTEM).when(register(settings(own))).raises(RouterMissing)


@pytest.mark.parametrize(
    ("its", "field"),
    [
        (settings(BELOW, host=None), "host"),
        (settings(BELOW, host=""), "host"),
        (
            settings(RouterSettings(mode=RouterMode.INTERIOR, edge_port=1)),
            "router.inter_router_port",
        ),
        (
            settings(RouterSettings(mode=RouterMode.INTERIOR, inter_router_port=1)),
            "router.edge_port",
        ),
        (settings(replace(INTERIOR, edge_port=5672)), "router"),
        (settings(replace(INTERIOR, edge_port=0)), "router.edge_port"),
        (settings(replace(BELOW, messaging_port=65536)), "router.messaging_port"),
        (settings(replace(BELOW, upstreams=[EAST])), "router.upstreams[0]"),
        (settings(BELOW, system=True), "router.mode"),
        (settings(None, system=True), "router.mode"),
        (settings(INTERIOR, system=True, host=None), "host"),
    ],
)
def test_a_router_is_refused_by_field(its: NodeSettings, field: str) -> None:
    assert given().when(register(its)).raises(Invalid).field == f"$.settings.{field}"


def test_an_upstream_is_there_and_interior() -> None:
    named = settings(RouterSettings(upstreams=[HALL]))
    given().when(register(named)).raises(RouterMissing)
    given(there(HALL, settings(None))).when(register(named)).raises(RouterMissing)
    edge = there(HALL, settings(RouterSettings()))
    given(edge).when(register(named)).raises(UpstreamNotInterior)
    given(A_HALL).when(register(named)).then(there(EAST, named))


def test_there_is_one_system_node() -> None:
    refused = given(A_SYSTEM).when(register(SYSTEM)).raises(SystemNodeExists)
    assert refused.node == "centre"
    given(A_SYSTEM, A_HALL).when(update(settings(INTERIOR), SYSTEM, HALL)).raises(SystemNodeExists)
    other = replace(SYSTEM, description="x")
    given(A_SYSTEM).when(update(SYSTEM, other, CENTRE)).then(
        NodeUpdated(node_id=CENTRE, settings=other)
    )


def test_the_system_node_stays_interior() -> None:
    given(A_SYSTEM).when(update(SYSTEM, replace(SYSTEM, router=BELOW), CENTRE)).raises(Invalid)


def test_a_router_with_others_below_it_stays_interior() -> None:
    below = there(EAST, settings(RouterSettings(upstreams=[HALL])))
    edge = settings(RouterSettings())
    refused = given(A_HALL, below).when(update(settings(INTERIOR), edge, HALL))
    assert "east" in refused.raises(RouterHasDownstreams).detail
    given(A_HALL).when(update(settings(INTERIOR), edge, HALL)).then(
        NodeUpdated(node_id=HALL, settings=edge)
    )


def test_what_led_to_a_router_that_was_taken_away_leads_to_the_default_one() -> None:
    below = there(EAST, settings(RouterSettings(upstreams=[HALL])))
    guest = there(WEST, settings(replace(NONE, network_router=HALL)))
    for without in (NONE, None):
        given(A_SYSTEM, A_HALL, below, guest).when(
            update(settings(INTERIOR), settings(without), HALL)
        ).then(
            NodeUpdated(node_id=EAST, settings=settings(BELOW)),
            NodeUpdated(
                node_id=WEST, settings=settings(replace(NONE, network_router=DEFAULT_ROUTER))
            ),
            NodeUpdated(node_id=HALL, settings=settings(without)),
        )


def test_a_node_whose_default_router_went_away_can_be_changed_all_the_same() -> None:
    world = given(A_SYSTEM, there(EAST, settings(BELOW)), NodeDeleted(node_id=CENTRE))
    moved = settings(replace(BELOW, messaging_port=5673), host="other.example")
    world.when(update(settings(BELOW), moved)).then(NodeUpdated(node_id=EAST, settings=moved))


def test_a_router_takes_no_port_of_a_microservice() -> None:
    events: list[KnownEvent] = [A_SYSTEM, registered(), application(), microservice("web", 5672)]
    refused = given(*events).when(update(NodeSettings(), settings(BELOW))).raises(PortTaken)
    assert (refused.port, "shop/web" in refused.holder) == (5672, True)
    other = settings(replace(BELOW, messaging_port=5673))
    given(*events).when(update(NodeSettings(), other)).then(
        NodeUpdated(node_id=EAST, settings=other)
    )


def test_the_default_router_opens_no_public_port_where_a_microservice_has_it() -> None:
    public = PublicPort(schemes=["http"], protocol=PublicProtocol.HTTP, port=8080, queue="q")
    events: list[KnownEvent] = [
        there(EAST, settings(INTERIOR)),
        registered(WEST),
        application(),
        microservice("web", 8080),
        microservice("cache", node_id=WEST, made_from=spec(replace(port(80), public=public))),
    ]
    refused = given(*events).when(update(settings(INTERIOR), SYSTEM)).raises(PortTaken)
    assert "shop/web" in refused.holder


def test_a_node_goes_with_all_that_others_had_of_it() -> None:
    public = PublicPort(schemes=["http"], protocol=PublicProtocol.HTTP, router=HALL, port=6000)
    taken = replace(public, port=5672)
    open_there = spec(replace(port(80), public=public), replace(port(81), public=taken))
    route, door, files = RouteId("route-r"), EdgeResourceId("edge-resource-d"), VolumeId("volume-v")
    left = spec(
        replace(port(80), public=replace(public, router=DEFAULT_ROUTER)),
        replace(port(81), public=None),
    )
    given(
        A_SYSTEM,
        A_HALL,
        there(EAST, settings(RouterSettings(upstreams=[HALL]))),
        application(),
        microservice("web", node_id=HALL),
        microservice("cache", made_from=open_there),
        RouteCreated(
            route_id=route,
            application_id=SHOP,
            name="r",
            ends=RouteEnds(source=CACHE, destination=WEB),
        ),
        EdgeResourceCreated(
            edge_resource_id=door, name="door", version="1.0.0", settings=EdgeResourceSettings()
        ),
        EdgeResourceLinked(edge_resource_id=door, node_id=HALL),
        VolumeCreated(
            volume_id=files,
            name="v",
            settings=VolumeSettings(destination="/srv", node_ids=[HALL, EAST]),
        ),
    ).when(DeleteNode(node_id=HALL, force=True)).then(
        RouteDeleted(route_id=route),
        MicroserviceDeleted(microservice_id=WEB),
        NodeUpdated(node_id=EAST, settings=settings(BELOW)),
        MicroserviceUpdated(microservice_id=CACHE, spec=left),
        EdgeResourceUnlinked(edge_resource_id=door, node_id=HALL),
        VolumeUpdated(
            volume_id=files, settings=VolumeSettings(destination="/srv", node_ids=[EAST])
        ),
        NodeDeleted(node_id=HALL),
    )
