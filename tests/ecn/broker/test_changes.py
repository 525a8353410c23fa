"""From what a broker holds to what it is to hold: everything is done, nothing too much."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.broker.changes import (
    DropExchange,
    DropQueue,
    DropUser,
    Found,
    FoundQueue,
    FoundUser,
    PutUser,
    Unbind,
    allowed,
    applied,
    changes,
)
from ecn.broker.topology import Binding, Limits, Policy, Queue, Topology, topology
from projections.world import World
from routing import addresses
from tests.builders import CACHE, EAST, WEB, WEST, world_after
from tests.ecn.broker.test_topology import CROSSING
from tests.ecn.broker.worlds import KEY, device, route, worlds

FULL = topology(world_after(*CROSSING, route("over", WEB, CACHE)), KEY, Limits())
INBOX = addresses.in_queue(CACHE)


def of(world: World) -> Topology:
    return topology(world, KEY, Limits())


def after(there: Found, wanted: Topology) -> Found:
    return applied(there, changes(there, wanted).steps)


def settled(there: Found) -> Found:
    """The same a minute later: what nothing leads to is counted right."""
    led_to = {each.destination for each in there.bindings if each.to_queue}
    return replace(there, idle=frozenset(set(there.queues) - led_to))


NAMES = st.sampled_from([*FULL.exchanges, *FULL.queues, "amq.topic", "theirs", "ecn.old", INBOX])
founds = st.builds(
    Found,
    exchanges=st.dictionaries(NAMES, st.sampled_from(["topic", "fanout"]), max_size=4),
    queues=st.dictionaries(
        NAMES, st.builds(FoundQueue, st.builds(Queue, st.booleans()), st.integers(0, 1)), max_size=4
    ),
    bindings=st.frozensets(st.builds(Binding, NAMES, NAMES, st.just("k"), st.booleans())),
    policies=st.dictionaries(
        st.sampled_from(["ecn-in", "ecn-x"]), st.just(Policy("^x$", {})), max_size=2
    ),
    users=st.dictionaries(
        st.sampled_from([*FULL.users, "ecn-node-x"]), st.builds(FoundUser, st.text(max_size=5))
    ),
)


@given(founds, worlds())
def test_a_second_time_there_is_nothing_to_do(there: Found, world: World) -> None:
    once = after(there, of(world))
    again = changes(once, of(world))
    assert again.steps == ()
    later = after(settled(once), of(world))
    assert changes(settled(later), of(world)).steps == ()


@given(worlds(), worlds())
def test_from_any_world_to_any_other(before: World, now: World) -> None:
    """All that is wanted is there, and access is as wanted; what is there besides is kept for a
    reason."""
    wanted = of(now)
    there = after(after(Found(), of(before)), wanted)
    assert there.exchanges == wanted.exchanges
    assert wanted.bindings <= there.bindings
    assert there.policies == wanted.policies
    assert {name: (u.configure, u.write, u.read) for name, u in there.users.items()} == {
        name: (u.configure, u.write, u.read) for name, u in wanted.users.items()
    }
    for each in there.bindings - wanted.bindings:
        assert (each.key, each.destination) in wanted.ways
    assert set(wanted.queues) <= set(there.queues)
    later = after(settled(there), wanted)
    led_to = {each.destination for each in later.bindings if each.to_queue}
    assert set(later.queues) <= set(wanted.queues) | led_to


@given(founds, worlds())
def test_what_is_not_ours_and_what_is_not_empty_stays(there: Found, world: World) -> None:
    for step in changes(settled(there), of(world)).steps:
        match step:
            case DropQueue():
                assert step.name.startswith("ecn.")
                assert there.queues[step.name].messages == 0
            case DropExchange():
                assert step.name.startswith("ecn.")
            case Unbind():
                assert step.binding.source.startswith("ecn.")
                assert step.binding.destination.startswith("ecn.")
            case _:
                pass


def test_an_unwanted_queue_goes_when_nothing_led_to_it_for_a_while() -> None:
    there = after(Found(), FULL)
    empty = of(world_after(*CROSSING[:5]))
    once = changes(there, empty)
    assert not any(isinstance(step, DropQueue) for step in once.steps)
    unbound = applied(there, once.steps)
    assert changes(unbound, empty).steps == ()
    assert changes(settled(unbound), empty).steps == (DropQueue(INBOX),)


def test_a_queue_of_somebody_who_is_gone_is_kept_with_its_messages_and_it_is_said() -> None:
    there = settled(Found(queues={INBOX: FoundQueue(Queue(quorum=True), messages=3)}))
    plan = changes(there, of(world_after(*CROSSING[:5])))
    assert not any(isinstance(step, DropQueue) for step in plan.steps)
    assert [each.why for each in plan.kept] == ["its owner is gone, and it has 3 messages"]


def test_a_queue_that_is_read_stays_until_its_reader_leaves() -> None:
    there = settled(Found(queues={INBOX: FoundQueue(Queue(quorum=True), consumers=1)}))
    wanted = of(world_after(*CROSSING[:5]))
    assert not any(isinstance(step, DropQueue) for step in changes(there, wanted).steps)


def test_another_device_is_another_user() -> None:
    there = after(Found(), FULL)
    name = addresses.node_user(WEST)
    again = of(world_after(*CROSSING, *device(WEST, "second"), route("over", WEB, CACHE)))
    first, second = changes(there, again).steps
    assert first == DropUser(name)
    assert isinstance(second, PutUser)
    assert (second.name, second.anew) == (name, True)


def test_a_former_way_stays_open_as_long_as_its_route_is_there() -> None:
    """What the sender's former node has not sent yet must find its way."""
    there = after(Found(), FULL)
    binding = Binding(addresses.out_exchange(EAST), INBOX, addresses.route_key("route-over"))
    assert binding in there.bindings
    local = of(world_after(*CROSSING, route("over", CACHE, CACHE)))
    assert binding not in local.bindings
    assert binding in after(there, local).bindings
    gone = of(world_after(*CROSSING))
    assert binding not in after(there, gone).bindings


def test_operators_and_proxies_bind_queues_of_their_own() -> None:
    theirs = {
        Binding(addresses.UPSTREAM, "billing", "upstream.shop.#"),
        Binding(addresses.proxy_exchange(EAST), addresses.router_queue("g", "1"), "router.g.1"),
    }
    there = after(Found(), FULL)
    there = replace(there, bindings=there.bindings | theirs)
    assert theirs <= after(there, FULL).bindings


def test_who_may_read_what_is_known() -> None:
    assert allowed(FULL, addresses.node_user(WEST), INBOX)
    assert allowed(FULL, addresses.node_user(EAST), INBOX) is False
    assert allowed(FULL, "operator", INBOX) is None
