"""The link of an interior proxy to the interior router: one at a time, made again for ever.

`gates.py` opens connections over `multiplexer`, which is there while there is a link.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from secrets import token_hex

import structlog

from agent.contract import Broker
from routing.addresses import PROXY, proxy_exchange, router_key, router_queue
from routing.amqp import Connection, connected
from routing.amqp_shapes import Access, AmqpError, Arrival, ChannelRefused
from routing.proxy.carrier import carry
from routing.proxy.frames import Why
from routing.proxy.multiplexer import Multiplexer

log = structlog.get_logger()

PAUSE = (0.5, 15.0)
"""Seconds between attempts, doubling; some chance is added."""
BIND_AGAIN = 3.0
"""Seconds; the controller makes a node's part of the interior router a moment after it told us."""


class RouterLink:
    """See the module."""

    def __init__(self) -> None:
        self.multiplexer: Multiplexer | None = None
        """None while there is no link."""
        self.state, self.reason = "waiting", "nothing was heard of the controller yet"
        self.on_change: Callable[[], None] = lambda: None
        """Told when that changes."""
        self._router_id = ""
        self._broker: Broker | None = None
        self._nodes: frozenset[str] = frozenset()
        self._bound: set[str] = set()
        self._another = asyncio.Event()
        """Another broker, or none, is to be used."""
        self._more = asyncio.Event()
        """There may be nodes to be bound."""

    def wish(self, router_id: str, broker: Broker | None, nodes: frozenset[str]) -> None:
        """Be linked there, for connections to these nodes."""
        self._nodes = nodes
        self._more.set()
        if (router_id, broker) != (self._router_id, self._broker):
            self._router_id, self._broker = router_id, broker
            self._another.set()
        if broker is None:
            why = "the network has no interior router: start the controller with --broker"
            self._stands("waiting", why)

    def leads_to(self, node_id: str) -> bool:
        """Whether answers of that node get here by now."""
        return node_id in self._bound

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        pause = PAUSE[0]
        while not stop.is_set():
            self._another.clear()
            if self._broker is None:
                await _first_of(self._another.wait, stop.wait)
                continue
            began = time.monotonic()
            try:
                await self._linked(self._broker, stop)
            except AmqpError as error:
                self._stands("waiting", str(error))
                if time.monotonic() - began > PAUSE[1]:
                    pause = PAUSE[0]
                log.warning("interior-router-away", reason=str(error), retry_in=round(pause, 1))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause * random.uniform(0.7, 1.3)):  # noqa: S311
                        await _first_of(self._another.wait, stop.wait)
                pause = min(PAUSE[1], pause * 2)
            else:
                pause = PAUSE[0]

    def _stands(self, state: str, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self.on_change()

    async def _linked(self, broker: Broker, stop: asyncio.Event) -> None:
        # A name of its own each time: what is still said to the former one gets nowhere.
        instance = token_hex(8)
        queue, key = (
            router_queue(self._router_id, instance),
            router_key(self._router_id, instance),
        )
        access = Access(
            url=broker.url, user=broker.user, password=broker.password, ca_pem=broker.ca_pem
        )
        multiplexer = Multiplexer(key)

        def begun() -> None:
            self.multiplexer = multiplexer
            self._stands("up", "")
            log.info("interior-router-there", nodes=len(self._bound))

        async def stopped() -> None:
            await _first_of(
                self._another.wait, stop.wait, lambda: self._bind(connection, queue, key)
            )
            multiplexer.reset_all(Why.STOPPING, "the interior proxy ends")

        async with connected(access, name=f"ecn interior proxy {self._router_id}") as connection:
            await connection.declare_queue(queue, durable=False, exclusive=True, auto_delete=True)
            self._bound = set()
            await self._bind_all(connection, queue, key)
            try:
                await carry(
                    connection,
                    multiplexer,
                    queue,
                    way=lambda node_id: (PROXY, node_id),
                    sender=_node,
                    stop=stopped,
                    begun=begun,
                )
            finally:
                self.multiplexer = None
                self._bound = set()

    async def _bind(self, connection: Connection, queue: str, key: str) -> None:
        """Bind nodes as they come, until cancelled."""
        while True:
            await self._bind_all(connection, queue, key)
            waits = self._nodes - self._bound
            with suppress(TimeoutError):
                async with asyncio.timeout(BIND_AGAIN if waits else None):
                    await self._more.wait()

    async def _bind_all(self, connection: Connection, queue: str, key: str) -> None:
        self._more.clear()
        self._bound &= self._nodes
        for node_id in sorted(self._nodes - self._bound):
            try:
                await connection.bind_queue(queue, proxy_exchange(node_id), key)
            except ChannelRefused as error:
                log.info("node-not-there-yet", node_id=node_id, reason=str(error))
            else:
                self._bound.add(node_id)


def _node(arrival: Arrival) -> str | None:
    """The node that sent it: nobody else may write to its exchange."""
    prefix = proxy_exchange("")
    if not arrival.exchange.startswith(prefix):
        return None
    return arrival.exchange.removeprefix(prefix)


async def _first_of(*waits: Callable[[], Awaitable[object]]) -> None:
    """Return when one of them does; the others are called off. Errors: those of the first."""
    tasks = [asyncio.ensure_future(wait()) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
