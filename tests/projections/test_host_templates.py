"""Extra hosts that name a node or a microservice: what they mean, and whom it concerns."""

import pytest

from ecn.commands.application import CreateMicroservice, UpdateMicroservice
from ecn.errors import HostUnknown, Invalid
from events.application import (
    ApplicationRenamed,
    ExtraHost,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRenamed,
    MicroserviceSpec,
    PortMapping,
    PublicPort,
    PublicProtocol,
)
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from events.node import (
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    RouterMode,
    RouterSettings,
)
from projections.desired_state import revision
from projections.host_templates import Local, Node, Public, references, resolved, resolved_hosts
from projections.world import World, fold
from tests.builders import (
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    given,
    manifest,
    microservice,
    placement,
    spec,
    world_after,
)

THIRD = NodeId("node-third")


def node(node_id: NodeId, host: str | None, **more: object) -> NodeRegistered:
    settings = NodeSettings(host=host, **more)  # type: ignore[arg-type]
    return NodeRegistered(node_id=node_id, name=node_id.removeprefix("node-"), settings=settings)


def naming(*addresses: str) -> MicroserviceSpec:
    """A spec whose extra hosts are these."""
    return MicroserviceSpec(
        image="shop/web:1",
        extra_hosts=[
            ExtraHost(name=f"host-{number}", address=address)
            for number, address in enumerate(addresses)
        ],
    )


PUBLIC = PublicPort(schemes=["https"], protocol=PublicProtocol.HTTP, port=6000, queue="q")
OPEN = MicroserviceSpec(
    image="shop/cache:1", ports=[PortMapping(host=5000, container=80, public=PUBLIC)]
)
INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)
NETWORK: tuple[KnownEvent, ...] = (
    node(EAST, "10.0.0.1"),
    node(WEST, "10.0.0.2"),
    node(THIRD, "10.0.0.3", system=True, router=INTERIOR),
    application(),
    microservice("cache", node_id=WEST, made_from=OPEN),
)
ALL = ("${Agents.west}", "${Apps.shop.cache.local}", "${Apps.shop.cache.public.6000}")


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("${Agents.gate 7.a}", {Node("gate 7.a")}),
        ("${Apps.shop.web.local}", {Local("shop", "web")}),
        ("${Apps.a.b.c.local}", {Local("a", "b.c"), Local("a.b", "c")}),
        ("${Apps.shop.web.public.80}", {Public("shop", "web", 80)}),
        ("10.0.0.1", set()),
    ],
)
def test_what_a_template_names(address: str, meant: set[object]) -> None:
    assert set(references(address)) == meant


@pytest.mark.parametrize(
    "address",
    [
        "${Agents}",
        "${Agents.}",
        "${Apps.web.local}",
        "${Apps.a.b}",
        "${Apps.a.b.public.x}",
        "${X.a}",
    ],
)
def test_other_shapes_are_refused(address: str) -> None:
    refused = given(*NETWORK).when(manifest(placement(made_from=naming(address)))).raises(Invalid)
    assert refused.field == "$.microservices[0].extra_hosts[0].address"


@pytest.mark.parametrize(
    "address",
    [
        "${Agents.nobody}",
        "${Apps.shop.nobody.local}",
        "${Apps.nobody.cache.local}",
        "${Apps.shop.cache.public.6001}",
    ],
)
def test_what_leads_nowhere_is_refused(address: str) -> None:
    wanted = CreateMicroservice(application_id=SHOP, placement=placement(made_from=naming(address)))
    refused = given(*NETWORK).when(wanted).raises(HostUnknown)
    assert refused.field == "$.extra_hosts[0].address"


def test_a_node_without_a_host_is_nowhere() -> None:
    wanted = manifest(placement(made_from=naming("${Agents.east}")))
    given(node(EAST, None)).when(wanted).raises(HostUnknown)


def test_it_may_name_what_comes_with_it() -> None:
    opened = MicroserviceSpec(
        image="shop/cache:1", ports=[PortMapping(host=5000, container=80, public=PUBLIC)]
    )
    wanted = manifest(
        placement(made_from=naming("${Apps.shop.cache.public.6000}", "${Apps.shop.cache.local}")),
        placement("cache", node="west", made_from=opened),
    )
    world = given(*NETWORK[:3]).when(wanted).then_world()
    (web,) = (row for _, row in world.microservices.items() if row.name == "web")
    assert [each.address for each in resolved_hosts(world, web.spec)] == ["10.0.0.3", "10.0.0.2"]


def test_it_may_not_name_what_goes_with_the_same_command() -> None:
    wanted = manifest(placement(made_from=naming("${Apps.shop.cache.local}")))
    given(*NETWORK).when(wanted).raises(HostUnknown)


def test_what_led_somewhere_once_is_not_asked_again() -> None:
    there = microservice(made_from=naming(*ALL))
    gone = MicroserviceDeleted(microservice_id=CACHE)
    world = given(*NETWORK, there, gone)
    row = world.world.microservices[WEB]
    assert [each.address for each in resolved_hosts(world.world, row.spec)] == ["10.0.0.2"]
    other = UpdateMicroservice(
        microservice_id=WEB,
        placement=placement(made_from=naming(*ALL, "10.0.0.9")),
        seen=row.revision,
    )
    world.when(other).then_world()


def test_all_of_them_resolve() -> None:
    world = world_after(*NETWORK)
    assert [resolved(world, each) for each in ALL] == ["10.0.0.2", "10.0.0.2", "10.0.0.3"]


MOVED = MicroserviceMoved(microservice_id=CACHE, from_node_id=WEST, to_node_id=EAST)


@pytest.mark.parametrize(
    ("named", "event"),
    [
        ("${Agents.west}", NodeUpdated(node_id=WEST, settings=NodeSettings(host="10.9.9.9"))),
        ("${Agents.west}", NodeRenamed(node_id=WEST, name="elsewhere")),
        ("${Agents.new}", NodeRenamed(node_id=WEST, name="new")),
        ("${Agents.fourth}", node(NodeId("node-fourth"), "10.0.0.4")),
        (ALL[1], MOVED),
        (ALL[1], NodeUpdated(node_id=WEST, settings=NodeSettings(host="10.9.9.9"))),
        (ALL[1], MicroserviceDeleted(microservice_id=CACHE)),
        (ALL[1], MicroserviceRenamed(microservice_id=CACHE, name="store")),
        (ALL[1], ApplicationRenamed(application_id=SHOP, name="market")),
        (
            ALL[2],
            NodeUpdated(
                node_id=THIRD,
                settings=NodeSettings(host="10.9.9.9", system=True, router=INTERIOR),
            ),
        ),
        ("${Apps.shop.till.local}", microservice("till", node_id=WEST)),
    ],
)
def test_who_names_it_is_told_when_it_moves(named: str, event: KnownEvent) -> None:
    other = MicroserviceId("microservice-other")
    before = world_after(
        *NETWORK,
        microservice(made_from=naming(named)),
        application(name="bank", application_id=type(SHOP)("application-bank")),
        microservice("other", application_id=type(SHOP)("application-bank")),
    )
    after = fold(before, chained(before.head, event))
    assert told(before, WEB) != told(after, WEB)
    assert after.microservices[WEB].revision == after.position
    assert revision(after, EAST) == after.position
    assert after.microservices[other] == before.microservices[other]


def test_nobody_is_told_of_what_nobody_names() -> None:
    before = world_after(*NETWORK, microservice(made_from=spec()))
    event = NodeUpdated(node_id=WEST, settings=NodeSettings(host="10.9.9.9"))
    after = fold(before, chained(before.head, event))
    assert revision(after, EAST) == revision(before, EAST)
    assert revision(after, WEST) == revision(before, WEST)


def told(world: World, key: MicroserviceId) -> object:
    return resolved_hosts(world, world.microservices[key].spec)
