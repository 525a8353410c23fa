"""The network as a whole: its default router, and settings by key."""

import pytest

from ecn.commands.network import ChangeNetworkSetting, SetBroker, SetDefaultRouter
from ecn.errors import Invalid, SystemNodeExists
from events.network import (
    Broker,
    BrokerSet,
    DefaultRouter,
    DefaultRouterSet,
    NetworkSettingChanged,
)
from events.node import DEFAULT_ROUTER
from projections.network import broker, setting, value_of
from tests.builders import given
from tests.ecn.deciders.test_router import A_SYSTEM

ROUTER = DefaultRouter(host="k8s.example")
SET = DefaultRouterSet(network_id=DEFAULT_ROUTER, router=ROUTER)


def test_the_default_router_is_set_once() -> None:
    given().when(SetDefaultRouter(router=ROUTER)).then(SET)
    given(SET).when(SetDefaultRouter(router=ROUTER)).then()


def test_a_system_node_is_the_default_router_itself() -> None:
    given(A_SYSTEM).when(SetDefaultRouter(router=ROUTER)).raises(SystemNodeExists)


@pytest.mark.parametrize(
    ("router", "field"),
    [
        (DefaultRouter(host=""), "host"),
        (DefaultRouter(host="h", messaging_port=0), "messaging_port"),
        (DefaultRouter(host="h", edge_port=65536), "edge_port"),
        (DefaultRouter(host="h", inter_router_port=-1), "inter_router_port"),
    ],
)
def test_a_default_router_is_refused_by_field(router: DefaultRouter, field: str) -> None:
    refused = given().when(SetDefaultRouter(router=router)).raises(Invalid)
    assert refused.field == f"$.{field}"


def test_a_setting_has_the_last_value_and_its_first_number() -> None:
    change = ChangeNetworkSetting(key="default-proxy-host", value="a.example")
    event = NetworkSettingChanged(network_id="default-proxy-host", value="a.example")
    after = given().when(change).then(event)
    after.when(change).then()
    other = NetworkSettingChanged(network_id="default-proxy-host", value="b.example")
    world = given(event, other).world
    assert value_of(world, "default-proxy-host") == "b.example"
    row = setting(world, "default-proxy-host")
    assert row is not None
    assert row.number == 1
    assert row.updated_at > row.created_at


def test_a_setting_called_like_the_default_router_is_not_it() -> None:
    event = NetworkSettingChanged(network_id=DEFAULT_ROUTER, value="x")
    world = given(SET, event).world
    assert value_of(world, DEFAULT_ROUTER) == "x"
    assert world.network[DEFAULT_ROUTER].router == ROUTER


def test_a_setting_has_a_key() -> None:
    given().when(ChangeNetworkSetting(key="", value="x")).raises(Invalid)


THERE = Broker(url="amqps://router.example:5671/ecn")
THERE_SET = BrokerSet(network_id="broker", broker=THERE)


def test_the_interior_router_is_told_when_it_is_another() -> None:
    told = given().when(SetBroker(broker=THERE)).then(THERE_SET)
    told.when(SetBroker(broker=THERE)).then()
    gone = told.when(SetBroker(broker=None)).then(BrokerSet(network_id="broker", broker=None))
    assert broker(told.world) == THERE
    assert broker(gone.world) is None
    given().when(SetBroker(broker=None)).then()


def test_a_setting_called_like_the_interior_router_is_not_it() -> None:
    world = given(THERE_SET, NetworkSettingChanged(network_id="broker", value="x")).world
    assert broker(world) == THERE
    assert value_of(world, "broker") == "x"
