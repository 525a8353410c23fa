"""What a controller says of itself and its network at this moment, as families of samples.

Each controller says it of itself; of the network all say the same. Asked by `api/metrics.py`, and
by the place of its own (`--metrics`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from ecn.broker.keeper import BrokerKeeper, State
from ecn.metrics.measures import CommandMeasures, RequestMeasures
from ecn.presence import Presence
from ecn.route_traffic import RouteTraffic
from ecn.telemetry import Telemetry
from ecn.version import VERSION
from ecn.view_writer import ViewWriter
from events.application import ContainerState
from events.ids import NodeId, RouteId
from events.session import SessionKind
from projections.live import Live
from projections.node_routes import source_nodes
from projections.nodes import NodeState
from projections.world import World
from routing.metrics.families import (
    Family,
    counted,
    counters,
    gauge,
    gauges,
    histogram,
    histograms,
    states,
)
from routing.metrics.measures import Labels

MOST_ROUTES = 2000
"""Routes by node of which each number is told; of the rest only how many there are."""

ROUTE_LABELS = ("application", "route", "node")


class ControllerLook:
    """See the module. Parts that are None are left out of what is said."""

    def __init__(
        self,
        live: Live,
        requests: RequestMeasures,
        commands: CommandMeasures,
        *,
        presence: Presence | None = None,
        telemetry: Telemetry | None = None,
        views: ViewWriter | None = None,
        broker: BrokerKeeper | None = None,
    ) -> None:
        self._live = live
        self._requests = requests
        self._commands = commands
        self._presence = presence
        self._telemetry = telemetry
        self._views = views
        self._broker = broker

    async def __call__(self) -> list[Family]:
        """All of them."""
        world = self._live.world
        if self._telemetry is not None:
            await self._telemetry.look(_with_routes(world))
        # In a thread, as a large network takes a while to be counted; a world never changes.
        told = await asyncio.to_thread(_of_network, world, self._telemetry)
        return [*told, *self._own(world)]

    def _own(self, world: World) -> Iterable[Family]:
        yield gauges("ecn_build", "Version of this controller", ("version",), {(VERSION,): 1})
        yield gauge(
            "ecn_log_stale",
            "1 while the log can't be read or written, else 0",
            float(self._live.stale),
        )
        commands, requests = self._commands, self._requests
        yield counted(
            "ecn_commands", "Commands, by what became of them", ("outcome",), commands.outcomes
        )
        yield histogram(
            "ecn_command_seconds", "From a command's arrival to its answer", commands.seconds
        )
        yield histogram("ecn_append_seconds", "Of one append to the log", commands.append_seconds)
        yield counted(
            "ecn_http_requests",
            "Answered requests",
            ("method", "endpoint", "status"),
            requests.answers,
        )
        yield histograms(
            "ecn_http_request_seconds",
            "From a request's arrival to the end of its answer; long-polls and streams are long",
            ("method", "endpoint"),
            requests.seconds,
        )
        if self._presence is not None:
            yield gauge(
                "ecn_agents_connected",
                "Agents that this controller heard lately enough to be online",
                self._presence.heard_lately(),
            )
        if self._views is not None and (written := self._views.position) is not None:
            yield gauge(
                "ecn_views_lag_events",
                "Events that the rows in the database are behind; said by the controller that "
                "writes them",
                world.position - written,
            )
        if self._broker is not None:
            yield states(
                "ecn_interior_router",
                "1 for the state in which the interior router is, as this controller sees it",
                [each.value for each in State],
                {self._broker.health.state.value: 1},
            )


def _of_network(world: World, telemetry: Telemetry | None) -> list[Family]:
    return [*network(world), *(() if telemetry is None else routes(world, telemetry))]


def _with_routes(world: World) -> set[NodeId]:
    """Nodes whose agents tell of routes."""
    found: set[NodeId] = set()
    for key in world.routes:
        row = world.routes[key]
        found.update(source_nodes(world, row))
        if row.ends.destination is not None:
            found.add(world.microservices[row.ends.destination].node_id)
    return found


def network(world: World) -> Iterable[Family]:
    """What every controller of the network says."""
    yield gauge("ecn_log_position", "Position of the last event", world.position)
    yield states(
        "ecn_nodes",
        "Nodes, by whether they are heard",
        [each.value for each in NodeState],
        Counter(row.state.value for _, row in world.nodes.items()),
    )
    said = Counter(row.state.value for _, row in world.statuses.items())
    unheard = len(world.microservices) - len(world.statuses)
    yield states(
        "ecn_microservices",
        "Microservices, by the state of their containers; unknown: nothing was ever said of it",
        [*(each.value for each in ContainerState), "unknown"],
        {**said, "unknown": unheard},
    )
    yield gauge("ecn_applications", "Applications", len(world.applications))
    yield states(
        "ecn_sessions",
        "Sessions that are open, by kind",
        [each.value for each in SessionKind],
        Counter(row.kind.value for _, row in world.sessions.items()),
        label="kind",
    )


class _Each(Struct, frozen=True):
    """One number of a route on a node."""

    name: str
    help: str
    of: Callable[[RouteTraffic], float]


GAUGES = (
    _Each("ecn_route_stored_messages", "Messages that wait", lambda each: each.stored),
    _Each("ecn_route_stored_bytes", "Bytes of messages that wait", lambda each: each.stored_bytes),
    _Each(
        "ecn_route_oldest_seconds",
        "Age of the oldest message that waits",
        lambda each: each.oldest_seconds,
    ),
    _Each(
        "ecn_route_up",
        "1 where messages go on as they come, 0 where they wait or are refused",
        lambda each: float(each.state == "up"),
    ),
)
COUNTERS = (
    _Each("ecn_route_accepted", "Messages that the route took", lambda each: each.accepted),
    _Each(
        "ecn_route_delivered",
        "Messages that its receiver here, or the interior router, has taken",
        lambda each: each.delivered,
    ),
    _Each(
        "ecn_route_received",
        "Messages from the interior router for a receiver here",
        lambda each: each.received,
    ),
    _Each("ecn_route_dropped", "Messages that were dropped", lambda each: each.dropped),
    _Each(
        "ecn_route_undefined",
        "Messages for which its condition was neither true nor false",
        lambda each: each.undefined,
    ),
)


def routes(world: World, telemetry: Telemetry) -> Iterable[Family]:
    """Routes as agents told of them last. Counts begin anew when an agent does."""
    told: dict[Labels, RouteTraffic] = {}
    left_out = 0
    for labels, status in _statuses(world, telemetry):
        if len(told) < MOST_ROUTES:
            told[labels] = status
        else:
            left_out += 1
    for each in GAUGES:
        yield gauges(each.name, each.help, ROUTE_LABELS, _numbers(told, each))
    for each in COUNTERS:
        yield counters(each.name, each.help, ROUTE_LABELS, _numbers(told, each))
    yield gauge(
        "ecn_routes_left_out",
        f"Routes by node beyond the {MOST_ROUTES} whose numbers are told",
        left_out,
    )


def _numbers(told: Mapping[Labels, RouteTraffic], each: _Each) -> dict[Labels, float]:
    return {labels: float(each.of(status)) for labels, status in told.items()}


def _statuses(world: World, telemetry: Telemetry) -> Iterable[tuple[Labels, RouteTraffic]]:
    for node_id, node in world.nodes.items():
        status = telemetry.status(NodeId(node_id))
        for key, each in () if status is None else status.routes.items():
            row = world.routes.get(RouteId(key))
            if row is None:
                continue  # deleted meanwhile
            application = world.applications[row.application_id].name
            yield (application, row.name, node.name), each
