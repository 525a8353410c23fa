"""The network of routers: whatever operators do, each leads to what is there, or to the default."""

import hypothesis
from hypothesis import settings

from events.ids import NodeId
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
from projections.routers import (
    LOCALHOST,
    RouterAddress,
    default_router,
    downstreams,
    guests,
    network_router,
    public_host,
    router_address,
    router_of,
    router_ports,
    system_node,
    upstreams,
    usual_upstreams,
    without,
)
from projections.world import World
from tests.builders import EAST, WEST, world_after
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=100, deadline=None)
CENTRE, HALL = NodeId("node-centre"), NodeId("node-hall")
OUTSIDE = DefaultRouter(host="k8s.example")


def named(world: World, node_id: NodeId) -> list[str]:
    """The routers that a node's settings name."""
    router = world.nodes[node_id].settings.router
    if router is None:
        return []
    return [router.network_router] if router.mode is RouterMode.NONE else router.upstreams


@often
@hypothesis.given(histories(routed=True))
def test_every_node_that_is_named_is_there_with_a_router_that_takes_others(
    history: History,
) -> None:
    for step in history.carried_out():
        world = step.world
        for node_id in world.nodes:
            for ref in named(world, node_id):
                if ref in (DEFAULT_ROUTER, ""):
                    continue
                router = router_of(world, ref)
                assert router is not None
                assert router.interior or node_id in guests(world, NodeId(ref))


@often
@hypothesis.given(histories(routed=True))
def test_there_is_one_default_router_at_most_and_it_takes_others(history: History) -> None:
    for step in history.carried_out():
        world = step.world
        systems = [key for key, row in world.nodes.items() if row.settings.system]
        assert systems == ([] if system_node(world) is None else [system_node(world)])
        found, router = default_router(world), router_of(world, DEFAULT_ROUTER)
        assert (found is None) == (router is None)
        if found is not None and router is not None:
            assert found[0] == router.node_id == system_node(world)
            assert router.interior
            assert router.host


@often
@hypothesis.given(histories(routed=True))
def test_upstreams_and_downstreams_are_two_sides_of_one_thing(history: History) -> None:
    world = history.world
    for node_id in world.nodes:
        for other in world.nodes:
            above = [each.node_id for each in upstreams(world, node_id)]
            assert (node_id in downstreams(world, other)) == (other in above)
            assert len(set(above)) == len(above)
            assert node_id not in above
            router = network_router(world, node_id)
            used = router is not None and router.node_id == other != node_id
            assert (node_id in guests(world, other)) == used


@often
@hypothesis.given(histories(routed=True))
def test_no_port_of_a_node_is_a_routers_and_a_microservices(history: History) -> None:
    for step in history.carried_out():
        world = step.world
        for node_id, row in world.nodes.items():
            ports = router_ports(row.settings.router)
            assert len(set(ports)) == len(ports)
            taken = {
                mapping.host
                for key in world.microservices.find("node", node_id)
                for mapping in world.microservices[key].spec.ports
                if mapping.protocol == "tcp"
            }
            assert taken.isdisjoint(ports)


@often
@hypothesis.given(histories(routed=True))
def test_an_agent_uses_its_own_router_at_localhost(history: History) -> None:
    world = history.world
    for node_id in world.nodes:
        address, router = router_address(world, node_id), network_router(world, node_id)
        assert (address is None) == (router is None)
        if address is not None and router is not None:
            assert address.port == router.messaging_port
            assert (address.host == LOCALHOST) == (
                router.node_id == node_id or router.host == world.nodes[node_id].settings.host
            )


INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)


def node(
    node_id: NodeId, router: RouterSettings | None, *, host: str = "", system: bool = False
) -> NodeRegistered:
    """A node with a router, on a host of its own."""
    name = node_id.removeprefix("node-")
    host = host or f"{name}.example"
    return NodeRegistered(
        node_id=node_id,
        name=name,
        settings=NodeSettings(host=host, router=router, system=system),
    )


SYSTEM = node(CENTRE, INTERIOR, system=True)
BELOW = RouterSettings(upstreams=[DEFAULT_ROUTER])
SET = DefaultRouterSet(network_id=DEFAULT_ROUTER, router=OUTSIDE)


def test_the_system_nodes_router_is_the_default_before_the_one_that_was_set() -> None:
    assert default_router(world_after()) is None
    assert default_router(world_after(SET)) == (None, OUTSIDE)
    expected = DefaultRouter(host="centre.example", edge_port=56722, inter_router_port=56721)
    assert default_router(world_after(SET, SYSTEM)) == (CENTRE, expected)
    assert default_router(world_after(SET, SYSTEM, NodeDeleted(node_id=CENTRE))) == (None, OUTSIDE)


def test_all_that_named_the_default_router_lead_to_the_new_one() -> None:
    world = world_after(SYSTEM, node(EAST, BELOW))
    assert [each.node_id for each in upstreams(world, EAST)] == [CENTRE]
    world = world_after(SYSTEM, node(EAST, BELOW), NodeDeleted(node_id=CENTRE))
    assert upstreams(world, EAST) == []
    world = world_after(
        SYSTEM, node(EAST, BELOW), NodeDeleted(node_id=CENTRE), node(HALL, INTERIOR, system=True)
    )
    assert [each.node_id for each in upstreams(world, EAST)] == [HALL]


def test_a_router_that_is_named_twice_is_led_to_once() -> None:
    twice = RouterSettings(upstreams=[CENTRE, DEFAULT_ROUTER, CENTRE])
    assert len(upstreams(world_after(SYSTEM, node(EAST, twice)), EAST)) == 1


def test_a_system_node_that_names_the_default_router_does_not_lead_to_itself() -> None:
    assert upstreams(world_after(node(CENTRE, BELOW, system=True)), CENTRE) == []


def test_an_agent_without_a_router_uses_the_one_that_is_named_or_the_default() -> None:
    world = world_after(
        SYSTEM,
        node(HALL, INTERIOR),
        node(EAST, RouterSettings(mode=RouterMode.NONE, network_router=HALL)),
        node(WEST, RouterSettings(mode=RouterMode.NONE)),
    )
    assert router_address(world, EAST) == RouterAddress(host="hall.example", port=5672)
    assert router_address(world, WEST) == RouterAddress(host="centre.example", port=5672)
    assert guests(world, HALL) == {EAST}
    assert guests(world, CENTRE) == {WEST}


def test_a_router_on_the_agents_own_host_is_at_localhost() -> None:
    world = world_after(
        SYSTEM, node(EAST, RouterSettings(mode=RouterMode.NONE), host="centre.example")
    )
    assert router_address(world, EAST) == RouterAddress(host=LOCALHOST, port=5672)


def test_nothing_of_the_routers_concerns_a_node_without_settings_for_one() -> None:
    world = world_after(SYSTEM, node(EAST, None))
    assert router_address(world, EAST) is None
    assert network_router(world, EAST) is None
    assert upstreams(world, EAST) == []
    assert router_address(world, NodeId("nobody")) is None


def test_public_ports_open_with_the_default_router_also_outside_all_nodes() -> None:
    assert public_host(world_after(), DEFAULT_ROUTER) is None
    assert public_host(world_after(SET), DEFAULT_ROUTER) == (None, "k8s.example")
    assert public_host(world_after(SYSTEM), DEFAULT_ROUTER) == (CENTRE, "centre.example")
    assert public_host(world_after(node(HALL, INTERIOR)), HALL) == (HALL, "hall.example")


def test_only_an_interior_router_has_the_ports_for_others() -> None:
    edge = RouterSettings(edge_port=1, inter_router_port=2)
    assert router_ports(edge) == [5672]
    assert router_ports(INTERIOR) == [5672, 56722, 56721]
    assert router_ports(None) == router_ports(RouterSettings(mode=RouterMode.NONE)) == []
    world = world_after(
        SYSTEM, NodeUpdated(node_id=CENTRE, settings=NodeSettings(host="x", router=edge))
    )
    router = router_of(world, CENTRE)
    assert router is not None
    assert not router.interior


def test_what_led_to_a_router_that_goes_leads_to_the_default() -> None:
    settings_of_east = NodeSettings(router=RouterSettings(upstreams=[HALL, DEFAULT_ROUTER, WEST]))
    left = without(settings_of_east, HALL).router
    assert left is not None
    assert left.upstreams == [DEFAULT_ROUTER, WEST]
    system = without(NodeSettings(system=True, router=RouterSettings(upstreams=[HALL])), HALL)
    assert system.router is not None
    assert system.router.upstreams == []
    guest = NodeSettings(router=RouterSettings(mode=RouterMode.NONE, network_router=HALL))
    assert without(guest, HALL).router == RouterSettings(
        mode=RouterMode.NONE, network_router=DEFAULT_ROUTER
    )
    assert without(NodeSettings(), HALL) == NodeSettings()


def test_a_router_leads_to_the_default_one_if_nobody_says_otherwise() -> None:
    assert usual_upstreams(system=False) == [DEFAULT_ROUTER]
    assert usual_upstreams(system=True) == []
