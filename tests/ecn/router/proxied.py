"""An interior proxy and an edge proxy with a real RabbitMQ between them, and a server at the end.

Without a controller: what it makes at the interior router is made here by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from msgspec.structs import replace

from agent.contract import Broker, ProxiedPort
from agent.lifecycle.engine import Container, EngineState
from agent.proxy.edge import EdgeProxy
from agent.storage.desired_state import Known
from ecn.api.router_documents import OpenPort
from ecn.router.gates import Gates
from ecn.router.link import RouterLink
from routing.addresses import PROXY, proxy_exchange, proxy_queue
from routing.amqp import connected
from routing.amqp_shapes import Access
from tests.agent.fake_engine import FakeEngine
from tests.ecn.api.server import soon
from tests.ports import free_port

NODE, SERVICE, PORT_ID, ROUTER = "node-1", "ms-1", "0123456789abcdef" * 2, "router-1"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class OneContainer(FakeEngine):
    """Runs the microservice, which is at that address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.state = EngineState.RUNNING

    async def containers(self, node_id: str) -> list[Container]:
        return [
            Container(
                container_id="c1",
                name="c1",
                microservice_id=SERVICE,
                application="shop",
                spec_digest="",
                revision=1,
                state=self.state,
                created_at=datetime.now(UTC),
                address=self.address if self.state is EngineState.RUNNING else "",
            )
        ]


class Proxied:
    """See the module. `port` is the public one."""

    def __init__(
        self, access: Access, inner: int, protocol: str, address: str = "127.0.0.1"
    ) -> None:
        self.access = access
        self.engine = OneContainer(address)
        self.edge = EdgeProxy(NODE, self.engine)
        self.link = RouterLink()
        self.gates = Gates(self.link, "127.0.0.1")
        self.port = free_port()
        self.inner = inner
        self.at_edge: asyncio.Task[None]
        self.wished = OpenPort(
            port_id=PORT_ID,
            port=self.port,
            protocol=protocol,
            node_id=NODE,
            microservice="shop/web",
            longest_idle=600,
        )

    @property
    def broker(self) -> Broker:
        """As both ends are told of it."""
        return Broker(url=self.access.url, user=self.access.user, password=self.access.password)

    def wish(self, **changes: object) -> None:
        """Tell all, with these changes of the public port."""
        self.wished = replace(self.wished, **changes)
        self.edge.wish(
            Known(
                revision=1,
                broker=self.broker,
                public_ports=[
                    ProxiedPort(port_id=PORT_ID, microservice_id=SERVICE, port=self.inner)
                ],
            )
        )
        self.link.wish(ROUTER, self.broker, frozenset({NODE}))
        self.gates.wish([self.wished])

    async def up(self, within: float = 30) -> None:
        """Wait until connections can be carried."""
        await soon(
            lambda: (
                self.edge.state == self.link.state == "up"
                and self.link.leads_to(NODE)
                and bool(self.gates.listening)
            ),
            within=within,
        )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's connection."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 18)

    async def quiet(self) -> None:
        """Wait until there is no connection anywhere."""
        await soon(lambda: not self.edge.connections + self.gates.connections, within=10)


async def prepare(access: Access) -> None:
    """What the controller makes for a node with a public port."""
    async with connected(access, name="test") as connection:
        await connection.declare_exchange(PROXY, "direct")
        await connection.declare_exchange(proxy_exchange(NODE), "topic")
        await connection.declare_queue(proxy_queue(NODE))
        await connection.bind_queue(proxy_queue(NODE), PROXY, NODE)


@asynccontextmanager
async def proxied(access: Access, serve: Serve, protocol: str = "tcp") -> AsyncIterator[Proxied]:
    """Both proxies, up, with this server behind them."""
    await prepare(access)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 18, backlog=512)
    both = Proxied(access, server.sockets[0].getsockname()[1], protocol)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        link = tasks.create_task(both.link.run(stop))
        both.at_edge = tasks.create_task(both.edge.run())
        others = [tasks.create_task(both.gates.run()), both.at_edge]
        try:
            both.wish()
            await both.up()
            yield both
        finally:
            stop.set()
            await asyncio.wait([link], timeout=5)
            for task in (*others, link):
                task.cancel()
            server.close()
