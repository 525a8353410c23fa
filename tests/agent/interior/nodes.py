"""Nodes with an edge router and a link to a real interior router, and what the controller makes
there for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace

from agent.contract import Broker, Route
from agent.messages.interior import InteriorLink
from agent.messages.router import EdgeRouter
from agent.messages.routing import StoreFull
from routing.addresses import in_queue, out_exchange, route_key
from routing.message import Message
from tests.agent.messages.running import known, route, running
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker

LARGE = 1_000_000_000


async def until(holds: Callable[[], bool], within: float = 20) -> None:
    """It holds at last."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


class Interior:
    """What a controller makes at an interior router, made by hand."""

    def __init__(self, broker: PrivateBroker, vhost: str) -> None:
        self.broker = broker
        self.vhost = quote(vhost, safe="")
        self._url = broker.url(vhost)

    def access(self, url: str = "", user: str = ADMIN, password: str = PASSWORD) -> Broker:
        return Broker(url=url or self._url, user=user, password=password)

    @staticmethod
    def access_to(url: str) -> Broker:
        """As ADMIN."""
        return Broker(url=url, user=ADMIN, password=PASSWORD)

    def node(self, node_id: str) -> None:
        self._put(f"exchanges/{self.vhost}/{out_exchange(node_id)}", type="topic", durable=True)

    def microservice(self, microservice_id: str, most_bytes: int = LARGE) -> None:
        self._put(
            f"queues/{self.vhost}/{in_queue(microservice_id)}",
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-single-active-consumer": True,
                "x-max-length-bytes": most_bytes,
                "x-overflow": "reject-publish",
                "x-dead-letter-exchange": "ecn.dead",
            },
        )

    def dead_letters(self) -> None:
        self._put(f"exchanges/{self.vhost}/ecn.dead", type="fanout", durable=True)
        self._put(f"queues/{self.vhost}/ecn.dead", durable=True, arguments={})
        self.broker.call(
            "POST", f"/bindings/{self.vhost}/e/ecn.dead/q/ecn.dead", {"routing_key": ""}
        )

    def lead(self, route_id: str, node_id: str, microservice_id: str) -> None:
        self.broker.call(
            "POST",
            f"/bindings/{self.vhost}/e/{out_exchange(node_id)}/q/{in_queue(microservice_id)}",
            {"routing_key": route_key(route_id)},
        )

    def waiting(self, queue: str) -> int:
        """How many messages are in a queue, as far as is known: some seconds late."""
        found = self.broker.call("GET", f"/queues/{self.vhost}/{queue}")
        assert isinstance(found, dict)
        count = found.get("messages", 0)
        assert isinstance(count, int)
        return count

    def _put(self, path: str, **body: object) -> None:
        self.broker.call("PUT", f"/{path}", body)


class Node:
    """One that runs."""

    def __init__(self, node_id: str, router: EdgeRouter, link: InteriorLink) -> None:
        self.node_id = node_id
        self.router = router
        self.link = link
        self.link_task: asyncio.Task[None] | None = None

    def wish(
        self,
        *routes: Route,
        here: tuple[str, ...] = (),
        inboxes: tuple[str, ...] = (),
        broker: Broker | None = None,
    ) -> None:
        desired = replace(known(*routes, here=here), inboxes=list(inboxes), broker=broker)
        self.router.wish(desired)
        self.link.wish(desired)

    async def publish(self, source: str, *bodies: bytes) -> list[str]:
        """Their ids; waits while the store is full."""
        ids = []
        for body in bodies:
            while True:
                try:
                    ids.append((await self.router.publish(source, Message(body=body))).message_id)
                    break
                except StoreFull:
                    await asyncio.sleep(0.02)
        return ids

    def status(self, route_id: str) -> tuple[str, str]:
        (one,) = (each for each in self.router.statuses() if each.route_id == route_id)
        return one.state, one.reason

    async def until(self, route_id: str, state: str, words: str = "", within: float = 20) -> None:
        """The route is shown so."""
        await until(lambda: self.status(route_id)[0] == state, within)
        await until(lambda: words in self.status(route_id)[1], within)


@asynccontextmanager
async def node(folder: Path, node_id: str) -> AsyncIterator[Node]:
    """Its store is in that folder. Ended cleanly, the link first."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with running(folder, known(here=())) as router:
        link = InteriorLink(node_id, router)
        one = Node(node_id, router, link)
        one.link_task = asyncio.create_task(link.run())
        try:
            yield one
        finally:
            one.link_task.cancel()
            await asyncio.wait([one.link_task])
            if not one.link_task.cancelled():
                one.link_task.result()


class Receiver:
    """Takes what comes for a microservice, so many at a time."""

    def __init__(
        self, one: Node, microservice_id: str, *, most: int = 50, pause: float = 0
    ) -> None:
        self._inbox = one.router.inbox(microservice_id)
        self._most = most
        self._pause = pause
        self.had: list[Message] = []

    @property
    def bodies(self) -> list[bytes]:
        return [each.body for each in self.had]

    async def run(self) -> None:
        while True:
            deliveries = await self._inbox.next(self._most, 1)
            self.had += [each.message for each in deliveries]
            if deliveries:
                await self._inbox.done(deliveries)
                await asyncio.sleep(self._pause)

    async def until(self, count: int, within: float = 60) -> None:
        await until(lambda: len(self.had) >= count, within)


@asynccontextmanager
async def receiving(
    one: Node, microservice_id: str, *, most: int = 50, pause: float = 0
) -> AsyncIterator[Receiver]:
    """A receiver that runs."""
    receiver = Receiver(one, microservice_id, most=most, pause=pause)
    task = asyncio.create_task(receiver.run())
    try:
        yield receiver
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def elsewhere(name: str = "ab", source: str = "a", destination: str = "b") -> Route:
    """A route to another node."""
    return route(name, source, destination, here=False)
