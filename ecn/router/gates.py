"""The public ports that an interior proxy has open, as the controller wishes.

A change touches what it changes alone: connections of other ports go on, and those of a port whose
microservice moved or whose rules changed do, as far as the rules still allow them.
"""

import asyncio
import errno
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from ecn.api.router_documents import ClosedPort, OpenPort
from ecn.router.access import Networks, allowed, networks
from ecn.router.connections import Client, serve
from ecn.router.link import RouterLink
from ecn.router.metrics import GateMeasures
from routing.proxy.frames import Why
from routing.proxy.multiplexer import MOST
from routing.proxy.pump import BUFFERED, break_off, closed

log = structlog.get_logger()

AGAIN = 10.0
"""Seconds after which a port that was taken is tried again."""
BACKLOG = 512
SILENT = 10.0
"""Seconds in which a port logs one connection that was turned away, and counts the others."""


class Gate:
    """One port that is open."""

    def __init__(self, port: OpenPort) -> None:
        self.port = port
        self.rules: Networks = networks(port.allow)
        self.server: asyncio.Server | None = None
        self.clients: set[Client] = set()
        self._turned_away = 0
        self._silent_until = 0.0

    def become(self, port: OpenPort) -> None:
        """Serve this from now on, by its rules."""
        other = port.port_id != self.port.port_id
        self.port, self.rules = port, networks(port.allow)
        for client in self.clients:
            if client.stream is not None:
                client.stream.longest = port.longest
                client.stream.longest_idle = port.longest_idle
            if other or not allowed(client.address, self.rules):
                self.end(client, "the public port leads elsewhere now")

    def turned_away(self, why: str, client: Client) -> None:
        """Log it, now and then: strangers decide how often it happens."""
        self._turned_away += 1
        now = time.monotonic()
        if now >= self._silent_until:
            log.warning(
                why, port=self.port.port, client=client.address, since_last=self._turned_away
            )
            self._turned_away, self._silent_until = 0, now + SILENT

    def end(self, client: Client, text: str) -> None:
        """Break the client's connection off."""
        if client.stream is not None:
            client.stream.reset(Why.UNKNOWN_PORT, text)
        break_off(client.writer)


class Gates:
    """See the module. address: to open ports on; empty: all.

    Used inside `run`, which owns what is opened.
    """

    def __init__(self, link: RouterLink, address: str = "") -> None:
        self._link = link
        self._address = address or None
        self._wished: dict[int, OpenPort] = {}
        self._gates: dict[int, Gate] = {}
        self._closed: dict[int, str] = {}
        self._changed = asyncio.Event()
        self._draining = False
        self._tasks: asyncio.TaskGroup
        self.on_change: Callable[[], None] = lambda: None
        self.measures = GateMeasures()
        self.refused = 0
        """Connections, by rules."""

    @property
    def listening(self) -> Sequence[int]:
        """Ports that are open, sorted."""
        return sorted(self._gates)

    @property
    def closed(self) -> Sequence[ClosedPort]:
        """Ports that should be and are not, and why."""
        return [ClosedPort(port=port, reason=why) for port, why in sorted(self._closed.items())]

    @property
    def connections(self) -> int:
        """How many there are."""
        return sum(len(gate.clients) for gate in self._gates.values())

    def wish(self, ports: Sequence[OpenPort]) -> None:
        """Have these open, and no others."""
        self._wished = {each.port: each for each in ports}
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled; then all ports are closed, and connections broken off."""
        async with asyncio.TaskGroup() as self._tasks:
            try:
                while True:
                    self._changed.clear()
                    await self._look()
                    try:
                        async with asyncio.timeout(AGAIN if self._closed else None):
                            await self._changed.wait()
                    except TimeoutError:
                        pass
            finally:
                for gate in self._gates.values():
                    self._close(gate, "the interior proxy ends")

    async def drain(self, within: float) -> None:
        """Take no more connections, and give those that there are so many seconds to end."""
        self._draining = True
        for gate in self._gates.values():
            if gate.server is not None:
                gate.server.close()
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        while self.connections and loop.time() < ends:  # noqa: ASYNC110  # rare, and bounded
            await asyncio.sleep(0.05)

    async def _look(self) -> None:
        if self._draining:
            return
        before = (self.listening, self.closed)
        for number in self._gates.keys() - self._wished.keys():
            self._close(self._gates.pop(number), "the port is no longer public")
            log.info("port-closed", port=number)
        self._closed = {n: why for n, why in self._closed.items() if n in self._wished}
        for number, port in sorted(self._wished.items()):
            gate = self._gates.get(number)
            if gate is None:
                await self._open(port)
            elif gate.port != port:
                gate.become(port)
        if before != (self.listening, self.closed):
            self.on_change()

    async def _open(self, port: OpenPort) -> None:
        gate = Gate(port)

        def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.create_task(self._serve(gate, Client(reader, writer)))

        try:
            gate.server = await asyncio.start_server(
                come, self._address, port.port, limit=BUFFERED, backlog=BACKLOG
            )
        except OSError as error:
            why = _why(error, port.port)
            if self._closed.get(port.port) != why:
                log.error(
                    "port-not-opened", port=port.port, microservice=port.microservice, why=why
                )
            self._closed[port.port] = why
        else:
            self._closed.pop(port.port, None)
            self._gates[port.port] = gate
            log.info("port-opened", port=port.port, microservice=port.microservice)

    def _close(self, gate: Gate, text: str) -> None:
        if gate.server is not None:
            gate.server.close()
        for client in gate.clients:
            gate.end(client, text)

    async def _serve(self, gate: Gate, client: Client) -> None:
        if not allowed(client.address, gate.rules):
            self.refused += 1
            self.measures.refused.add(str(gate.port.port))
            gate.turned_away("client-refused", client)
            await closed(client.writer, at_once=True)
            return
        if self.connections >= MOST:
            gate.turned_away("too-many-connections", client)
            await closed(client.writer, at_once=True)
            return
        gate.clients.add(client)
        try:
            link = self._link
            ready = link.multiplexer if link.leads_to(gate.port.node_id) else None
            why = link.reason or "its node has no part in the interior router yet"
            await serve(client, gate.port, ready, why)
        finally:
            gate.clients.discard(client)
            self.measures.ended(gate.port.port, client.stream)


_REASONS: Mapping[int, str] = {
    errno.EADDRINUSE: "another program listens on it",
    errno.EACCES: "this user may not open ports below 1024",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def _why(error: OSError, port: int) -> str:
    known = _REASONS.get(error.errno or 0)
    return f"port {port} can't be opened: {known or error.strerror or error}"
