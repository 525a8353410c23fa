"""What the interior router is to hold: all that routes need, and nobody gets at another's."""

import re

from hypothesis import given

from ecn.broker.credentials import for_node, for_router, is_hash_of, node_password
from ecn.broker.topology import Binding, Limits, Topology, topology
from events.application import MicroserviceMoved
from events.ids import MicroserviceId
from events.network import Broker, BrokerSet
from events.user import Role, TokenRevoked
from projections.node_routes import inboxes, outlets
from projections.world import World
from routing import addresses
from tests.builders import (
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    microservice,
    registered,
    spec,
    token,
    user,
    world_after,
)
from tests.ecn.broker.worlds import DOTTED, GATE, KEY, NODES, device, public, route, worlds

CROSSING = [
    registered(EAST), registered(WEST), *device(EAST), *device(WEST), application(),
    microservice("web", node_id=EAST), microservice("cache", node_id=WEST),
]  # fmt: skip


def made(world: World) -> Topology:
    return topology(world, KEY, Limits())


def may(pattern: str, name: str) -> bool:
    """As RabbitMQ asks: the pattern is found somewhere in the name."""
    return re.search(pattern, name) is not None


def queues_from(there: Topology, exchange: str, key: str) -> set[str]:
    """Where a message published there with that key ends up: none of our keys is a pattern."""
    found: set[str] = set()
    for each in there.bindings:
        if each.source == exchange and each.key == key:
            further = {each.destination} if each.to_queue else set()
            found |= further or queues_from(there, each.destination, key)
    return found


@given(worlds())
def test_a_node_writes_and_reads_its_own_and_nothing_else(world: World) -> None:
    there = made(world)
    names = {*there.exchanges, *there.queues, *there.living, "", "amq.default", "amq.topic"}
    names |= {addresses.router_queue("gate", "1"), addresses.proxy_exchange(EAST)}
    # A dot in an id is a dot, and not just anything.
    names |= {name.replace(".", "x") for name in names}
    for node_id, row in world.nodes.items():
        user_ = there.users.get(addresses.node_user(node_id))
        assert (user_ is not None) == (row.credential_hash is not None)
        if user_ is None:
            continue
        inboxes = {addresses.in_queue(each) for each in world.microservices.find("node", node_id)}
        for name in names:
            assert not may(user_.configure, name) or not name
            if may(user_.write, name):
                assert name in (addresses.out_exchange(node_id), addresses.proxy_exchange(node_id))
            if may(user_.read, name):
                assert name in inboxes | {addresses.proxy_queue(node_id)}


@given(worlds())
def test_what_a_node_may_send_reaches_its_receiver_and_no_other(world: World) -> None:
    there = made(world)
    for route_id, row in world.routes.items():
        app = world.applications[row.application_id].name
        source, destination = row.ends.source, row.ends.destination
        members = set(world.microservices.find("application", row.application_id))
        sources = {source} if source is not None else members
        if destination is None:
            key = addresses.upstream_key(app, row.name)
            queue = addresses.upstream_queue(app)
            queue = addresses.webhook_queue(route_id) if row.terms.webhook else queue
        else:
            key, queue = addresses.route_key(route_id), addresses.in_queue(destination)
        for node_id in NODES:
            here = {each for each in sources if world.microservices[each].node_id == node_id}
            crossing = destination is None or world.microservices[destination].node_id != node_id
            device_ = world.nodes[node_id].credential_hash is not None
            led = queues_from(there, addresses.out_exchange(node_id), key)
            assert led == ({queue} if here and crossing and device_ else set())


@given(worlds())
def test_what_agents_are_told_of_is_there_for_them(world: World) -> None:
    there = made(world)
    for node_id, row in world.nodes.items():
        for each in inboxes(world, node_id):
            queue = addresses.in_queue(each)
            assert queue in there.queues
            if row.credential_hash is not None:
                assert may(there.users[addresses.node_user(node_id)].read, queue)
        for route_row, told in outlets(world, node_id):
            if told.here or row.credential_hash is None:
                continue
            name = world.applications[route_row.application_id].name
            key = addresses.route_key(told.route_id)
            if told.ends.destination is None:
                key = addresses.upstream_key(name, told.name)
            assert queues_from(there, addresses.out_exchange(node_id), key)


@given(worlds())
def test_everything_that_is_bound_is_declared(world: World) -> None:
    there = made(world)
    for each in there.bindings:
        assert each.source in there.exchanges
        assert each.destination in (there.queues if each.to_queue else there.exchanges)
        # Wildcards would lead more there than is meant.
        assert not {"*", "#"} & set(each.key.split("."))
    assert all(name.startswith("ecn.") for name in (*there.exchanges, *there.queues))
    assert {name for name in there.queues if "webhook" not in name} <= there.living | {"ecn.dead"}


def test_a_route_over_two_nodes_has_a_queue_and_one_on_a_single_node_needs_none() -> None:
    there = made(world_after(*CROSSING, route("over", WEB, CACHE)))
    assert addresses.in_queue(CACHE) in there.queues
    here = made(world_after(*CROSSING, route("here", WEB, WEB)))
    assert set(here.queues) == {addresses.DEAD}


@given(worlds())
def test_of_all_queues_those_of_microservices_have_one_reader(world: World) -> None:
    for name, queue in made(world).queues.items():
        assert queue.one_reader == name.startswith(addresses.in_queue(""))


def test_names_with_dots_stay_apart() -> None:
    events = [
        *CROSSING, application(DOTTED),
        microservice("far", application_id=DOTTED), route("a", WEB, None),
        route("b", "microservice-far", None, application_id=DOTTED),
    ]  # fmt: skip
    there = made(world_after(*events))
    out = addresses.out_exchange(EAST)
    assert queues_from(there, out, "upstream.shop%2Eeu.b") == {"ecn.upstream.shop.eu"}
    assert queues_from(there, out, "upstream.shop.a") == {"ecn.upstream.shop"}


def test_a_webhook_takes_the_place_of_the_application_s_queue() -> None:
    there = made(world_after(*CROSSING, route("hook", WEB, None, webhook="https://x.example")))
    key = addresses.upstream_key("shop", "hook")
    webhook = addresses.webhook_queue("route-hook")
    assert queues_from(there, addresses.out_exchange(EAST), key) == {webhook}
    assert Binding(addresses.UPSTREAM, webhook, key) in there.bindings


def test_a_moved_receiver_is_read_by_its_new_node_alone() -> None:
    moved = MicroserviceMoved(microservice_id=CACHE, from_node_id=WEST, to_node_id=EAST)
    there = made(world_after(*CROSSING, route("over", WEB, CACHE), moved))
    inbox = addresses.in_queue(CACHE)
    assert may(there.users[addresses.node_user(EAST)].read, inbox)
    assert not may(there.users[addresses.node_user(WEST)].read, inbox)
    # What is on its way still finds it.
    assert (addresses.route_key("route-over"), inbox) in there.ways
    assert inbox in there.living


def test_proxies_have_queues_where_there_are_public_ports() -> None:
    carried = microservice("far", node_id=WEST, made_from=spec(public(1)))
    there = made(world_after(*CROSSING, carried))
    assert addresses.proxy_queue(WEST) in there.queues
    assert addresses.proxy_queue(EAST) not in there.queues
    assert not there.queues[addresses.proxy_queue(WEST)].quorum
    binding = Binding(addresses.PROXY, addresses.proxy_queue(WEST), WEST)
    assert binding in there.bindings


def test_an_interior_proxy_has_queues_of_its_own_and_what_nodes_answer() -> None:
    other = addresses.router_queue("user-gate-2", "1")
    there = made(world_after(*CROSSING, user(GATE, Role.ROUTER), token(GATE)))
    gate = there.users[addresses.router_user(GATE)]
    own = addresses.router_queue(GATE, "7f")
    assert may(gate.configure, own)
    assert may(gate.write, own)
    assert may(gate.read, own)
    assert may(gate.write, addresses.PROXY)
    assert may(gate.read, addresses.proxy_exchange(EAST))
    for name in (other, addresses.proxy_queue(EAST), addresses.in_queue(WEB), addresses.UPSTREAM):
        assert not may(gate.configure, name)
        assert not may(gate.read, name)
        assert not may(gate.write, name)


def test_an_interior_proxy_without_a_token_has_no_access() -> None:
    there = made(world_after(user(GATE, Role.ROUTER)))
    assert addresses.router_user(GATE) not in there.users
    before = made(world_after(user(GATE, Role.ROUTER), token(GATE, "t1"), token(GATE, "t2")))
    revoked = TokenRevoked(user_id=GATE, token_id="t1")  # type: ignore[arg-type]
    after = made(
        world_after(user(GATE, Role.ROUTER), token(GATE, "t1"), token(GATE, "t2"), revoked)
    )
    name = addresses.router_user(GATE)
    assert before.users[name].password != after.users[name].password


def test_an_agent_is_told_the_very_password_that_its_user_has() -> None:
    there = Broker(url="amqps://router.example/ecn", ca_pem="-----")
    world = world_after(
        *CROSSING,
        user(GATE, Role.ROUTER),
        token(GATE),
        BrokerSet(network_id="broker", broker=there),
    )
    told = for_node(world, EAST, KEY)
    assert told is not None
    assert made(world).users[told.user].password == told.password
    assert (told.url, told.ca_pem) == (there.url, there.ca_pem)
    proxy = for_router(world, GATE, KEY)
    assert proxy is not None
    assert made(world).users[proxy.user].password == proxy.password


def test_nobody_is_told_of_an_interior_router_that_is_not_there() -> None:
    world = world_after(*CROSSING, user(GATE, Role.ROUTER), token(GATE))
    assert for_node(world, EAST, KEY) is None
    assert for_router(world, GATE, KEY) is None


def test_another_device_another_credential_and_another_network_have_other_passwords() -> None:
    words = {
        node_password(key, node_id, credential)
        for key in (KEY, b"other" * 8)
        for node_id in (EAST, WEST)
        for credential in ("one", "two")
    }
    assert len(words) == 8
    assert not any(is_hash_of(word, kept) for word in words for kept in ("", "AAAA", "é", word))


def test_a_receiver_is_whom_any_route_leads_to() -> None:
    there = made(world_after(*CROSSING, route("any", None, CACHE)))
    assert addresses.in_queue(CACHE) in there.queues
    assert may(there.users[addresses.node_user(WEST)].read, addresses.in_queue(CACHE))
    stranger = addresses.in_queue(MicroserviceId(f"{CACHE}-2"))
    assert not may(there.users[addresses.node_user(WEST)].read, stranger)
    assert SHOP
