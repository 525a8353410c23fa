"""Programs of the operator's read what goes upstream, as docs/upstream.md tells them to."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from routing import addresses
from routing.amqp import connected
from routing.amqp_form import Envelope, read, written
from routing.amqp_shapes import Access, ChannelRefused
from routing.message import Message
from tests.broker_fixtures import Vhost
from tests.builders import EAST
from tests.ecn.broker.scene import UP, Scene, read_one, running, settings_of
from tests.ecn.broker.test_topology import CROSSING
from tests.private_broker import PASSWORD

PAGE = (Path(__file__).parents[3] / "docs/upstream.md").read_text()
PERMISSIONS = re.findall(r"set_permissions --vhost ecn billing '(.*)' '(.*)' '(.*)'", PAGE)


@pytest.fixture
async def scene(ecn_vhost: Vhost) -> AsyncIterator[Scene]:
    async with running(settings_of(ecn_vhost.broker, "ecn")) as scene:
        await scene.happens(*CROSSING, UP)
        await scene.settled()
        yield scene


async def send(scene: Scene, number: int) -> None:
    """One message of node east."""
    message = Message(message_id=f"{number:032x}", created=1000, body=b"%d" % number)
    envelope = Envelope(route_id=UP.route_id, route="up", application="shop")
    properties, body = written(message, envelope, 1000)
    async with connected(await scene.access(EAST), name="east") as east:
        publisher = await east.publisher()
        key = addresses.upstream_key("shop", "up")
        await publisher.publish(addresses.out_exchange(EAST), key, body, properties)


def billing(scene: Scene, vhost: Vhost, permissions: tuple[str, str, str]) -> Access:
    """The user of the page's program."""
    vhost.broker.make_user("billing", PASSWORD)
    vhost.broker.allow("billing", "ecn", *permissions)
    return Access(url=scene.settings.url, user="billing", password=PASSWORD)


async def test_a_program_reads_the_queue_of_its_application_and_no_other(
    scene: Scene, ecn_vhost: Vhost
) -> None:
    assert len(PERMISSIONS) == 2
    await send(scene, 7)
    async with connected(billing(scene, ecn_vhost, PERMISSIONS[0]), name="billing") as program:
        received = read(await read_one(program, addresses.upstream_queue("shop")))
        assert (received.message.body, received.route, received.application) == (b"7", "up", "shop")
        with pytest.raises(ChannelRefused):
            await read_one(program, addresses.DEAD)


async def test_a_queue_of_its_own_gets_its_own_copies_and_is_left_alone(
    scene: Scene, ecn_vhost: Vhost
) -> None:
    async with connected(billing(scene, ecn_vhost, PERMISSIONS[1]), name="billing") as program:
        await program.declare_queue("billing", arguments={"x-queue-type": "quorum"})
        await program.bind_queue("billing", addresses.UPSTREAM, "upstream.shop.#")
        # By then the controller has looked at all there is.
        await asyncio.sleep(1.5)
        await send(scene, 8)
        assert (await read_one(program, "billing")).body == b"8"
    async with connected(scene.admin, name="operator") as operator:
        assert (await read_one(operator, addresses.upstream_queue("shop"))).body == b"8"
