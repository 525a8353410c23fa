"""The edge proxy of a node: takes connections from interior proxies, and joins each to its
container's port. A task of `agent/run.py`.

Nothing is open on the device: what comes, comes through the node's own queue at the interior
router. Only ports that the desired state names are led to. The link is made while there are such
ports, and made again for ever; connections do not survive it.
"""

import asyncio
import random
import time
from contextlib import suppress

import structlog

from agent.contract import Broker, ProxiedPort
from agent.lifecycle.engine import ContainerEngine
from agent.proxy.containers import Containers, NotThere
from agent.storage.desired_state import Known
from routing.addresses import proxy_exchange, proxy_queue
from routing.amqp_shapes import Access, AmqpError
from routing.proxy.frames import Open, Why
from routing.proxy.multiplexer import Multiplexer
from routing.proxy.pump import BUFFERED, closed, pump
from routing.proxy.stream import Gone, Stream

log = structlog.get_logger()

MOST = 512
"""Connections at a time."""
POOL = 16 << 20
"""Bytes that they may hold beyond what each has; see routing/proxy/flow.py."""
CONNECT_WITHIN = 5.0
PAUSE = (1.0, 60.0)
"""Seconds between attempts, doubling; some chance is added."""


class EdgeProxy:
    """See the module. reaches: whether containers can be reached from here at all."""

    def __init__(self, node_id: str, engine: ContainerEngine, *, reaches: bool = True) -> None:
        self._node_id = node_id
        self._containers = Containers(node_id, engine, time.monotonic, reaches=reaches)
        self._ports: dict[str, ProxiedPort] = {}
        self._broker: Broker | None = None
        self._changed = asyncio.Event()
        self._tasks: asyncio.TaskGroup
        self._open: dict[Stream, str] = {}
        """The port of each connection that there is."""
        self.state = "off"
        """off: nothing is to be carried; up; waiting. For measures, as the next two."""
        self.reason = ""
        self.taken = self.refused = 0

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._open)

    def wish(self, known: Known) -> None:
        """Carry these ports from now on. Connections to others are ended."""
        self._ports = {each.port_id: each for each in known.public_ports}
        broker = known.broker if self._ports else None
        if broker != self._broker:
            self._broker = broker
            self._changed.set()
        for stream, port_id in list(self._open.items()):
            if port_id not in self._ports:
                stream.reset(Why.UNKNOWN_PORT, "the port is no longer public")

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await self._keep_linked()

    async def _keep_linked(self) -> None:
        pause = PAUSE[0]
        while True:
            self._changed.clear()
            broker = self._broker
            if broker is None:
                self.state, self.reason = "off", ""
                await self._changed.wait()
                continue
            began = time.monotonic()
            try:
                await self._linked(broker)
            except AmqpError as error:
                self.state, self.reason = "waiting", str(error)
                if time.monotonic() - began > PAUSE[1]:
                    pause = PAUSE[0]
                # One word of each trouble: it may last for months.
                log.info("edge-proxy-waits", reason=str(error), retry_in=round(pause, 1))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause * random.uniform(0.7, 1.3)):  # noqa: S311
                        await self._changed.wait()
                pause = min(PAUSE[1], pause * 2)
            else:
                pause = PAUSE[0]

    async def _linked(self, broker: Broker) -> None:
        """Carry connections over one link, until another one is wanted."""
        # Imported when there is something to carry: it takes memory.
        from routing.amqp import connected
        from routing.proxy.carrier import carry

        access = Access(
            url=broker.url, user=broker.user, password=broker.password, ca_pem=broker.ca_pem
        )
        exchange = proxy_exchange(self._node_id)
        async with connected(access, name=f"ecn edge proxy {self._node_id}") as connection:
            await carry(
                connection,
                Multiplexer(self._node_id, self._accept, most=MOST, pool=POOL),
                proxy_queue(self._node_id),
                way=lambda router: (exchange, router),
                sender=None,
                stop=self._stop,
                begun=self._begun,
            )

    def _begun(self) -> None:
        self.state, self.reason = "up", ""
        log.info("edge-proxy-up", ports=len(self._ports))

    async def _stop(self) -> None:
        await self._changed.wait()

    def _accept(self, stream: Stream, wanted: Open, _: str) -> None:
        self._tasks.create_task(self._handled(stream, wanted))

    async def _handled(self, stream: Stream, wanted: Open) -> None:
        try:
            await self._join(stream, wanted)
        except Exception:
            # A fault of ours must not end the agent, which owns this task.
            log.exception("edge-proxy-broke", port=wanted.port_id)

    async def _join(self, stream: Stream, wanted: Open) -> None:
        port = self._ports.get(wanted.port_id)
        if port is None:
            self._refuse(stream, Why.UNKNOWN_PORT, "the node has no such public port any more")
            return
        self._open[stream] = port.port_id
        try:
            reader, writer = await self._connected(port)
        except NotThere as error:
            self._refuse(stream, Why.NOT_RUNNING, str(error))
        except TimeoutError:
            text = f"port {port.port} of the microservice does not answer"
            self._refuse(stream, Why.REFUSED, text)
        except OSError as error:
            text = f"port {port.port} of the microservice can't be reached: {error.strerror}"
            if isinstance(error, ConnectionRefusedError):
                text = f"nothing listens on port {port.port} of the microservice"
            self._refuse(stream, Why.REFUSED, text)
        else:
            self.taken += 1
            stream.accept()
            await _joined(stream, reader, writer)
        finally:
            stream.reset(Why.STOPPING, "the node's agent stops")
            del self._open[stream]

    async def _connected(
        self, port: ProxiedPort
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Errors: NotThere, OSError, TimeoutError."""
        address = await self._containers.address(port.microservice_id)
        async with asyncio.timeout(CONNECT_WITHIN):
            return await asyncio.open_connection(address, port.port, limit=BUFFERED)

    def _refuse(self, stream: Stream, why: Why, text: str) -> None:
        self.refused += 1
        stream.reset(why, text)


async def _joined(
    stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    broke = True
    try:
        with suppress(Gone, OSError):
            await pump(stream, reader, writer)
            broke = False
    finally:
        await closed(writer, at_once=broke)
