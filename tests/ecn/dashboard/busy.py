"""A small network in which everything shows something of something else, and what happens to it.

Random commands (tests/ecn/deciders/histories.py) seldom come to such a network; here the events are
drawn, and few, so that each relation is met often.
"""

from datetime import timedelta

from hypothesis import strategies as st

from events.application import (
    ApplicationCreated,
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    VolumeKind,
    VolumeMount,
)
from events.catalog import CatalogItemCreated, CatalogItemSettings, CatalogItemUpdated
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceLinked,
    EdgeResourceSettings,
    EdgeResourceUnlinked,
)
from events.envelope import GENESIS, KnownEvent, Recorded
from events.ids import CatalogItemId, EdgeResourceId, MicroserviceId, NodeId, Position, VolumeId
from events.network import NetworkSettingChanged
from events.node import (
    NodeDeprovisioned,
    NodeFacts,
    NodeFactsReported,
    NodeRegistered,
    NodeRenamed,
    NodeSettings,
    NodeUpdated,
    RouterMode,
    RouterSettings,
)
from events.volume import VolumeCreated, VolumeSettings, VolumeUpdated
from projections.world import Folding, World
from tests.builders import CACHE, EAST, NOW, SHOP, WEB, WEST, chained

TILL, CAMERA, CONF = CatalogItemId("till"), EdgeResourceId("camera"), VolumeId("conf")
NODES, MICROSERVICES, NAMES = (EAST, WEST), (WEB, CACHE), ("a", "b", "c")
CURRENT = Position(1_000_000)
"""A revision beyond any: a status of what is wanted now, whatever that is."""

PLAIN = MicroserviceSpec(image="shop/web:1")
OF_TILL = MicroserviceSpec(catalog_item_id=TILL)
MOUNTING = MicroserviceSpec(
    image="shop/web:1",
    volumes=[VolumeMount(target="/etc/conf", source=CONF, kind=VolumeKind.FILES)],
)
SPECS = (PLAIN, OF_TILL, MOUNTING)
IMAGES = ({"x86": "till:1", "arm": "till:2"}, {"x86": "till:3"})
SETTINGS = (
    NodeSettings(),
    NodeSettings(labels={"a": "b"}),
    NodeSettings(host="east.example", system=True, router=RouterSettings(mode=RouterMode.EDGE)),
)

BEGINNING: tuple[KnownEvent, ...] = (
    NodeRegistered(node_id=EAST, name="east", settings=NodeSettings()),
    NodeRegistered(node_id=WEST, name="west", settings=NodeSettings()),
    CatalogItemCreated(
        catalog_item_id=TILL, name="till", settings=CatalogItemSettings(images=IMAGES[0])
    ),
    EdgeResourceCreated(
        edge_resource_id=CAMERA, name="camera", version="1", settings=EdgeResourceSettings()
    ),
    EdgeResourceLinked(edge_resource_id=CAMERA, node_id=EAST),
    VolumeCreated(volume_id=CONF, name="conf", settings=VolumeSettings(node_ids=[EAST])),
    ApplicationCreated(application_id=SHOP, name="shop"),
)


def _of_a_node(draw: st.DrawFn, world: World, node_id: NodeId) -> KnownEvent:
    linked = node_id in world.edge_resources[CAMERA].node_ids
    link = EdgeResourceUnlinked if linked else EdgeResourceLinked
    facts = NodeFacts(architecture=draw(st.sampled_from(["x86_64", "arm64"])))
    happened: list[KnownEvent] = [
        *2 * [NodeRenamed(node_id=node_id, name=draw(st.sampled_from(NAMES)))],
        NodeFactsReported(node_id=node_id, facts=facts),
        NodeUpdated(node_id=node_id, settings=draw(st.sampled_from(SETTINGS))),
        NodeDeprovisioned(node_id=node_id),
        link(edge_resource_id=CAMERA, node_id=node_id),
        VolumeUpdated(volume_id=CONF, settings=VolumeSettings(node_ids=[node_id])),
    ]
    return draw(st.sampled_from(happened))


def _of_a_microservice(draw: st.DrawFn, world: World, key: MicroserviceId) -> KnownEvent:
    row = world.microservices.get(key)
    spec = draw(st.sampled_from(SPECS))
    if row is None:
        return MicroserviceCreated(
            microservice_id=key,
            application_id=SHOP,
            node_id=draw(st.sampled_from(NODES)),
            name=str(key),
            spec=spec,
        )
    status = ContainerStatus(
        state=draw(st.sampled_from([ContainerState.RUNNING, ContainerState.FAILED])),
        at=NOW,
        revision=draw(st.sampled_from([Position(0), CURRENT])),
    )
    other = WEST if row.node_id == EAST else EAST
    happened: list[KnownEvent] = [
        *4
        * [ContainerReported(microservice_id=key, node_id=row.node_id, sequence=1, status=status)],
        MicroserviceUpdated(microservice_id=key, spec=spec),
        MicroserviceMoved(microservice_id=key, from_node_id=row.node_id, to_node_id=other),
        MicroserviceDeleted(microservice_id=key),
        MicroserviceStopped(microservice_id=key)
        if row.started
        else MicroserviceStarted(microservice_id=key),
    ]
    return draw(st.sampled_from(happened))


def _of_the_rest(draw: st.DrawFn, world: World) -> KnownEvent:
    started = world.applications[SHOP].started
    settings = CatalogItemSettings(images=draw(st.sampled_from(IMAGES)))
    happened: list[KnownEvent] = [
        ApplicationRenamed(application_id=SHOP, name=draw(st.sampled_from(NAMES))),
        ApplicationStopped(application_id=SHOP)
        if started
        else ApplicationStarted(application_id=SHOP),
        CatalogItemUpdated(catalog_item_id=TILL, name="till", settings=settings),
        NetworkSettingChanged(network_id="other", value=draw(st.sampled_from(NAMES))),
    ]
    return draw(st.sampled_from(happened))


@st.composite
def busy_logs(draw: st.DrawFn) -> list[Recorded]:
    """The beginning, and some events behind it."""
    log = chained(GENESIS, *BEGINNING)
    folding = Folding(World())
    folding.fold(log)
    for number in range(draw(st.integers(1, 12))):
        world = folding.world()
        dice = draw(st.integers(0, 9))
        if dice < 3:
            event = _of_a_node(draw, world, draw(st.sampled_from(NODES)))
        elif dice < 8:
            event = _of_a_microservice(draw, world, draw(st.sampled_from(MICROSERVICES)))
        else:
            event = _of_the_rest(draw, world)
        recorded = chained(log[-1].head, event, now=NOW + timedelta(seconds=number + 1))
        folding.fold(recorded)
        log += recorded
    return log
