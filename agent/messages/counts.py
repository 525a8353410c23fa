"""What the edge router has done since the agent was started, by route. For one event loop."""

from msgspec import Struct, field

from routing.metrics.measures import Histogram


class RouteCounts(Struct, eq=False):
    """Of one route, messages. See RouteStatus."""

    accepted: int = 0
    delivered: int = 0
    received: int = 0
    dropped: int = 0
    undefined: int = 0
    latency: Histogram = field(default_factory=Histogram)
    """Seconds from when a message was taken to when its receiver had it."""


class Measures(Struct, eq=False):
    """All of it, for whoever shows it."""

    routes: dict[str, RouteCounts] = field(default_factory=dict)
    """By the route's id."""
    acceptance: Histogram = field(default_factory=Histogram)
    """Seconds that a publisher waited until its message was kept."""
    published: int = 0
    unrouted: int = 0
    """Messages that no route took."""
    refused: int = 0
    """Because the store was full, or could not be written."""
    dropped: dict[str, int] = field(default_factory=dict)
    """By reason."""
    commits: int = 0
    waiting: int = 0
    """Messages, and the next in bytes: of the store's file, and of those in memory alone."""
    store_bytes: int = 0
    store_limit_bytes: int = 0
    memory_bytes: int = 0
    memory_limit_bytes: int = 0

    def of(self, route_id: str) -> RouteCounts:
        """Of that route, from nothing at first."""
        found = self.routes.get(route_id)
        if found is None:
            found = self.routes[route_id] = RouteCounts()
        return found

    def drop(self, route_id: str, reason: str, messages: int = 1) -> None:
        """Nobody gets them."""
        self.of(route_id).dropped += messages
        self.dropped[reason] = self.dropped.get(reason, 0) + messages
