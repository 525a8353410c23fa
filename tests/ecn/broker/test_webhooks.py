"""Webhooks with a real RabbitMQ and a real HTTP server: in order, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web
from msgspec.structs import replace

from ecn.broker.webhooks import Webhooks
from ecn.presence_store import MemoryLeadership
from events.background import beside
from events.route import RouteUpdated
from routing import addresses
from routing.amqp import connected
from routing.amqp_form import Envelope, written
from routing.message import Message
from tests.broker_fixtures import Vhost
from tests.builders import EAST, WEB
from tests.ecn.broker.scene import Scene, read_one, running, settings_of, until
from tests.ecn.broker.test_topology import CROSSING
from tests.ecn.broker.worlds import route
from tests.private_broker import PrivateBroker

Answer = Callable[[int, web.Request], int]
"""How many requests there were before, and the request: the status to answer."""


class Receiver:
    """An HTTP server that keeps what it was told."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.url = ""
        self.taken: list[bytes] = []
        self.asked: list[tuple[dict[str, str], bytes]] = []

    async def hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self._answer(len(self.asked), request)
        self.asked.append((dict(request.headers), body))
        if status < 300:
            self.taken.append(body)
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def listening(answer: Answer = lambda _, __: 204) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    app = web.Application()
    app.router.add_post("/hook", receiver.hear)
    app.router.add_route("*", "/elsewhere", receiver.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/hook"
        yield receiver
    finally:
        await runner.cleanup()


async def publish(scene: Scene, numbers: Sequence[int], *, kind: str = "") -> None:
    """Messages of node east for the webhook."""
    out, key = addresses.out_exchange(EAST), addresses.upstream_key("shop", "hook")
    async with connected(await scene.access(EAST), name="east") as east:
        publisher = await east.publisher()
        for number in numbers:
            message = Message(message_id=f"{number:032x}", created=1, body=b"%d" % number)
            envelope = Envelope(route_id="route-hook", route="hook", application="shop")
            properties, body = written(message, envelope, 2)
            if kind:
                properties = replace(properties, message_id=kind)
            await publisher.publish(out, key, body, properties)


def webhooks(scene: Scene) -> Webhooks:
    leadership = MemoryLeadership(scene.leaders)
    return Webhooks(scene.settings, leadership, scene.live, look_every=0.1, hurry=50.0)


async def with_hook(scene: Scene, url: str) -> None:
    """A network with a route that has a webhook."""
    await scene.happens(*CROSSING, route("hook", WEB, None, webhook=url))
    await scene.settled()


@pytest.fixture
async def scene(ecn_vhost: Vhost) -> AsyncIterator[Scene]:
    async with running(settings_of(ecn_vhost.broker, "ecn")) as scene:
        yield scene


def in_order(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


async def test_every_message_is_posted_in_order_with_what_is_known_of_it(scene: Scene) -> None:
    async with listening() as receiver, beside(webhooks(scene).run()):
        await with_hook(scene, receiver.url)
        await publish(scene, range(50))
        await until(lambda: len(receiver.taken) >= 50)
        assert receiver.taken == in_order(50)
        said, _ = receiver.asked[7]
        assert said["ce-id"] == f"{7:032x}"
        assert (said["ce-ecnroute"], said["ce-ecnapplication"]) == ("hook", "shop")
        assert said["User-Agent"].startswith("ecn/")


async def test_a_webhook_that_is_away_is_waited_for(scene: Scene) -> None:
    def answer(before: int, _: web.Request) -> int:
        return 503 if before % 3 else 200

    async with listening(answer) as receiver, beside(webhooks(scene).run()):
        await with_hook(scene, receiver.url)
        await publish(scene, range(10))
        await until(lambda: len(receiver.taken) >= 10)
        assert receiver.taken == in_order(10)


async def test_a_redirect_is_not_followed_and_what_is_refused_becomes_a_dead_letter(
    scene: Scene,
) -> None:
    def answer(before: int, request: web.Request) -> int:
        assert request.path == "/hook"
        return {0: 302, 1: 404, 2: 410, 3: 400, 4: 413}.get(before, 200)

    async with listening(answer) as receiver, beside(webhooks(scene).run()):
        await with_hook(scene, receiver.url)
        await publish(scene, range(3))
        await until(lambda: len(receiver.taken) >= 2)
        assert receiver.taken == [b"1", b"2"]
        assert len(receiver.asked) == 7
        async with connected(scene.admin, name="operator") as operator:
            assert (await read_one(operator, addresses.DEAD)).body == b"0"


async def test_what_no_agent_wrote_becomes_a_dead_letter(scene: Scene) -> None:
    async with listening() as receiver, beside(webhooks(scene).run()):
        await with_hook(scene, receiver.url)
        await publish(scene, [1], kind="nonsense")
        await publish(scene, [2])
        await until(lambda: len(receiver.taken) >= 1)
        assert receiver.taken == [b"2"]


async def test_another_url_gets_what_the_former_one_did_not_take(scene: Scene) -> None:
    async with (
        listening(lambda before, _: 200 if before < 3 else 500) as old,
        listening() as new,
        beside(webhooks(scene).run()),
    ):
        await with_hook(scene, old.url)
        await publish(scene, range(6))
        await until(lambda: len(old.asked) > 5)
        made = route("hook", WEB, None, webhook=new.url)
        await scene.happens(
            RouteUpdated(route_id=made.route_id, name="hook", ends=made.ends, terms=made.terms)
        )
        await until(lambda: len(new.taken) >= 3)
        assert old.taken + new.taken == in_order(6)


async def test_another_controller_goes_on_where_one_ended(scene: Scene) -> None:
    async with listening() as receiver:
        await with_hook(scene, receiver.url)
        async with beside(webhooks(scene).run()):
            await publish(scene, range(10))
            await until(lambda: len(receiver.taken) >= 3)
        scene.leaders.clear()
        async with beside(webhooks(scene).run()):
            await until(lambda: len(set(receiver.taken)) >= 10)
        first: list[bytes] = list(dict.fromkeys(receiver.taken))
        assert first == in_order(10)


async def test_a_broker_that_restarts_loses_nothing(own_broker: PrivateBroker) -> None:
    async with (
        running(settings_of(own_broker, "ecn")) as scene,
        listening() as receiver,
        beside(webhooks(scene).run()),
    ):
        await with_hook(scene, receiver.url)
        await publish(scene, range(5))
        await until(lambda: len(receiver.taken) >= 5)
        await asyncio.to_thread(own_broker.restart)
        await scene.settled(within=30)
        await publish(scene, range(5, 10))
        await until(lambda: len(set(receiver.taken)) >= 10, within=30)
        assert list(dict.fromkeys(receiver.taken)) == in_order(10)


async def test_the_log_says_nothing_of_the_url(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logs:
        async with beside(webhooks(scene).run()):
            await with_hook(scene, "http://127.0.0.1:1/s3cret-path")
            await publish(scene, [1])
            await until(lambda: any(each["event"] == "webhook_away" for each in logs))
    assert "s3cret-path" not in str(logs)
