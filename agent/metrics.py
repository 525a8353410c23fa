"""What an agent says of itself, its node's containers and its messages, when a scraper asks.

`ecn-agent run --metrics HOST:PORT` serves it, and without that nothing of it is even loaded: an
idle agent stays small. The names are in docs/metrics.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from msgspec import Struct

from agent.contract import RouteStatus
from agent.errors import EngineError
from agent.lifecycle.engine import ContainerEngine, EngineState
from agent.messages.counts import Measures, RouteCounts
from agent.storage.desired_state import Known
from routing.metrics.families import (
    Family,
    Type,
    counters,
    gauge,
    gauges,
    histogram,
    states,
)
from routing.metrics.measures import Labels

ROUTE = ("application", "route")
T = TypeVar("T")


class Messages(Protocol):
    """What is asked of the edge router."""

    def measures(self) -> Measures:
        """Counts, and how much waits."""
        ...

    def statuses(self) -> list[RouteStatus]:
        """Of all routes of the node."""
        ...


class Readings(Struct, frozen=True, kw_only=True):
    """What other parts of the agent know at that moment."""

    version: str
    controller_problem: Callable[[], str]
    """Empty: it is heard."""
    interior_problem: Callable[[], str]
    """Empty: messages go and come, or none has to."""
    local_api_connections: Callable[[], int]
    proxied_connections: Callable[[], int]


class AgentLook:
    """See the module."""

    def __init__(
        self, node_id: str, engine: ContainerEngine, messages: Messages, readings: Readings
    ) -> None:
        self._node_id = node_id
        self._engine = engine
        self._messages = messages
        self._readings = readings
        self._names: dict[str, Labels] = {}

    def wish(self, known: Known) -> None:
        """Routes are called like this from now on."""
        self._names = {each.route_id: (each.application, each.name) for each in known.routes}

    async def __call__(self) -> list[Family]:
        """All of it."""
        return [*self._own(), *await self._containers(), *self._messages_of_all(), *self._routes()]

    def _own(self) -> Iterable[Family]:
        known = self._readings
        yield gauges(
            "ecn_agent_build", "Version of this agent", ("version",), {(known.version,): 1}
        )
        yield gauge(
            "ecn_agent_controller_up",
            "1 while the controller answers, else 0",
            float(not known.controller_problem()),
        )
        yield gauge(
            "ecn_agent_interior_router_up",
            "0 while messages wait for the interior router, else 1",
            float(not known.interior_problem()),
        )
        yield gauge(
            "ecn_agent_local_api_connections",
            "Connections of microservices to the Local API",
            known.local_api_connections(),
        )
        yield gauge(
            "ecn_agent_proxied_connections",
            "Connections to public ports of microservices here",
            known.proxied_connections(),
        )

    async def _containers(self) -> list[Family]:
        try:
            found = await self._engine.containers(self._node_id)
        except EngineError:
            return [_engine_up(0)]
        return [
            _engine_up(1),
            states(
                "ecn_agent_containers",
                "Containers of the node, by what the engine says of them",
                [each.value for each in EngineState],
                Counter(each.state.value for each in found),
            ),
        ]

    def _messages_of_all(self) -> Iterable[Family]:
        measures = self._messages.measures()
        for name, help_, count in (
            ("published", "Messages of microservices that the agent took", measures.published),
            ("unrouted", "Messages that no route took", measures.unrouted),
            ("refused", "Messages that were refused, for want of room", measures.refused),
        ):
            yield counters(f"ecn_agent_messages_{name}", help_, (), {(): count})
        yield counters(
            "ecn_agent_messages_dropped",
            "Messages that were dropped",
            ("reason",),
            {(reason,): count for reason, count in measures.dropped.items()},
        )
        yield counters(
            "ecn_agent_store_commits",
            "Writes of the store, each of which many messages may share",
            (),
            {(): measures.commits},
        )
        yield histogram(
            "ecn_agent_message_acceptance_seconds",
            "From a message's arrival until it is kept",
            measures.acceptance,
        )
        for name, help_, value in (
            ("messages_waiting", "Messages that wait", measures.waiting),
            ("store_bytes", "Bytes of messages on the disk", measures.store_bytes),
            ("store_limit_bytes", "Bytes that they may take there", measures.store_limit_bytes),
            ("memory_bytes", "Bytes of messages in memory alone", measures.memory_bytes),
            ("memory_limit_bytes", "Bytes that they may take there", measures.memory_limit_bytes),
        ):
            yield gauge(f"ecn_agent_{name}", help_, value)

    def _routes(self) -> Iterable[Family]:
        told = {self._named(each.route_id): each for each in self._messages.statuses()}
        for name, help_, of in GAUGES:
            yield gauges(f"ecn_agent_route_{name}", help_, ROUTE, _each(told, of))
        counts = {self._named(key): each for key, each in self._messages.measures().routes.items()}
        for name, help_, count in COUNTERS:
            yield counters(f"ecn_agent_route_{name}", help_, ROUTE, _each(counts, count))
        yield Family(
            name="ecn_agent_route_latency_seconds",
            help="From when a message was taken to when its receiver had it",
            type=Type.HISTOGRAM,
            labels=ROUTE,
            histograms={labels: each.latency.copy() for labels, each in counts.items()},
        )

    def _named(self, route_id: str) -> Labels:
        """Of a route that is no more, messages may wait still: it goes by its id."""
        return self._names.get(route_id, ("", route_id))


GAUGES: tuple[tuple[str, str, Callable[[RouteStatus], float]], ...] = (
    ("stored_messages", "Messages that wait", lambda each: each.stored),
    ("stored_bytes", "Bytes of messages that wait", lambda each: each.stored_bytes),
    ("oldest_seconds", "Age of the oldest that waits", lambda each: each.oldest_seconds),
    ("up", "1 where messages go on as they come", lambda each: float(each.state == "up")),
)
COUNTERS: tuple[tuple[str, str, Callable[[RouteCounts], float]], ...] = (
    ("accepted", "Messages that the route took", lambda each: each.accepted),
    (
        "delivered",
        "Messages that its receiver here, or the interior router, has taken",
        lambda each: each.delivered,
    ),
    ("received", "Messages from the interior router", lambda each: each.received),
    ("dropped", "Messages that were dropped", lambda each: each.dropped),
    (
        "undefined",
        "Messages for which its condition was neither true nor false",
        lambda each: each.undefined,
    ),
)


def _engine_up(value: float) -> Family:
    return gauge("ecn_agent_engine_up", "1 while the container engine answers, else 0", value)


def _each(of: Mapping[Labels, T], value: Callable[[T], float]) -> dict[Labels, float]:
    return {labels: float(value(each)) for labels, each in of.items()}
