"""What agents and people are told of the interior router, over HTTP."""

import asyncio

import pytest

from ecn.broker.credentials import node_password
from ecn.commands.network import SetBroker
from ecn.errors import Invalid
from events.ids import NodeId
from events.network import Broker
from tests.ecn.api.server import Controller, Network

THERE = Broker(url="amqps://router.example:5671/ecn", ca_pem="-----BEGIN CERTIFICATE-----\n")


async def test_an_agent_is_told_where_it_is_and_its_own_password(controller: Controller) -> None:
    east, west = await controller.agent("east"), await controller.agent("west")
    assert (await east.desired()).json["broker"] is None
    waiting = asyncio.create_task(east.desired(await east.revision(), wait=30))
    await asyncio.sleep(0.05)
    await controller.execute(SetBroker(broker=THERE))
    told = (await asyncio.wait_for(waiting, 10)).is_good().json["broker"]
    assert isinstance(told, dict)
    credential = controller.live.world.nodes[NodeId(east.node_id)].credential_hash
    assert credential is not None
    key = await controller.vault.broker_key()
    assert told == {
        "url": THERE.url,
        "user": f"ecn-node-{east.node_id}",
        "password": node_password(key, NodeId(east.node_id), credential),
        "ca_pem": THERE.ca_pem,
    }
    other = (await west.desired()).json["broker"]
    assert isinstance(other, dict)
    assert other["password"] != told["password"]
    # It is nowhere in the log.
    events = await controller.network.events()
    assert not any(told["password"] in str(each) for each in events)


async def test_another_device_is_told_another_password(controller: Controller) -> None:
    east = await controller.agent("east")
    await controller.execute(SetBroker(broker=THERE))
    before = (await east.desired()).json["broker"]
    assert (await east.client.post("/agent/deprovision")).status == 200
    again = await controller.provisioned("east", east.node_id, number=2)
    after = (await again.desired()).json["broker"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert before["user"] == after["user"]
    assert before["password"] != after["password"]


async def test_all_are_told_when_there_is_none_any_more(controller: Controller) -> None:
    east = await controller.agent("east")
    await controller.execute(SetBroker(broker=THERE))
    revision = await east.revision()
    await controller.execute(SetBroker(broker=THERE))
    assert await east.revision() == revision
    await controller.execute(SetBroker(broker=None))
    told = await east.desired(revision)
    assert told.json["broker"] is None
    assert told.number("revision") > revision


async def test_two_controllers_tell_the_same_password(network: Network) -> None:
    async with network.controller() as controller, network.controller() as two:
        east = await controller.agent("east")
        await controller.execute(SetBroker(broker=THERE))
        await two.live.catch_up()
        client = two.as_(east.client.token)
        there = await client.get("/agent/desired-state")
        assert there.json["broker"] == (await east.desired()).json["broker"]


async def test_the_status_says_how_it_is(controller: Controller) -> None:
    said = (await controller.nobody.get("/status")).json["interior_router"]
    assert isinstance(said, dict)
    assert (said["state"], said["url"]) == ("none", None)
    await controller.execute(SetBroker(broker=THERE))
    said = (await controller.nobody.get("/status")).json["interior_router"]
    assert said == {
        "state": "unknown",
        "reason": "this controller was started without --broker",
        "url": THERE.url,
    }


async def test_the_network_s_page_says_where_it_is(controller: Controller) -> None:
    assert (await controller.viewer.get("/network")).json["interior_router"] is None
    await controller.execute(SetBroker(broker=THERE))
    said = (await controller.viewer.get("/network")).json["interior_router"]
    assert said == {"url": THERE.url, "ca_pem": THERE.ca_pem}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Broker(url="http://h"), "$.url"),
        (Broker(url="amqp://"), "$.url"),
        (Broker(url="amqp://ecn:secret@h"), "$.url"),
        (Broker(url="amqp://h:0"), "$.url"),
        (Broker(url="amqp://[::1"), "$.url"),
        (Broker(url="amqp://h", ca_pem="-----BEGIN PRIVATE KEY-----"), "$.ca_pem"),
        (Broker(url="amqp://h", ca_pem="x" * 300_000), "$.ca_pem"),
    ],
)
async def test_what_is_none_is_refused(controller: Controller, wrong: Broker, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await controller.execute(SetBroker(broker=wrong))
    assert refused.value.field == field


async def test_it_can_be_asked_about_and_not_be_reverted(controller: Controller) -> None:
    await controller.agent("east")
    start = controller.world_position
    await controller.execute(SetBroker(broker=THERE))
    why = (await controller.viewer.get("/why/network/broker")).is_good()
    assert THERE.url in str(why.json)
    body = {"subjects": ["network/broker"], "to": str(start)}
    refused = await controller.operator.post("/revert", body)
    assert "controllers are started with" in refused.content.decode()
