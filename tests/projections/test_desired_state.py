"""Revisions: they move when the agent has something to do, and say what changed since when."""

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.application import (
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    VolumeKind,
    VolumeMount,
)
from events.catalog import RegistrySettings, RegistryUpdated
from events.envelope import KnownEvent
from events.ids import START, NodeId, Position, VolumeId
from events.node import (
    AgentSettings,
    Instruction,
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFacts,
    NodeFactsReported,
    NodeInstructed,
    NodeSettings,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
)
from events.volume import VolumeCreated, VolumeFile, VolumeSettings, VolumeUpdated
from projections.catalog import catalog_item
from projections.desired_state import revision, should_run, volumes, volumes_since, wanted
from projections.edge_resources import linked
from projections.host_templates import references, resolved_hosts
from projections.images import image_for
from projections.microservices import MicroserviceRow
from projections.network import broker
from projections.node_routes import inboxes, outlets
from projections.twins import twin_of
from projections.volumes import mounted_by
from projections.world import World, fold
from tests.builders import (
    CACHE,
    EAST,
    HUB,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    key_issued,
    microservice,
    provisioned,
    registered,
    registry,
    spec,
    told,
    world_after,
)
from tests.ecn.deciders.histories import History, histories

often = settings(max_examples=100, deadline=None)

NETWORK: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    registry(),
    application(),
    microservice(made_from=spec(registry_id=HUB)),
    microservice("cache", node_id=WEST),
)


def wanted_of(world: World, node_id: NodeId) -> object:
    """All that a node's agent has to know, gathered without the view.

    A microservice's own switch counts even while its application is stopped: its revision also
    guards against edits on something that changed in between. So does all of what a registry,
    an item of the catalog or a volume says of itself.
    """
    rows = [(key, row) for key, row in world.microservices.items() if row.node_id == node_id]
    volumes = {
        key: (row.name, row.settings)
        for key, row in world.volumes.items()
        if node_id in row.settings.node_ids
    }
    mounted = {
        volume_id: (
            world.volumes[volume_id].settings.files,
            world.volumes[volume_id].settings.permissions,
        )
        for _, row in rows
        for volume_id in mounted_by(row.spec)
    }
    node = world.nodes[node_id]
    settings = node.settings
    return (
        node.credential_hash,
        broker(world),
        node.instructions,
        (settings.agent, settings.location, settings.latitude, settings.longitude),
        {key: (row.name, row.settings) for key, row in linked(world, node_id).items()},
        volumes,
        mounted,
        routes_of(world, node_id),
        {
            key: (
                row.spec,
                row.started,
                (row.name, world.applications[row.application_id].name, row.rebuilt),
                told_of(world, row),
                # Also that a change of its own was decided, whatever became of it.
                (twin_of(world, key).desired, twin_of(world, key).revision),
            )
            for key, row in rows
        },
    )


def routes_of(world: World, node_id: NodeId) -> object:
    """The routes that the node may send by, and what others send to."""
    place = {key: row.node_id for key, row in world.microservices.items()}
    outlets, inboxes = {}, set()
    for key, row in world.routes.items():
        ends = row.ends
        members = world.microservices.find("application", row.application_id)
        froms = {place[each] for each in ([ends.source] if ends.source else members)}
        to = place[ends.destination] if ends.destination else None
        if node_id in froms:
            outlets[key] = (row.name, ends, row.terms, to == node_id)
        if to == node_id and froms != {node_id}:
            inboxes.add(ends.destination)
    return outlets, inboxes


@often
@hypothesis.given(st.one_of(histories(), histories(crowded=True)))
def test_a_node_is_told_of_the_routes_that_it_may_send_by_and_of_its_inboxes(
    history: History,
) -> None:
    world = history.world
    for node_id in world.nodes:
        told = {
            each.route_id: (each.name, each.ends, each.terms, each.here)
            for _, each in outlets(world, node_id)
        }
        assert (told, set(inboxes(world, node_id))) == routes_of(world, node_id)


def named_loosely(world: World, node_id: NodeId) -> bool:
    """Whether something on the node names hosts: it may hear of what turns out to be the same."""
    rows = (row for _, row in world.microservices.items() if row.node_id == node_id)
    return any(references(host.address) for row in rows for host in row.spec.extra_hosts)


def worlds(history: History) -> list[World]:
    """The worlds between the events, from the empty one on."""
    found = [World()]
    for recorded in history.log:
        found.append(fold(found[-1], [recorded]))
    return found


@often
@hypothesis.given(st.one_of(histories(), histories(crowded=True)))
def test_a_nodes_revision_moves_exactly_when_its_agent_has_something_to_do(
    history: History,
) -> None:
    before, *rest = worlds(history)
    for world in rest:
        for node_id in world.nodes:
            if node_id not in before.nodes:
                assert revision(world, node_id) == world.position
                continue
            moved = revision(world, node_id) != revision(before, node_id)
            changed = wanted_of(world, node_id) != wanted_of(before, node_id)
            assert moved == changed or (moved and named_loosely(before, node_id))
            if moved:
                assert revision(world, node_id) == world.position
        before = world


def told_of(world: World, row: MicroserviceRow) -> object:
    """What an agent is told of one microservice."""
    item = row.spec.catalog_item_id
    item_row = catalog_item(world, item) if item else None
    key = row.spec.registry_id if item_row is None else item_row.settings.registry_id
    return (
        row.spec,
        should_run(world, row),
        item_row and (item_row.name, item_row.settings),
        world.registries[key].settings if key else None,
        image_for(world, row.spec, world.nodes[row.node_id]),
        resolved_hosts(world, row.spec),
    )


@often
@hypothesis.given(histories())
def test_what_changed_since_a_revision_is_what_has_a_higher_one(history: History) -> None:
    """An agent that knows revision R and gets all microservices beyond R knows everything."""
    seen = worlds(history)
    for earlier in seen[:: max(1, len(seen) // 8)]:
        for node_id in set(earlier.nodes) & set(history.world.nodes):
            since = revision(earlier, node_id)
            known = {key: told_of(earlier, row) for key, row in wanted(earlier, node_id).items()}
            there = wanted(history.world, node_id)
            for key, row in there.items():
                if row.revision > since:
                    known[key] = told_of(history.world, row)
            assert {key: known.get(key) for key in there} == {
                key: told_of(history.world, row) for key, row in there.items()
            }


def volumes_told(world: World, node_id: NodeId, since: Position) -> dict[str, object]:
    """As an agent gets them."""
    return {
        key: (row.settings.files, row.settings.permissions, node_id in row.settings.node_ids)
        for key, row in volumes_since(world, node_id, since).items()
    }


@often
@hypothesis.given(st.one_of(histories(), histories(crowded=True)))
def test_an_agent_has_all_volumes_once_it_gets_those_since_its_revision(history: History) -> None:
    seen = worlds(history)
    for earlier in seen[:: max(1, len(seen) // 8)]:
        for node_id in set(earlier.nodes) & set(history.world.nodes):
            since = revision(earlier, node_id)
            known = volumes_told(earlier, node_id, START)
            known |= volumes_told(history.world, node_id, since)
            there = volumes(history.world, node_id)
            assert {key: known.get(key) for key in there} == volumes_told(
                history.world, node_id, START
            )


@often
@hypothesis.given(histories())
def test_no_microservice_is_newer_than_its_node(history: History) -> None:
    for step in history.steps:
        for key in step.world.microservices:
            row = step.world.microservices[key]
            assert row.revision <= revision(step.world, row.node_id)


def moved_by(*events: KnownEvent) -> set[NodeId]:
    """The nodes whose revision the last of the events moves, after NETWORK and the others."""
    before = world_after(*NETWORK, *events[:-1])
    world = fold(before, chained(before.head, events[-1]))
    return {
        node_id
        for node_id in {*before.nodes, *world.nodes}
        if revision(before, node_id) != revision(world, node_id)
    }


WEB_STOPPED = MicroserviceStopped(microservice_id=WEB)
SHOP_STOPPED = ApplicationStopped(application_id=SHOP)


BUSY = AgentSettings(cpu_limit_percent=9)


@pytest.mark.parametrize(
    ("events", "nodes"),
    [
        ([MicroserviceUpdated(microservice_id=WEB, spec=spec(8080))], {EAST}),
        (
            [MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)],
            {EAST, WEST},
        ),
        ([WEB_STOPPED], {EAST}),
        ([WEB_STOPPED, MicroserviceStarted(microservice_id=WEB)], {EAST}),
        ([MicroserviceDeleted(microservice_id=WEB)], {EAST}),
        ([microservice("third", node_id=WEST)], {WEST}),
        ([SHOP_STOPPED], {EAST, WEST}),
        ([SHOP_STOPPED, ApplicationStarted(application_id=SHOP)], {EAST, WEST}),
        ([WEB_STOPPED, SHOP_STOPPED], {WEST}),
        ([WEB_STOPPED, SHOP_STOPPED, ApplicationStarted(application_id=SHOP)], {WEST}),
        ([SHOP_STOPPED, WEB_STOPPED], {EAST}),
        ([RegistryUpdated(registry_id=HUB, settings=RegistrySettings(url="b.example"))], {EAST}),
        ([key_issued()], set()),
        ([key_issued(), provisioned()], {EAST}),
        ([key_issued(), provisioned(), NodeDeprovisioned(node_id=EAST)], {EAST}),
        ([NodeUpdated(node_id=EAST, settings=NodeSettings(description="roof"))], set()),
        ([NodeUpdated(node_id=EAST, settings=NodeSettings(location="roof"))], {EAST}),
        (
            [NodeUpdated(node_id=EAST, settings=NodeSettings(agent=BUSY))],
            {EAST},
        ),
        ([NodeInstructed(node_id=EAST, instruction=Instruction.PRUNE)], {EAST}),
        ([NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT)], set()),
        ([NodeCameOnline(node_id=EAST)], set()),
        ([NodeFactsReported(node_id=EAST, facts=NodeFacts(cpus=4))], set()),
        ([told(1)], set()),
        ([ApplicationUpdated(application_id=SHOP, description="x", labels={})], set()),
        ([MicroserviceDeleted(microservice_id=WEB), NodeDeleted(node_id=EAST)], {EAST}),
    ],
)
def test_an_event_moves_the_revisions_of_those_it_concerns(
    events: list[KnownEvent], nodes: set[NodeId]
) -> None:
    assert moved_by(*events) == nodes


CONF = VolumeId("conf")
MOUNTING = replace(
    spec(), volumes=[VolumeMount(kind=VolumeKind.FILES, source=CONF, target="/etc/conf")]
)
AS_IT_WAS = VolumeSettings(files=[VolumeFile(path="a", content=b"1")])
OTHERWISE = VolumeSettings(files=[VolumeFile(path="a", content=b"2")])
WITH_CONF = (
    VolumeCreated(volume_id=CONF, name="conf", settings=AS_IT_WAS),
    MicroserviceUpdated(microservice_id=WEB, spec=MOUNTING),
)


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [
        (OTHERWISE, {EAST}),
        (replace(AS_IT_WAS, permissions="600"), {EAST}),
        (replace(AS_IT_WAS, destination="/srv/conf", node_ids=[WEST]), {WEST}),
        (replace(OTHERWISE, destination="/srv/conf", node_ids=[WEST]), {EAST, WEST}),
    ],
)
def test_a_changed_volume_moves_those_who_mount_it_and_those_who_have_it(
    settings: VolumeSettings, nodes: set[NodeId]
) -> None:
    assert moved_by(*WITH_CONF, VolumeUpdated(volume_id=CONF, settings=settings)) == nodes


def test_a_microservice_that_moves_brings_its_files_along() -> None:
    moved = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    before = world_after(*NETWORK, *WITH_CONF)
    assert (set(volumes(before, EAST)), set(volumes(before, WEST))) == ({CONF}, set())
    world = fold(before, chained(before.head, moved))
    assert (set(volumes(world, EAST)), set(volumes(world, WEST))) == (set(), {CONF})
    # West hears of it although the volume is older than what west knows.
    assert set(volumes_since(world, WEST, revision(before, WEST))) == {CONF}


def test_another_change_of_who_mounts_it_does_not_bring_the_files_again() -> None:
    before = world_after(*NETWORK, *WITH_CONF)
    again = MicroserviceUpdated(microservice_id=WEB, spec=replace(MOUNTING, config='{"a":1}'))
    world = fold(before, chained(before.head, again))
    assert volumes_since(world, EAST, revision(before, EAST)) == {}


def test_a_node_that_is_not_there_has_revision_zero() -> None:
    assert revision(World(), EAST) == 0


def test_wanted_are_the_microservices_of_the_node_stopped_ones_too() -> None:
    world = world_after(*NETWORK, WEB_STOPPED)
    assert set(wanted(world, EAST)) == {WEB}
    assert set(wanted(world, WEST)) == {CACHE}
    assert not should_run(world, world.microservices[WEB])
    assert should_run(world, world.microservices[CACHE])


def test_nothing_of_a_stopped_application_should_run() -> None:
    world = world_after(*NETWORK, SHOP_STOPPED)
    assert not any(should_run(world, world.microservices[key]) for key in (WEB, CACHE))
