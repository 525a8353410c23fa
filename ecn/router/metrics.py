"""What an interior proxy counts, and what it says of itself when a scraper asks.

The names are in docs/metrics.md.
"""

from collections.abc import Iterable
from typing import Protocol

from ecn.router.link import RouterLink
from ecn.version import VERSION
from routing.metrics.families import Family, counted, counters, gauge, gauges, histogram, states
from routing.metrics.measures import Counter, Histogram
from routing.proxy.stream import Stream


class GateMeasures:
    """Of all public ports that it opens. Labels are their numbers."""

    def __init__(self) -> None:
        self.connections = Counter()
        self.refused = Counter()
        self.bytes = Counter()
        """By port and direction: `in`, to the microservice, or `out`."""
        self.open_seconds = Histogram()
        """From a connection here to the one to the microservice."""

    def ended(self, port: int, stream: Stream | None) -> None:
        """A connection that was taken is over. stream: None where it came to nothing."""
        self.connections.add(str(port))
        if stream is None:
            return
        self.bytes.add(str(port), "in", by=stream.written_bytes)
        self.bytes.add(str(port), "out", by=stream.read_bytes)
        if stream.opened_at is not None:
            self.open_seconds.observe(stream.opened_at - stream.begun_at)


class Ports(Protocol):
    """What is asked of the gates."""

    measures: GateMeasures

    @property
    def listening(self) -> Iterable[int]:
        """Ports that are open."""
        ...

    @property
    def closed(self) -> Iterable[object]:
        """Ports that should be."""
        ...

    @property
    def connections(self) -> int:
        """How many there are."""
        ...


class RouterLook:
    """See the module."""

    def __init__(self, link: RouterLink, gates: Ports) -> None:
        self._link = link
        self._gates = gates

    async def __call__(self) -> list[Family]:
        """All of it."""
        gates, measures = self._gates, self._gates.measures
        ports = {"listening": len(list(gates.listening)), "closed": len(list(gates.closed))}
        return [
            gauges("ecn_router_build", "Version of this proxy", ("version",), {(VERSION,): 1}),
            gauge(
                "ecn_router_up",
                "1 while it is linked to the interior router, else 0",
                float(self._link.state == "up"),
            ),
            states(
                "ecn_router_ports",
                "Public ports that it opens; closed: those that it should and can't",
                ports,
                ports,
            ),
            gauge("ecn_router_connections", "Connections at this moment", gates.connections),
            counted(
                "ecn_router_connections_ended",
                "Connections that were taken and are over",
                ("port",),
                measures.connections,
            ),
            counted(
                "ecn_router_connections_refused",
                "Connections that a port's access rules did not allow",
                ("port",),
                measures.refused,
            ),
            counters(
                "ecn_router_bytes",
                "Bytes of connections that are over; in: to the microservice",
                ("port", "direction"),
                dict(measures.bytes.values),
            ),
            histogram(
                "ecn_router_open_seconds",
                "From a connection here to the one to the microservice",
                measures.open_seconds,
            ),
        ]
