"""A controller's keeper of the interior router, and the world that it looks at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ecn.broker.changes import Found, changes
from ecn.broker.credentials import node_password
from ecn.broker.keeper import BrokerKeeper
from ecn.broker.management import BrokerAway, BrokerRefused, Management
from ecn.broker.settings import BrokerSettings
from ecn.broker.topology import Topology, topology
from ecn.master_key import Keyring, MasterKey
from ecn.presence_store import MemoryLeadership
from ecn.secret_key_store import MemorySecretKeyStore
from ecn.vault import Vault
from ecn.writer import Writer
from events.background import beside
from events.envelope import KnownEvent
from events.ids import NodeId
from events.log import MemoryLog
from projections.live import Live
from routing import addresses
from routing.amqp import Connection
from routing.amqp_shapes import (
    Access,
    Arrival,
)
from tests.builders import CACHE, NOW, WEB, chained
from tests.ecn.broker.worlds import route
from tests.private_broker import ADMIN, PASSWORD, PrivateBroker

OVER = route("over", WEB, CACHE)
UP = route("up", WEB, None)
INBOX = addresses.in_queue(CACHE)


def settings_of(server: PrivateBroker, vhost: str) -> BrokerSettings:
    return BrokerSettings(
        url=server.url(vhost),
        agents_url=server.url(vhost),
        management=server.management,
        username=ADMIN,
        password=PASSWORD,
        vhost=vhost,
    )


class Scene:
    """A controller's keeper, and the world that it looks at."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.settings = settings
        self.log = MemoryLog()
        self.live = Live(self.log)
        self.writer = Writer(self.live, self.log, lambda: NOW)
        self.vault = Vault(Keyring([MasterKey(b"m" * 32)]), MemorySecretKeyStore())
        self.leaders: dict[str, MemoryLeadership] = {}
        self.keeper = self.another()

    def another(self) -> BrokerKeeper:
        """As another controller has it."""
        return BrokerKeeper(
            self.settings,
            self.vault,
            MemoryLeadership(self.leaders),
            self.live,
            self.writer,
            lambda: NOW,
            look_every=0.2,
            all_every=0.5,
            counted_after=6.0,
        )

    async def happens(self, *events: KnownEvent) -> None:
        """In the log, and so in the world."""
        head = self.live.world.head
        await self.log.append(chained(head, *events), expected=head)
        await self.live.catch_up()

    async def access(self, node_id: NodeId) -> Access:
        """As the node's agent has it."""
        credential = self.live.world.nodes[node_id].credential_hash
        assert credential is not None
        password = node_password(await self.vault.broker_key(), node_id, credential)
        return Access(url=self.settings.url, user=addresses.node_user(node_id), password=password)

    @property
    def admin(self) -> Access:
        """Who may do everything."""
        return Access(url=self.settings.url, user=ADMIN, password=PASSWORD)

    async def wanted(self) -> Topology:
        return topology(self.live.world, await self.vault.broker_key(), self.settings.limits)

    async def there(self) -> Found:
        async with Management.open(self.settings) as management:
            return await management.found()

    async def settled(self, within: float = 10.0) -> Found:
        """Once it is as the world wants it."""
        async with asyncio.timeout(within):
            while True:
                try:
                    there = await self.there()
                except (BrokerAway, BrokerRefused):
                    await asyncio.sleep(0.1)
                    continue
                if not changes(there, await self.wanted()).steps:
                    return there
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(settings: BrokerSettings) -> AsyncIterator[Scene]:
    scene = Scene(settings)
    async with beside(scene.writer.run()), beside(scene.keeper.run()):
        yield scene


async def until(check: Callable[[], bool], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110  # what is checked has no event
            await asyncio.sleep(0.02)


async def read_one(link: Connection, queue: str) -> Arrival:
    """The next in the queue, acknowledged."""
    async with link.consuming(queue, prefetch=1) as arrivals:
        async for arrival in arrivals:
            arrivals.done(arrival)
            return arrival
    raise AssertionError("there is no end of it")
