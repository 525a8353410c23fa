"""Public ports: a number each, once on a host, kept as long as the port is there."""

import pytest
from msgspec.structs import replace

from ecn.commands.application import CreateMicroservice, MoveMicroservice
from ecn.errors import Invalid, NoPublicPort, PortTaken, RouterMissing, UpstreamNotInterior
from events.application import (
    PortMapping,
    Protocol,
    PublicPort,
    PublicProtocol,
)
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.network import DefaultRouter, DefaultRouterSet, NetworkSettingChanged
from events.node import (
    DEFAULT_ROUTER,
    NodeRegistered,
    NodeSettings,
    NodeUpdated,
    RouterMode,
    RouterSettings,
)
from projections.public_ports import hosted, links, proxy_mappings, queue_of
from projections.world import World
from tests.builders import (
    SHOP,
    WEB,
    WEST,
    Given,
    application,
    given,
    manifest,
    microservice,
    placement,
    port,
    registered,
    spec,
)

CENTRE, GATE = NodeId("node-centre"), NodeId("node-gate")
INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)
AT_THE_CENTRE = NodeRegistered(
    node_id=CENTRE,
    name="centre",
    settings=NodeSettings(host="centre.example", system=True, router=INTERIOR),
)
AT_THE_GATE = NodeRegistered(
    node_id=GATE, name="gate", settings=NodeSettings(host="gate.example", router=INTERIOR)
)
OUTSIDE = DefaultRouterSet(network_id=DEFAULT_ROUTER, router=DefaultRouter(host="k8s.example"))
NETWORK: tuple[KnownEvent, ...] = (
    AT_THE_CENTRE,
    AT_THE_GATE,
    registered(),
    registered(WEST),
    application(),
)


def public(
    number: int = 0,
    *,
    host: int = 5000,
    container: int = 80,
    router: str = DEFAULT_ROUTER,
    enabled: bool = True,
) -> PortMapping:
    """A port of the device that is public too."""
    opened = PublicPort(
        schemes=["https"],
        protocol=PublicProtocol.HTTP,
        port=number,
        router=router,
        enabled=enabled,
    )
    return replace(port(host, container), public=opened)


def settled(mapping: PortMapping, number: int, microservice_id: MicroserviceId) -> PortMapping:
    """The same with what the decider finds."""
    assert mapping.public is not None
    queue = queue_of(microservice_id, mapping)
    return replace(mapping, public=replace(mapping.public, port=number, queue=queue))


def numbers(world: World) -> dict[str, list[int]]:
    """The public ports that there are, by microservice."""
    return {
        row.name: [each.public.port for each in row.spec.ports if each.public is not None]
        for _, row in world.microservices.items()
    }


def deployed(network: Given, *ports: PortMapping, name: str = "web") -> Given:
    return Given(network.when(manifest(placement(name, *ports))).then_world())


def test_the_first_one_is_6000() -> None:
    given(*NETWORK).when(
        CreateMicroservice(application_id=SHOP, placement=placement("web", public()))
    ).then(microservice("web", settled(public(), 6000, WEB)))


def test_a_number_is_given_once_and_kept() -> None:
    wanted = manifest(
        placement("web", public(), public(host=5001, container=81)),
        placement("cache", public(host=5002)),
    )
    after = Given(given(*NETWORK).when(wanted).then_world())
    assert numbers(after.world) == {"web": [6000, 6001], "cache": [6002]}
    after.when(wanted).then()


def test_a_number_is_kept_when_a_lower_one_is_free() -> None:
    web, cache = placement("web", public()), placement("cache", public(host=5001))
    before = Given(given(*NETWORK).when(manifest(web, cache)).then_world())
    world = before.when(manifest(cache)).then_world()
    assert numbers(world) == {"cache": [6001]}


def test_one_that_is_named_is_not_in_the_way_of_one_that_is_chosen() -> None:
    wanted = manifest(placement("web", public()), placement("cache", public(6000, host=5001)))
    assert numbers(given(*NETWORK).when(wanted).then_world()) == {"web": [6001], "cache": [6000]}


def test_what_goes_in_the_same_command_is_free_again() -> None:
    before = deployed(given(*NETWORK), public(), name="old")
    assert numbers(before.world) == {"old": [6000]}
    world = before.when(manifest(placement("new", public()))).then_world()
    assert numbers(world) == {"new": [6000]}


def test_a_named_one_that_is_taken_is_refused_by_name() -> None:
    refused = (
        deployed(given(*NETWORK), public())
        .when(
            CreateMicroservice(
                application_id=SHOP, placement=placement("cache", public(6000, host=5001))
            )
        )
        .raises(PortTaken)
    )
    assert refused.holder == "a public port of microservice 'shop/web'"
    assert refused.field == "$.ports[0].public.port"


@pytest.mark.parametrize("number", [5672, 56721, 56722])
def test_the_routers_own_ports_are_taken(number: int) -> None:
    refused = given(*NETWORK).when(manifest(placement("web", public(number)))).raises(PortTaken)
    assert refused.holder == "its router"


def test_a_microservice_does_not_get_a_port_of_its_nodes_router() -> None:
    there = manifest(placement("web", 5672, node="centre"))
    assert given(*NETWORK).when(there).raises(PortTaken).holder == "its router"


def test_a_microservice_does_not_get_a_port_that_is_public_there() -> None:
    before = deployed(given(*NETWORK), public())
    added = CreateMicroservice(
        application_id=SHOP, placement=placement("cache", 6000, node="centre")
    )
    before.when(added).raises(PortTaken)
    moving = CreateMicroservice(application_id=SHOP, placement=placement("cache", 6000))
    elsewhere = Given(before.when(moving).then_world())
    elsewhere.when(
        MoveMicroservice(microservice_id=MicroserviceId("microservice-cache"), node="centre")
    ).raises(PortTaken)


def test_a_public_port_does_not_open_where_a_microservice_listens() -> None:
    before = given(*NETWORK, microservice("cache", 6000, node_id=CENTRE))
    before.when(
        CreateMicroservice(application_id=SHOP, placement=placement("web", public(6000)))
    ).raises(PortTaken)
    world = before.when(
        CreateMicroservice(application_id=SHOP, placement=placement("web", public()))
    ).then_world()
    assert numbers(world)["web"] == [6001]


def test_each_host_counts_for_itself() -> None:
    wanted = manifest(
        placement("web", public()), placement("cache", public(host=5001, router="gate"))
    )
    world = given(*NETWORK).when(wanted).then_world()
    assert numbers(world) == {"web": [6000], "cache": [6000]}
    assert [key for key, _, _ in hosted(world, GATE)] == ["microservice-cache"]


def test_outside_all_nodes_a_number_is_given_once_in_the_network() -> None:
    wanted = manifest(
        placement("web", public()), placement("cache", public(host=5001, router="gate"))
    )
    world = given(OUTSIDE, *NETWORK[1:]).when(wanted).then_world()
    assert numbers(world) == {"web": [6000], "cache": [6001]}


def test_when_all_are_taken_none_is_left() -> None:
    network = given(*NETWORK)
    many = [public(host=10000 + n, container=1 + n) for n in range(1000)]
    full = deployed(network, *many)
    assert numbers(full.world)["web"] == list(range(6000, 7000))
    full.when(
        CreateMicroservice(application_id=SHOP, placement=placement("cache", public()))
    ).raises(NoPublicPort)


def test_a_router_is_named_by_a_nodes_name_and_kept_by_its_id() -> None:
    world = deployed(given(*NETWORK), public(router="gate")).world
    (mapping,) = world.microservices[WEB].spec.ports
    assert mapping.public is not None
    assert mapping.public.router == GATE


@pytest.mark.parametrize("router", ["nobody", "east"])
def test_where_no_router_is_nothing_opens(router: str) -> None:
    wanted = manifest(placement("web", public(router=router)))
    assert given(*NETWORK).when(wanted).raises(RouterMissing).field == (
        "$.microservices[0].ports[0].public.router"
    )


def test_an_edge_router_opens_nothing() -> None:
    edge = NodeSettings(host="east.example", router=RouterSettings())
    network = given(*NETWORK, NodeUpdated(node_id=NodeId("node-east"), settings=edge))
    network.when(manifest(placement("web", public(router="east")))).raises(UpstreamNotInterior)


def test_no_default_router_no_port() -> None:
    given(*NETWORK[1:]).when(manifest(placement("web", public()))).raises(RouterMissing)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"schemes": ["wss"]}, "public.protocol"),
        ({"schemes": []}, "public.schemes"),
        ({"schemes": ["not a scheme"]}, "public.schemes"),
        ({"port": 54321}, "public.port"),
        ({"port": 70000}, "public.port"),
    ],
)
def test_a_public_port_keeps_the_rules(bad: dict[str, object], field: str) -> None:
    mapping = public()
    assert mapping.public is not None
    wrong = replace(mapping, public=replace(mapping.public, **bad))
    refused = given(*NETWORK).when(manifest(placement("web", wrong))).raises(Invalid)
    assert refused.field == f"$.microservices[0].ports[0].{field}"


def test_what_is_not_http_needs_tcp_and_then_may_have_any_scheme() -> None:
    mapping = public()
    assert mapping.public is not None
    tcp = replace(mapping.public, schemes=["wss", "mqtt"], protocol=PublicProtocol.TCP)
    world = deployed(given(*NETWORK), replace(mapping, public=tcp)).world
    assert numbers(world) == {"web": [6000]}


def test_only_tcp_is_carried() -> None:
    udp = replace(public(), protocol=Protocol.UDP)
    given(*NETWORK).when(manifest(placement("web", udp))).raises(Invalid)


def test_a_container_port_is_public_once() -> None:
    twice = placement("web", public(), public(host=5001))
    given(*NETWORK).when(manifest(twice)).raises(Invalid)


def test_proxies_carry_it_from_the_host_to_the_device() -> None:
    world = deployed(given(*NETWORK), public()).world
    queue = queue_of(WEB, public())
    assert proxy_mappings(world, CENTRE) == [f"http:6000=>amqp:{queue}"]
    assert proxy_mappings(world, NodeId("node-east")) == [f"amqp:{queue}=>http:5000"]
    assert proxy_mappings(world, WEST) == []


def test_a_disabled_one_is_carried_by_nobody_and_keeps_its_number() -> None:
    world = deployed(given(*NETWORK), public(enabled=False)).world
    assert numbers(world) == {"web": [6000]}
    assert proxy_mappings(world, CENTRE) == []
    assert proxy_mappings(world, NodeId("node-east")) == []


def test_moved_it_keeps_number_and_queue() -> None:
    before = deployed(given(*NETWORK), public())
    world = before.when(MoveMicroservice(microservice_id=WEB, node="west")).then_world()
    assert world.microservices[WEB].spec == before.world.microservices[WEB].spec
    assert proxy_mappings(world, WEST) == [f"amqp:{queue_of(WEB, public())}=>http:5000"]


def test_links_name_the_host_as_well_as_it_is_known() -> None:
    def link_of(network: Given) -> list[str]:
        (mapping,) = deployed(network, public()).world.microservices[WEB].spec.ports
        assert mapping.public is not None
        return links(network.world, mapping.public)

    assert link_of(given(*NETWORK)) == ["https://centre.example:6000"]
    assert link_of(given(OUTSIDE, *NETWORK[1:])) == ["https://undefined-proxy-host:6000"]
    set_host = NetworkSettingChanged(network_id="default-proxy-host", value="lb.example")
    assert link_of(given(OUTSIDE, set_host, *NETWORK[1:])) == ["https://lb.example:6000"]


def test_no_two_ports_share_a_queue() -> None:
    queues = {
        queue_of(MicroserviceId(each), public(container=container))
        for each in ("one", "two")
        for container in (80, 81)
    }
    assert len(queues) == 4
    assert all(len(queue) == 32 for queue in queues)


def test_on_the_hosts_network_ports_are_claims() -> None:
    on_host = replace(spec(8080), host_network=True)
    before = given(*NETWORK, microservice("web", made_from=on_host))
    before.when(CreateMicroservice(application_id=SHOP, placement=placement("cache", 8080))).raises(
        PortTaken
    )


def test_a_change_of_anything_else_leaves_the_number() -> None:
    before = deployed(given(*NETWORK), public())
    (event,) = (
        before.when(manifest(placement("web", made_from=replace(spec(public()), env={"A": "1"}))))
        .then_world()
        .microservices[WEB]
        .spec.ports
    )
    assert event.public is not None
    assert event.public.port == 6000
