"""Change flags: what an agent that polls has not done yet is up, whatever it acknowledges when."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, TypeVar

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands.node import AcknowledgeChanges
from ecn.deciders.decide import decide
from events.application import (
    ApplicationStopped,
    ExtraHost,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceUpdated,
    PublicPort,
    PublicProtocol,
    SnapshotRequested,
    TracingSwitched,
)
from events.catalog import RegistrySettings, RegistryUpdated
from events.edge_resource import EdgeResourceCreated, EdgeResourceLinked, EdgeResourceSettings
from events.envelope import KnownEvent, UnknownEvent
from events.ids import EdgeResourceId, MicroserviceId, NodeId, RegistryId, RouteId
from events.network import BrokerSet, DefaultRouter, DefaultRouterSet
from events.node import (
    DEFAULT_ROUTER,
    AgentSettings,
    Instruction,
    InstructionCarriedOut,
    NodeCameOnline,
    NodeChangesAcknowledged,
    NodeDeleted,
    NodeDeprovisioned,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeSettings,
    NodeUpdated,
    Platform,
    RouterMode,
    RouterSettings,
    TunnelClosed,
    TunnelOpened,
)
from events.route import RouteCreated, RouteDeleted, RouteEnds
from events.twin import TwinEvents
from events.volume import VolumeEvents
from projections import desired_state, node_routes, reactions
from projections.changes import ChangesRow, latest, to_rebuild, up
from projections.flags import Flag
from projections.host_templates import resolved_hosts
from projections.images import image_for
from projections.reactions import AT_PROVISIONING
from projections.routers import network_router, router_address, upstreams
from projections.world import World, fold
from tests.builders import (
    CACHE,
    EAST,
    HUB,
    NOW,
    SECOND,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    key_issued,
    microservice,
    port,
    provisioned,
    registered,
    registry,
    spec,
    told,
    world_after,
)
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=100, deadline=None)
T = TypeVar("T")
both = st.one_of(histories(), histories(routed=True))


class Poll(NamedTuple):
    """What an agent was told, and how many events had happened then."""

    node_id: NodeId
    through: int
    after: int


@settings(often, max_examples=50)  # with acknowledgements between all events: the longest of all
@hypothesis.given(both, st.data())
def test_a_flag_that_was_raised_after_a_poll_outlives_its_acknowledgement(
    history: History, data: st.DataObject
) -> None:
    """Polls anywhere, acknowledged late, twice, in any order or never: nothing is ever lost, and
    what was done is not told again."""
    world, polls = World(), list[Poll]()
    raised: dict[tuple[NodeId, Flag | MicroserviceId], int] = {}
    done: dict[NodeId, int] = {}
    for number, recorded in enumerate(history.log):
        event = recorded.event
        if isinstance(event, NodeChangesAcknowledged | UnknownEvent):
            continue
        expected = expected_of(world, event)
        world = fold(world, chained(world.head, event, now=recorded.time))
        if isinstance(event, NodeProvisioned):
            raised = {
                each: when
                for each, when in raised.items()
                if not (each[0] == event.node_id and each[1] in AT_PROVISIONING)
            }
        raised.update(dict.fromkeys(expected, number))
        raised = {each: when for each, when in raised.items() if there(world, *each)}
        for node_id in some_of(data, sorted(world.nodes), at_most=2):
            polls.append(Poll(node_id, latest(world.changes[node_id]), number))
        for poll in some_of(data, polls, at_most=1):
            command = AcknowledgeChanges(node_id=poll.node_id, through=poll.through)
            world = fold(world, chained(world.head, *decide(world, command), now=recorded.time))
            done[poll.node_id] = max(done.get(poll.node_id, -1), poll.after)
        for (node_id, what), when in raised.items():
            assert is_up(world, node_id, what) == (when > done.get(node_id, -1))


def some_of(data: st.DataObject, values: Sequence[T], *, at_most: int) -> list[T]:
    """A few of these, maybe none."""
    drawn = st.lists(st.sampled_from(values), max_size=at_most) if values else st.just([])
    return data.draw(drawn)


def expected_of(world: World, event: KnownEvent) -> set[tuple[NodeId, Flag | MicroserviceId]]:
    """What the event raises on nodes that are there after it."""
    if not isinstance(event, reactions.EVENTS):
        return set()
    gone = event.node_id if isinstance(event, NodeDeleted) else None
    new = event.node_id if isinstance(event, NodeRegistered) else None
    return {
        (node_id, what)
        for node_id, what in reactions.of(world, event)
        if node_id != gone and (node_id in world.nodes or node_id == new)
    }


def there(world: World, node_id: NodeId, what: Flag | MicroserviceId) -> bool:
    """Whether the node is there still, and the microservice on it."""
    if isinstance(what, Flag):
        return node_id in world.nodes
    row = world.microservices.get(what)
    return row is not None and row.node_id == node_id


def is_up(world: World, node_id: NodeId, what: Flag | MicroserviceId) -> bool:
    """The flag, or the microservice's rebuild."""
    row = world.changes[node_id]
    return what in up(row) if isinstance(what, Flag) else to_rebuild(row, what)


@often
@hypothesis.given(both)
def test_every_node_has_its_changes_and_nobody_else(history: History) -> None:
    assert set(history.world.changes) == set(history.world.nodes)


@often
@hypothesis.given(both)
def test_stamps_only_grow_and_are_never_before_their_event(history: History) -> None:
    before = World()
    for recorded in history.log:
        world = fold(before, [recorded])
        for node_id, row in world.changes.items():
            old = before.changes.get(node_id) or ChangesRow()
            assert latest(row) >= latest(old)
            if max(row.stamps.values(), default=0) > latest(old):
                assert latest(row) >= recorded.time.timestamp() * 1000
            # Nothing that is done is kept.
            assert all(stamp > row.acknowledged for stamp in row.stamps.values())
            assert all(stamp > row.acknowledged for stamp in row.rebuilds.values())
            assert all(there(world, node_id, key) for key in row.rebuilds)
        before = world


TOLD_OTHERWISE = NodeDeprovisioned | VolumeEvents | TwinEvents | InstructionCarriedOut | BrokerSet


def own_nodes(before: World, event: node_routes.EVENTS) -> set[NodeId]:
    """Where the microservice is that the event is about."""
    match event:
        case MicroserviceCreated():
            return {event.node_id}
        case MicroserviceMoved():
            return {event.from_node_id, event.to_node_id}
        case MicroserviceDeleted():
            return {before.microservices[event.microservice_id].node_id}
    return set()


@often
@hypothesis.given(both)
def test_whoever_waits_and_whoever_polls_hear_of_the_same_things(history: History) -> None:
    """The nodes whose revision moves have a flag up; a credential that died is told otherwise, and
    an agent that polls has no volumes of the network's, no twins, no interior router, and says
    nothing of outcomes. Of routes it is not told where those are that they lead to."""
    before = World()
    for recorded in history.log:
        world, event = fold(before, [recorded]), recorded.event
        by_route_alone = set[NodeId]()
        if isinstance(event, node_routes.EVENTS):
            by_route_alone = node_routes.touched(before, event) - own_nodes(before, event)
        for node_id in world.nodes:
            moved = desired_state.revision(world, node_id) == recorded.position
            if moved and node_id not in by_route_alone and not isinstance(event, TOLD_OTHERWISE):
                now, then = world.changes[node_id], before.changes.get(node_id) or ChangesRow()
                assert latest(now) > latest(then)
        before = world


@often
@hypothesis.given(both)
def test_what_a_container_is_made_from_does_not_change_without_a_rebuild(history: History) -> None:
    before = World()
    for recorded in history.log:
        world = fold(before, [recorded])
        for key, row in world.microservices.items():
            old = before.microservices.get(key)
            if (
                old is None
                or old.node_id != row.node_id
                or recorded.event.subject.startswith("reg")
            ):
                continue
            if made_from(before, key) != made_from(world, key):
                assert key in raised_now(before, world, row.node_id)
        before = world


def raised_now(before: World, world: World, node_id: NodeId) -> set[str]:
    """The flags and rebuilds of a node with another stamp than before."""
    old, new = before.changes[node_id], world.changes[node_id]
    return {str(each) for each, stamp in new.stamps.items() if old.stamps.get(each) != stamp} | {
        str(key) for key, stamp in new.rebuilds.items() if old.rebuilds.get(key) != stamp
    }


def made_from(world: World, key: MicroserviceId) -> object:
    """All that goes into a microservice's container."""
    row = world.microservices[key]
    node = world.nodes[row.node_id]
    hosts = resolved_hosts(world, row.spec)
    return replace(row.spec, config="{}"), image_for(world, row.spec, node), hosts


@often
@hypothesis.given(histories(routed=True))
def test_another_way_to_the_routers_is_told(history: History) -> None:
    before = World()
    for recorded in history.log:
        world = fold(before, [recorded])
        for node_id in world.nodes:
            if node_id not in before.nodes:
                continue
            now = raised_now(before, world, node_id)
            if upstreams(before, node_id) != upstreams(world, node_id):
                assert Flag.MICROSERVICE_CONFIG in now
            if network_router(before, node_id) != network_router(world, node_id):
                assert {Flag.ROUTER_CHANGED, Flag.MICROSERVICE_CONFIG} <= now
            if router_address(before, node_id) != router_address(world, node_id):
                assert {Flag.ROUTER_CHANGED, Flag.CONFIG} <= now
        before = world


PUBLIC = replace(
    port(8080),
    public=PublicPort(schemes=["http"], protocol=PublicProtocol.HTTP, port=6000, queue="q"),
)
CENTRE = NodeId("node-centre")
INTERIOR = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56722, inter_router_port=56721)
EDGE = RouterSettings(upstreams=[DEFAULT_ROUTER])
GUEST = RouterSettings(mode=RouterMode.NONE, network_router=DEFAULT_ROUTER)
SETTINGS = NodeSettings(host="e.example", router=EDGE)
SYSTEM = NodeSettings(host="centre.example", system=True, router=INTERIOR)

NETWORK: tuple[KnownEvent, ...] = (
    NodeRegistered(node_id=CENTRE, name="centre", settings=SYSTEM),
    NodeRegistered(node_id=EAST, name="east", settings=SETTINGS),
    NodeRegistered(node_id=WEST, name="west", settings=NodeSettings(router=GUEST)),
    registry(),
    application(),
    microservice(made_from=spec(registry_id=HUB)),
    microservice("cache", node_id=WEST),
)
NAMES_CENTRE = microservice(
    "third",
    node_id=WEST,
    made_from=replace(spec(), extra_hosts=[ExtraHost(name="c", address="${Agents.centre}")]),
)
BY_PLATFORM = microservice(
    "third", made_from=replace(spec(), image="", images={"x86": "x:1", "arm": "a:1"})
)
LIST, CONFIG = Flag.MICROSERVICE_LIST, Flag.MICROSERVICE_CONFIG
DOOR = EdgeResourceId("edge-resource-door")
A_TO_B = RouteId("route-a-b")
ROUTE = RouteCreated(
    route_id=A_TO_B, application_id=SHOP, name="r", ends=RouteEnds(source=WEB, destination=CACHE)
)
TUNNEL = TunnelOpened(node_id=EAST, host="t.example", user="t", remote_port=2000, local_port=22)


def all_done(world: World) -> World:
    """Every agent has acknowledged everything."""
    for node_id in world.nodes:
        through = latest(world.changes[node_id])
        done = NodeChangesAcknowledged(node_id=node_id, through=through)
        world = fold(world, chained(world.head, done, now=NOW + timedelta(hours=1)))
    return world


def raised_by(*events: KnownEvent) -> dict[str, set[str]]:
    """The flags that are up after the last event where all was done before it, and rebuilds."""
    before = all_done(world_after(*NETWORK, *events[:-1]))
    world = fold(before, chained(before.head, events[-1], now=NOW + timedelta(hours=2)))
    found = {
        world.nodes[node_id].name: {*map(str, up(row)), *map(str, row.rebuilds)}
        for node_id, row in world.changes.items()
    }
    return {name: flags for name, flags in found.items() if flags}


def centre(**other: object) -> NodeUpdated:
    """The system node with other settings."""
    return NodeUpdated(node_id=CENTRE, settings=replace(SYSTEM, **other))


NEIGHBOUR = {LIST, CONFIG, Flag.ROUTER_CHANGED}
AROUND: dict[str, set[str]] = {
    "centre": {*NEIGHBOUR, Flag.CONFIG},
    "east": {*NEIGHBOUR},
    "west": {*NEIGHBOUR, Flag.CONFIG},
}


def test_a_new_device_does_not_have_to_reach_its_router_before_it_does_anything_else() -> None:
    world = world_after(*NETWORK, ROUTE)
    assert up(world.changes[EAST]) >= AT_PROVISIONING
    world = fold(world, chained(world.head, key_issued(), provisioned(), now=NOW))
    assert not AT_PROVISIONING & up(world.changes[EAST])


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        ([centre(description="x")], {"centre": {Flag.CONFIG}}),
        ([centre(agent=AgentSettings(bluetooth=True))], {"centre": {Flag.CONFIG, LIST, CONFIG}}),
        ([centre(host="other.example")], AROUND),
        ([centre(router=replace(INTERIOR, messaging_port=5673))], AROUND),
        (
            [DefaultRouterSet(network_id=DEFAULT_ROUTER, router=DefaultRouter(host="k.example"))],
            {name: AROUND[name] for name in ("east", "west")},
        ),
        ([NodeDeleted(node_id=CENTRE)], {name: AROUND[name] for name in ("east", "west")}),
        (
            [NAMES_CENTRE, centre(host="other.example")],
            {**AROUND, "west": {*AROUND["west"], "microservice-third"}},
        ),
        (
            [
                BY_PLATFORM,
                NodeUpdated(node_id=EAST, settings=replace(SETTINGS, platform=Platform.ARM)),
            ],
            {"east": {Flag.CONFIG, LIST, CONFIG, "microservice-third"}},
        ),
        ([NodeCameOnline(node_id=EAST)], {}),
        ([told(1)], {}),
        ([NodeInstructed(node_id=EAST, instruction=Instruction.REBOOT)], {"east": {"reboot"}}),
        ([NodeInstructed(node_id=EAST, instruction=Instruction.PRUNE)], {"east": {"prune"}}),
        ([NodeInstructed(node_id=EAST, instruction=Instruction.UPGRADE)], {"east": {"version"}}),
        ([NodeInstructed(node_id=EAST, instruction=Instruction.ROLLBACK)], {"east": {"version"}}),
        ([TUNNEL], {"east": {"tunnel"}}),
        ([TUNNEL, TunnelClosed(node_id=EAST)], {"east": {"tunnel"}}),
        (
            [key_issued(), provisioned()],
            {"east": {LIST, CONFIG, "config", "registries", "linkedEdgeResources"}},
        ),
        ([microservice("third", node_id=WEST)], {"west": {LIST, CONFIG}}),
        (
            [
                MicroserviceUpdated(
                    microservice_id=WEB, spec=spec(registry_id=HUB, config='{"a":1}')
                )
            ],
            {"east": {CONFIG}},
        ),
        (
            [MicroserviceUpdated(microservice_id=WEB, spec=spec(registry_id=HUB, image="b:1"))],
            {"east": {LIST, WEB}},
        ),
        (
            [MicroserviceUpdated(microservice_id=WEB, spec=spec(PUBLIC, registry_id=HUB))],
            {"east": {LIST, CONFIG, WEB}, "centre": {LIST, CONFIG}},
        ),
        ([MicroserviceRebuilt(microservice_id=WEB)], {"east": {LIST, WEB}}),
        ([TracingSwitched(microservice_id=WEB, enabled=True)], {"east": {"diagnostics"}}),
        ([SnapshotRequested(microservice_id=WEB)], {"east": {"isImageSnapshot"}}),
        (
            [MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)],
            {
                "east": {LIST, CONFIG, "routing"},
                "west": {LIST, CONFIG, "routing", "registries"},
            },
        ),
        (
            [
                MicroserviceRebuilt(microservice_id=WEB),
                MicroserviceDeleted(microservice_id=WEB),
            ],
            {"east": {LIST, CONFIG, "routing"}},
        ),
        (
            [ApplicationStopped(application_id=SHOP)],
            {name: {LIST, CONFIG, "routing"} for name in ("east", "west")},
        ),
        (
            [RegistryUpdated(registry_id=HUB, settings=RegistrySettings(url="b.example"))],
            # All of them poll.
            {"centre": {"registries"}, "west": {"registries"}, "east": {"registries", LIST}},
        ),
        (
            [ROUTE],
            {"east": {LIST, CONFIG, "routing", WEB}, "west": {LIST, CONFIG, "routing", CACHE}},
        ),
        (
            [ROUTE, RouteDeleted(route_id=A_TO_B)],
            {"east": {LIST, CONFIG, "routing", WEB}, "west": {LIST, CONFIG, "routing", CACHE}},
        ),
        (
            [
                EdgeResourceCreated(
                    edge_resource_id=DOOR,
                    name="door",
                    version="1.0.0",
                    settings=EdgeResourceSettings(),
                ),
                EdgeResourceLinked(edge_resource_id=DOOR, node_id=EAST),
            ],
            {"east": {"linkedEdgeResources"}},
        ),
    ],
)
def test_an_event_raises_the_flags_of_those_it_concerns(
    events: list[KnownEvent], flags: dict[str, set[str]]
) -> None:
    assert raised_by(*events) == {
        name: {str(each) for each in those} for name, those in flags.items()
    }


def test_a_device_that_becomes_a_node_takes_up_its_tunnel_and_what_is_traced_there() -> None:
    tracing = TracingSwitched(microservice_id=WEB, enabled=True)
    flags = raised_by(TUNNEL, tracing, key_issued(), provisioned())["east"]
    assert {"tunnel", "diagnostics"} <= flags


def test_a_registry_is_told_to_those_that_poll_and_no_others() -> None:
    before = world_after(*NETWORK)
    done = NodeChangesAcknowledged(node_id=EAST, through=latest(before.changes[EAST]))
    world = fold(before, chained(before.head, done))
    world = fold(world, chained(world.head, registry(RegistryId("registry-other"))))
    assert up(world.changes[EAST]) == {Flag.REGISTRIES}
    assert world.changes[WEST] == before.changes[WEST]


def test_events_of_one_millisecond_have_stamps_of_their_own() -> None:
    world = world_after(registered())
    first = latest(world.changes[EAST])
    instructed = NodeInstructed(node_id=EAST, instruction=Instruction.PRUNE)
    world = fold(world, chained(world.head, instructed, instructed, instructed))
    assert world.changes[EAST].stamps[Flag.PRUNE] == first + 3


def test_a_stamp_is_the_time_of_its_event_in_ms_rounded_up() -> None:
    time = NOW + SECOND + timedelta(microseconds=1500)
    world = world_after()
    world = fold(world, chained(world.head, registered(), now=time))
    assert latest(world.changes[EAST]) == int(NOW.timestamp()) * 1000 + 1002


def test_a_moved_microservice_is_made_anew_where_it_goes_and_nowhere_else() -> None:
    moved = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    world = world_after(*NETWORK, MicroserviceRebuilt(microservice_id=WEB), moved)
    assert not world.changes[EAST].rebuilds


def test_an_event_of_a_node_that_is_not_there_raises_nothing() -> None:
    """History folds a microservice's own events in a world where no node is."""
    event = microservice()
    assert isinstance(event, MicroserviceCreated)
    assert len(world_after(application(), event).changes) == 0
