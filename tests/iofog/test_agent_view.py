"""The world as an ioFog agent is told of it."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.iofog import agent_view, system, times
from events.application import (
    ExtraHost,
    MicroserviceRebuilt,
    MicroserviceStopped,
    PortMapping,
    Protocol,
    PublicPort,
    PublicProtocol,
    PullPolicy,
    SnapshotRequested,
    VolumeKind,
    VolumeMount,
)
from events.catalog import CatalogItemUpdated, RegistryCreated, RegistrySettings
from events.ids import RouteId
from events.network import DefaultRouter, DefaultRouterSet
from events.node import (
    AgentSettings,
    NodeChangesAcknowledged,
    NodeSettings,
    NodeUpdated,
    Platform,
    RouterMode,
    RouterSettings,
)
from events.route import RouteCreated, RouteEnds
from projections import changes
from projections.catalog import SEEDED
from projections.changes import ChangesRow
from projections.flags import Flag
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
    port,
    provisioned,
    registered,
    spec,
    world_after,
)
from tests.events.strategies import every_field_of

stamps = st.integers(1, times.LATEST)
rows = st.builds(
    ChangesRow,
    stamps=st.dictionaries(st.sampled_from(Flag), stamps),
    rebuilds=st.dictionaries(st.sampled_from([WEB, CACHE]), stamps),
    acknowledged=st.integers(0, times.LATEST),
)


@given(rows)
def test_a_poll_tells_every_flag_and_a_stamp_that_takes_all_of_them_down(row: ChangesRow) -> None:
    told = json.loads(agent_view.flags(row))
    stamp = times.stamp_of(told.pop("lastUpdated"))
    assert told.keys() == set(Flag)
    assert all(isinstance(each, bool) for each in told.values())
    assert stamp is not None
    assert not changes.up(replace(row, acknowledged=max(row.acknowledged, stamp)))
    # What is answered to a poll acknowledges something just when something is up.
    anything = any(told.values())
    assert agent_view.acknowledges(row, stamp) == anything
    for flag in Flag:
        up = row.stamps.get(flag, 0) > row.acknowledged
        assert told[flag] or not up


@given(rows)
def test_the_flags_are_as_the_described_answer_has_them(row: ChangesRow) -> None:
    msgspec.json.decode(agent_view.flags(row), type=agent_view.Flags, strict=True)


def test_who_is_to_make_a_container_anew_has_to_look_at_its_list() -> None:
    row = ChangesRow(rebuilds={WEB: 5}, acknowledged=4)
    assert json.loads(agent_view.flags(row))["microserviceList"] is True


@given(every_field_of(NodeSettings))
def test_no_setting_is_ever_null(settings: NodeSettings) -> None:
    world = world_after(registered(), NodeUpdated(node_id=EAST, settings=settings))
    said = json.loads(msgspec.json.encode(agent_view.config(world, EAST)))
    assert None not in said.values()
    integers = ("logFileCount", "statusFrequency", "changeFrequency", "dockerPruningFrequency")
    assert all(isinstance(said[each], int) for each in integers)
    assert {"latitude", "longitude"} <= said.keys()


def node(**more: object) -> NodeUpdated:
    settings = NodeSettings(platform=Platform.X86, host="east.example")
    return NodeUpdated(node_id=EAST, settings=msgspec.structs.replace(settings, **more))


def shop(*events: object) -> World:
    world = world_after(registered(), registered(WEST), node(), application())
    return fold(world, chained(world.head, *events))  # type: ignore[arg-type]


def only(world: World) -> agent_view.Microservice:
    (found,) = agent_view.microservices(world, EAST)
    return found


def test_a_microservice_is_told_with_all_that_its_container_is_made_of() -> None:
    made = replace(
        spec(
            port(8080),
            port(53, 53, protocol=Protocol.UDP),
            env={"B": "2", "A": "1"},
            config='{"a": 1}',
        ),
        command=["serve", "--all"],
        volumes=[
            VolumeMount(source="/data", target="/d", kind=VolumeKind.BIND, read_only=True),
            VolumeMount(source="cache", target="/c"),
            VolumeMount(target="/tmp", kind=VolumeKind.TMPFS),
        ],
        extra_hosts=[ExtraHost(name="db", address="${Agents.east}")],
        host_network=True,
        log_limit_mib=0,
    )
    told = only(shop(microservice(made_from=made)))
    assert msgspec.to_builtins(told) == {
        "uuid": WEB,
        "imageId": "shop/web:1",
        "config": '{"a": 1}',
        "rebuild": False,
        "rootHostAccess": True,
        "logSize": 1,
        "registryId": 1,
        "portMappings": [
            {"portInternal": 80, "portExternal": 8080, "isUdp": False},
            {"portInternal": 53, "portExternal": 53, "isUdp": True},
        ],
        "volumeMappings": [
            {
                "hostDestination": "/data",
                "containerDestination": "/d",
                "accessMode": "ro",
                "type": "bind",
            },
            {
                "hostDestination": "cache",
                "containerDestination": "/c",
                "accessMode": "rw",
                "type": "volume",
            },
        ],
        "imageSnapshot": "",
        "delete": False,
        "deleteWithCleanup": False,
        "env": [{"key": "B", "value": "2"}, {"key": "A", "value": "1"}],
        "extraHosts": ["db:east.example"],
        "cmd": ["serve", "--all"],
        "routes": [],
        "isConsumer": False,
    }


def test_what_should_not_run_is_left_out() -> None:
    world = shop(microservice(), MicroserviceStopped(microservice_id=WEB))
    assert agent_view.microservices(world, EAST) == []
    assert agent_view.microservice(world, EAST, WEB) is None


def test_what_has_no_image_for_the_device_is_left_out() -> None:
    made = replace(spec(image=""), images={"arm": "shop/web-arm:1"})
    assert agent_view.microservices(shop(microservice(made_from=made)), EAST) == []


def test_another_nodes_microservice_is_not_told() -> None:
    world = shop(microservice(node_id=WEST))
    assert agent_view.microservices(world, EAST) == []
    assert agent_view.microservice(world, EAST, WEB) is None


def test_registries_have_numbers() -> None:
    settings = RegistrySettings(url="hub.example", username="u")
    hub = RegistryCreated(registry_id=HUB, name="hub", settings=settings)
    world = shop(hub, microservice(made_from=spec(registry_id=HUB)))
    number = world.registries[HUB].number + 1000
    assert only(world).registry_id == number
    cached = replace(spec(), pull=PullPolicy.NEVER)
    assert only(shop(microservice(made_from=cached))).registry_id == 2
    told = agent_view.registries_with(world, {number: "secret"})
    assert [(each.id, each.password, each.is_public) for each in told] == [
        (1, "", True),
        (2, "", True),
        (number, "secret", False),
    ]


def test_a_rebuild_is_told_until_it_is_acknowledged() -> None:
    world = shop(microservice(), MicroserviceRebuilt(microservice_id=WEB))
    assert only(world).rebuild
    through = changes.latest(world.changes[EAST])
    done = NodeChangesAcknowledged(node_id=EAST, through=through)
    assert not only(fold(world, chained(world.head, done))).rebuild


def test_a_wanted_snapshot_is_told() -> None:
    world = shop(microservice(), SnapshotRequested(microservice_id=WEB))
    assert only(world).image_snapshot == "get_image"


def test_routes_are_told_to_both_ends() -> None:
    route = RouteCreated(
        route_id=RouteId("r"),
        application_id=SHOP,
        name="r",
        ends=RouteEnds(source=WEB, destination=CACHE),
    )
    world = shop(microservice(), microservice("cache"), route)
    source, destination = agent_view.microservices(world, EAST)
    assert (source.routes, source.is_consumer) == ([CACHE], False)
    assert (destination.routes, destination.is_consumer) == ([], True)


# What the network itself runs there.

CENTRE = RouterSettings(mode=RouterMode.INTERIOR, edge_port=56721, inter_router_port=56722)
HIDDEN = RouterSettings(upstreams=["default-router"])


def centre() -> NodeUpdated:
    """East carries the default router."""
    return node(system=True, router=CENTRE)


def leaf(**more: object) -> NodeUpdated:
    """West leads there."""
    settings = NodeSettings(platform=Platform.X86, host="west.example", router=HIDDEN)
    return NodeUpdated(node_id=WEST, settings=msgspec.structs.replace(settings, **more))


def test_a_router_is_told_where_it_listens_and_leads() -> None:
    world = shop(centre(), leaf())
    (router,) = system.of_node(world, WEST)
    assert (router.name, router.image) == (f"Router for Fog {WEST}", "iofog/router:latest")
    assert router.config == json.dumps(
        {
            "mode": "edge",
            "id": WEST,
            "listeners": [{"role": "normal", "host": "0.0.0.0", "port": 5672}],
            "connectors": [{"name": EAST, "role": "edge", "host": "east.example", "port": 56721}],
        },
        separators=(",", ":"),
    )
    (told,) = agent_view.microservices(world, WEST)
    assert [each.port_external for each in told.port_mappings] == [5672]
    (centre_router,) = system.of_node(world, EAST)
    assert centre_router.ports == [5672, 56721, 56722]
    config = json.loads(centre_router.config)
    assert [each["port"] for each in config["listeners"]] == [5672, 56722, 56721]
    assert "connectors" not in config


def test_a_router_leads_to_one_outside_all_nodes() -> None:
    router = DefaultRouterSet(network_id="default-router", router=DefaultRouter(host="hub.example"))
    (told,) = system.of_node(shop(router, leaf()), WEST)
    assert json.loads(told.config)["connectors"] == [
        {"name": "default-router", "role": "edge", "host": "hub.example", "port": 56722}
    ]


def public(port_: int) -> PortMapping:
    return PortMapping(
        host=8080,
        container=80,
        public=PublicPort(
            schemes=["https"], protocol=PublicProtocol.HTTP, port=port_, queue="queue"
        ),
    )


def test_proxies_carry_public_ports_at_both_ends() -> None:
    made = replace(spec(), ports=[public(6000)])
    world = shop(centre(), leaf(), microservice(made_from=made, node_id=WEST))
    _, there = system.of_node(world, EAST)
    _, here = system.of_node(world, WEST)
    assert (there.name, there.host_network, there.ports) == ("Proxy", True, [])
    assert json.loads(there.config) == {
        "mappings": ["http:6000=>amqp:queue"],
        "networkRouter": {"host": "east.example", "port": 5672},
    }
    assert json.loads(here.config) == {
        "mappings": ["amqp:queue=>http:8080"],
        "networkRouter": {"host": "west.example", "port": 5672},
    }


def test_bridges_to_hardware_and_bluetooth_are_switched_on() -> None:
    on = AgentSettings(bluetooth=True, hardware_abstraction=True)
    hardware, bluetooth = system.of_node(shop(node(agent=on)), EAST)
    assert (hardware.name, hardware.host_network) == (f"Hal for Fog {EAST}", True)
    assert (bluetooth.name, bluetooth.config) == (f"Bluetooth for Fog {EAST}", "{}")


@pytest.mark.parametrize("platform", [Platform.UNSPECIFIED, Platform.ARM])
def test_they_have_an_image_for_the_device_or_are_not_told(platform: Platform) -> None:
    found = system.of_node(shop(centre(), leaf(platform=platform)), WEST)
    assert [each.kind for each in found] == (["Router"] if platform else [])


def test_their_images_are_the_catalogs() -> None:
    item = system.ITEMS[system.Kind.ROUTER]
    settings = replace(SEEDED[item].settings, images={"x86": "ours/router:2"})
    changed = CatalogItemUpdated(catalog_item_id=item, name="Router", settings=settings)
    (router,) = system.of_node(shop(changed, centre()), EAST)
    assert router.image == "ours/router:2"


def test_their_ids_stay_whatever_happens_to_the_node() -> None:
    ids = {
        system.microservice_id(node_id, kind) for node_id in (EAST, WEST) for kind in system.Kind
    }
    assert len(ids) == 8
    assert all(len(each) == 32 for each in ids)
    before = system.of_node(shop(centre()), EAST)
    after = system.of_node(shop(centre(), key_issued(), provisioned()), EAST)
    assert before == after
