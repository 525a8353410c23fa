"""The keeper and a real RabbitMQ: it is as the world says, whatever happened to it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from msgspec.structs import replace

from ecn.broker import keeper as keeper_module
from ecn.broker import management as management_module
from ecn.broker.keeper import State
from ecn.broker.topology import Limits
from events.application import MicroserviceMoved
from events.background import beside
from events.ids import START, RouteId
from events.network import BrokerSet
from events.node import NodeDeprovisioned
from events.route import RouteDeleted
from projections.network import broker as broker_of
from routing import addresses
from routing.amqp import connected
from routing.amqp_shapes import (
    AccessRefused,
    AmqpError,
    ChannelRefused,
    Properties,
    Unroutable,
)
from routing.amqp_shapes import Refused as TooFull
from tests.broker_fixtures import Vhost
from tests.builders import CACHE, EAST, WEST
from tests.ecn.broker.scene import INBOX, OVER, UP, Scene, read_one, running, settings_of, until
from tests.ecn.broker.test_topology import CROSSING
from tests.ecn.broker.worlds import device
from tests.private_broker import PrivateBroker


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "PAUSES", (0.2, 0.5))


@pytest.fixture
async def scene(ecn_vhost: Vhost) -> AsyncIterator[Scene]:
    async with running(settings_of(ecn_vhost.broker, "ecn")) as scene:
        yield scene


async def test_it_is_made_as_the_world_wants_it_and_the_log_says_where_it_is(
    scene: Scene,
) -> None:
    await scene.happens(*CROSSING, OVER, UP)
    there = await scene.settled()
    assert there.queues[INBOX].queue.quorum
    assert set(there.users) == {addresses.node_user(EAST), addresses.node_user(WEST)}
    await until(lambda: broker_of(scene.live.world) == scene.settings.broker)
    assert scene.keeper.health.state is State.UP
    told = [each.event for each in await scene.log.read(START)]
    assert sum(isinstance(each, BrokerSet) for each in told) == 1


async def test_a_change_of_the_world_is_there_within_a_moment(scene: Scene) -> None:
    await scene.happens(*CROSSING)
    await scene.settled()
    scene.keeper._all_every = 1000.0
    await scene.happens(OVER)
    await scene.settled(within=3.0)


async def test_drift_is_mended(scene: Scene, ecn_vhost: Vhost) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    server = ecn_vhost.broker
    server.call("DELETE", f"/exchanges/ecn/{addresses.out_exchange(EAST)}")
    server.call("DELETE", "/policies/ecn/ecn-in")
    server.delete_user(addresses.node_user(WEST))
    server.allow(addresses.node_user(EAST), "ecn", ".*", ".*", ".*")
    server.call("PUT", "/policies/ecn/theirs", {"pattern": "^x$", "definition": {"expires": 9999}})
    there = await scene.settled()
    assert there.users[addresses.node_user(EAST)].configure == "^$"
    # What is somebody else's stays.
    assert server.call("GET", "/policies/ecn/theirs")


async def test_a_broker_that_lost_everything_is_set_up_anew(scene: Scene, ecn_vhost: Vhost) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    ecn_vhost.broker.delete_vhost("ecn")
    ecn_vhost.broker.delete_user(addresses.node_user(EAST))
    await scene.settled()


async def test_who_is_deprovisioned_is_thrown_out_at_once(scene: Scene) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    access = await scene.access(EAST)
    async with connected(access, name="agent") as link:
        await scene.happens(NodeDeprovisioned(node_id=EAST))
        async with asyncio.timeout(8):
            await link.lost.wait()
    with pytest.raises(AccessRefused):
        async with connected(access, name="agent"):
            pass


async def test_a_new_device_has_the_place_of_the_former_one(scene: Scene) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    access = await scene.access(WEST)
    async with connected(access, name="agent") as link:
        await scene.happens(NodeDeprovisioned(node_id=WEST), *device(WEST, "second"))
        async with asyncio.timeout(8):
            await link.lost.wait()
    await scene.settled()
    with pytest.raises(AccessRefused):
        async with connected(access, name="agent"):
            pass
    async with connected(await scene.access(WEST), name="agent") as link:
        assert not link.lost.is_set()


async def test_an_agent_s_messages_go_where_their_routes_lead_and_nowhere_else(
    scene: Scene, ecn_vhost: Vhost
) -> None:
    await scene.happens(*CROSSING, OVER, UP)
    await scene.settled()
    async with (
        connected(await scene.access(EAST), name="east") as east,
        connected(await scene.access(WEST), name="west") as west,
    ):
        said = Properties(message_id="1")
        out = addresses.out_exchange(EAST)
        publisher = await east.publisher()
        await publisher.publish(out, addresses.route_key(OVER.route_id), b"over", said)
        await publisher.publish(out, addresses.upstream_key("shop", "up"), b"up", said)
        assert (await read_one(west, INBOX)).body == b"over"
        with pytest.raises(Unroutable):
            await publisher.publish(out, addresses.route_key(RouteId("route-other")), b"", said)
        for exchange in ("", "amq.topic", addresses.UPSTREAM, addresses.out_exchange(WEST)):
            strange = await east.publisher()
            with pytest.raises(AmqpError):
                await strange.publish(exchange, INBOX, b"forged", said)
        for queue in (INBOX, addresses.upstream_queue("shop"), addresses.DEAD):
            with pytest.raises(ChannelRefused):
                await read_one(east, queue)
        with pytest.raises(ChannelRefused):
            await east.declare_queue("ecn.mine", durable=True)
        with pytest.raises(ChannelRefused):
            await east.bind_queue(INBOX, out, "x")


async def test_what_is_rejected_is_a_dead_letter(scene: Scene, ecn_vhost: Vhost) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    async with (
        connected(await scene.access(EAST), name="east") as east,
        connected(await scene.access(WEST), name="west") as west,
        connected(scene.admin, name="operator") as operator,
    ):
        publisher = await east.publisher()
        key, said = addresses.route_key(OVER.route_id), Properties(message_id="1", persistent=True)
        await publisher.publish(addresses.out_exchange(EAST), key, b"bad", said)
        async with west.consuming(INBOX, prefetch=10) as arrivals:
            async for arrival in arrivals:
                arrivals.reject(arrival)
                break
        dead = await read_one(operator, addresses.DEAD)
        assert dead.body == b"bad"
        assert dead.properties.headers["x-first-death-queue"] == INBOX


async def test_a_full_queue_takes_no_more_and_loses_nothing(ecn_vhost: Vhost) -> None:
    small = replace(settings_of(ecn_vhost.broker, "ecn"), limits=Limits(inbox=1))
    async with running(small) as scene:
        await scene.happens(*CROSSING, OVER)
        await scene.settled()
        async with connected(await scene.access(EAST), name="east") as east:
            publisher, taken = await east.publisher(), 0
            key = addresses.route_key(OVER.route_id)
            for number in range(100):
                said, out = Properties(message_id=str(number)), addresses.out_exchange(EAST)
                try:
                    await publisher.publish(out, key, b"x" * 100_000, said)
                except TooFull:
                    break
                taken += 1
            else:
                pytest.fail("it takes everything")
            assert taken >= 10
        async with connected(scene.admin, name="operator") as operator:
            assert await operator.waiting_in(INBOX) == taken


async def test_an_unused_queue_goes_after_a_while_and_a_full_one_stays(scene: Scene) -> None:
    await scene.happens(*CROSSING, OVER, UP)
    await scene.settled()
    async with connected(await scene.access(EAST), name="east") as east:
        publisher = await east.publisher()
        key = addresses.upstream_key("shop", "up")
        said = Properties(message_id="1")
        await publisher.publish(addresses.out_exchange(EAST), key, b"kept", said)
    for name in ("over", "up"):
        await scene.happens(RouteDeleted(route_id=RouteId(f"route-{name}")))
    async with asyncio.timeout(40):
        while INBOX in (await scene.there()).queues:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.2)
    queue = addresses.upstream_queue("shop")
    # RabbitMQ counts late: until then it was the look before the removal that kept it.
    await until(lambda: [each.queue for each in scene.keeper._kept] == [queue], within=40)
    assert (await scene.there()).queues[queue].messages == 1
    async with connected(scene.admin, name="operator") as operator:
        assert (await read_one(operator, queue)).body == b"kept"


async def test_an_agent_that_reads_on_what_is_another_s_now_is_thrown_out(scene: Scene) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    access = await scene.access(WEST)
    async with connected(access, name="agent") as link, link.consuming(INBOX, prefetch=10):
        await scene.happens(
            MicroserviceMoved(microservice_id=CACHE, from_node_id=WEST, to_node_id=EAST)
        )
        async with asyncio.timeout(30):
            await link.lost.wait()
    async with connected(access, name="agent") as link:
        with pytest.raises(ChannelRefused):
            await read_one(link, INBOX)


async def test_a_network_beside_it_on_the_same_broker_is_left_alone(
    scene: Scene, ecn_vhost: Vhost, broker: Vhost
) -> None:
    await scene.happens(*CROSSING, OVER)
    await scene.settled()
    async with running(settings_of(broker.broker, broker.name)) as other:
        await other.happens(*CROSSING[:3], *CROSSING[4:])
        await other.settled()
        await asyncio.sleep(1.0)
    await scene.settled()
    assert len((await scene.there()).users) == 2


async def test_two_controllers_make_it_once(ecn_vhost: Vhost) -> None:
    async with running(settings_of(ecn_vhost.broker, "ecn")) as scene:
        second = scene.another()
        async with beside(second.run()):
            await scene.happens(*CROSSING, OVER)
            await scene.settled()
            await until(lambda: State.UP == scene.keeper.health.state == second.health.state)
        told = [each.event for each in await scene.log.read(START)]
        assert sum(isinstance(each, BrokerSet) for each in told) == 1


async def test_a_wrong_password_is_said_and_not_shown(ecn_vhost: Vhost) -> None:
    wrong = replace(settings_of(ecn_vhost.broker, "ecn"), password="wr0ng-one")
    with structlog.testing.capture_logs() as logs:
        async with running(wrong) as scene:
            await until(lambda: scene.keeper.health.state is State.DOWN)
            assert "the password in the file of --broker" in scene.keeper.health.reason
            assert broker_of(scene.live.world) is None
    assert "wr0ng-one" not in str(logs) + repr(wrong)


async def test_it_waits_for_a_broker_that_is_away_and_finds_it_again(
    own_broker: PrivateBroker,
) -> None:
    own_broker.terminate()
    async with running(settings_of(own_broker, "ecn")) as scene:
        await scene.happens(*CROSSING, OVER)
        await until(lambda: scene.keeper.health.state is State.DOWN)
        assert broker_of(scene.live.world) is None
        await asyncio.to_thread(own_broker.start)
        await scene.settled(within=30)
        await until(lambda: scene.keeper.health.state is State.UP)
        await asyncio.to_thread(own_broker.restart)
        await scene.happens(UP)
        await scene.settled(within=30)
        await until(lambda: scene.keeper.health.state is State.UP)


async def test_it_gives_up_on_a_broker_that_stands_still(
    own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management_module, "ANSWER_WITHIN", 1.0)
    monkeypatch.setattr(management_module, "ALL_WITHIN", 1.0)
    async with running(settings_of(own_broker, "ecn")) as scene:
        await scene.happens(*CROSSING, OVER)
        await scene.settled()
        own_broker.freeze()
        try:
            await until(lambda: scene.keeper.health.state is State.DOWN)
            assert "no answer within" in scene.keeper.health.reason
        finally:
            own_broker.thaw()
        await until(lambda: scene.keeper.health.state is State.UP)
