"""Which routers are shown: those of nodes, own and shared ones, the interior one, proxies."""

from msgspec.structs import replace

from ecn.agent_status import AgentStatus
from ecn.api.router_documents import ClosedPort, ProxyDocument, RouterReport
from ecn.api.topology import topology
from ecn.api.topology_documents import RouterDocument, RouterKind
from ecn.route_traffic import RouteTraffic
from events.envelope import GENESIS, KnownEvent
from events.ids import NodeId, UserId
from events.network import Broker, BrokerSet, DefaultRouter, DefaultRouterSet
from events.node import (
    DEFAULT_ROUTER,
    NodeCameOnline,
    NodeRegistered,
    NodeSettings,
    RouterMode,
    RouterSettings,
)
from events.user import Role, UserCreated
from projections.world import World, fold
from tests.builders import NOW, chained
from tests.ecn.api.server import Agent, Client, Controller

HUB, LEAF, GUEST, PLAIN = (NodeId(each) for each in ("hub", "leaf", "guest", "plain"))
PROXY = UserId("proxy")


def node(node_id: NodeId, router: RouterSettings | None, **more: object) -> NodeRegistered:
    settings = NodeSettings(router=router, **more)  # type: ignore[arg-type]
    return NodeRegistered(node_id=node_id, name=f"n-{node_id}", settings=settings)


NODES: tuple[KnownEvent, ...] = (
    node(
        HUB,
        RouterSettings(
            mode=RouterMode.INTERIOR,
            messaging_port=5672,
            edge_port=56722,
            inter_router_port=56721,
            upstreams=[],
        ),
        host="hub.example",
        system=True,
    ),
    node(LEAF, RouterSettings(mode=RouterMode.EDGE, messaging_port=5671, upstreams=[HUB])),
    node(GUEST, RouterSettings(mode=RouterMode.NONE, network_router=HUB)),
    node(PLAIN, None),
    NodeCameOnline(node_id=PLAIN),
    UserCreated(user_id=PROXY, name="gate", role=Role.ROUTER, password_hash="x"),
)
BROKER = BrokerSet(network_id="broker", broker=Broker(url="amqps://mq.example/ecn", ca_pem=""))


def world(*more: KnownEvent) -> World:
    return fold(World(), chained(GENESIS, *NODES, *more))


def told(
    at: World, *proxies: ProxyDocument, said: dict[str, AgentStatus] | None = None
) -> dict[str, RouterDocument]:
    found = topology(at, (said or {}).get, proxies, "down", "it is away")
    by_name = {each.name: each for each in found}
    assert len(by_name) == len(found)
    return by_name


def test_each_node_has_its_line_with_whom_it_leads_to_and_who_leads_to_it() -> None:
    found = told(world())
    assert "interior-router" not in found
    assert (found["n-hub"].kind, found["n-hub"].ports) == (
        RouterKind.INTERIOR,
        [5672, 56722, 56721],
    )
    assert found["n-hub"].downstreams == ["n-guest", "n-leaf"]
    assert (found["n-leaf"].kind, found["n-leaf"].upstreams) == (RouterKind.EDGE, ["n-hub"])
    assert (found["n-guest"].kind, found["n-guest"].upstreams, found["n-guest"].ports) == (
        RouterKind.SHARED,
        ["n-hub"],
        [],
    )
    assert (found["n-plain"].kind, found["n-plain"].upstreams) == (RouterKind.EDGE, [])


def test_with_an_interior_router_all_lead_to_it_and_it_says_how_it_is() -> None:
    found = told(world(BROKER))
    broker = found["interior-router"]
    assert (broker.kind, broker.host, broker.ports) == (RouterKind.BROKER, "mq.example", [5671])
    assert (broker.state, broker.reason) == ("down", "it is away")
    for name in broker.downstreams:
        assert found[name].upstreams[-1] == "interior-router"
    assert len(broker.downstreams) == 4


def test_a_default_router_outside_all_nodes_is_shown_with_who_leads_to_it() -> None:
    router = DefaultRouter(
        host="far.example", messaging_port=5672, edge_port=56722, inter_router_port=56721
    )
    leaf = node(LEAF, RouterSettings(mode=RouterMode.EDGE, upstreams=[DEFAULT_ROUTER]))
    at = fold(
        World(), chained(GENESIS, DefaultRouterSet(network_id=DEFAULT_ROUTER, router=router), leaf)
    )
    found = told(at)
    assert found["default-router"].downstreams == ["n-leaf"]
    assert found["n-leaf"].upstreams == ["default-router"]
    assert (found["default-router"].host, found["default-router"].ports[0]) == (
        "far.example",
        5672,
    )


def test_a_node_is_as_its_worst_route_and_while_it_is_away_it_is_that() -> None:
    traffic = RouteTraffic(at=NOW, state="up", stored=1, stored_bytes=10)
    waiting = replace(traffic, state="waiting", reason="the link is down", stored=2)
    status = AgentStatus(at=NOW, routes={"a": traffic, "b": waiting})
    found = told(world(), said={PLAIN: status, LEAF: status})
    plain = found["n-plain"]
    assert (plain.state, plain.reason) == ("waiting", "the link is down")
    assert (plain.stored_messages, plain.stored_bytes, plain.heard_at) == (3, 20, NOW)
    assert found["n-leaf"].state == "registered"
    assert told(world())["n-plain"].state == "up"


def test_proxies_say_what_they_opened_and_those_that_are_not_heard_are_shown_too() -> None:
    silent = told(world())["gate"]
    assert (silent.kind, silent.state) == (RouterKind.PROXY, "unknown")
    report = RouterReport(
        instance="a" * 12,
        host="edge-1",
        state="up",
        listening=[7000, 7001],
        closed=[ClosedPort(port=7002, reason="taken")],
        connections=5,
    )
    one = ProxyDocument(router_id=PROXY, name="gate", heard_at=NOW, report=report)
    found = told(world(), one)["gate"]
    assert (found.host, found.ports, found.connections) == ("edge-1", [7000, 7001], 5)
    assert found.reason == "port 7002: taken"
    other = replace(one, report=replace(report, instance="b" * 12))
    assert {"gate/aaaaaaaa", "gate/bbbbbbbb"} <= told(world(), one, other).keys()


async def test_whoever_may_read_lists_them(controller: Controller, viewer: Client) -> None:
    agent: Agent = await controller.agent("east")
    (listed,) = (await viewer.get("/routers")).is_good().items()
    assert (listed["name"], listed["kind"], listed["state"]) == ("east", "edge", "up")
    (await agent.report(goodbye=True)).is_good()
    (listed,) = (await viewer.get("/routers")).is_good().items()
    assert listed["state"] == "offline"
