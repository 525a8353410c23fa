"""Which way a message goes: the node's routes, as they are now.

Pure. `router.py` makes one of each desired state and asks it for each message.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from agent.contract import Microservice, Route
from agent.messages.lanes import Way
from agent.storage.desired_state import Known
from routing.addresses import route_key, upstream_key
from routing.message import Message


class Elsewhere(Struct, frozen=True):
    """The way leads off the node, with this routing key."""

    key: str


class Here(Struct, frozen=True):
    """The way leads to a microservice of this node."""

    microservice_id: str


class RouteTable:
    """The routes of a node, and what is on it."""

    def __init__(self, known: Known | None = None) -> None:
        self.routes: Mapping[str, Route] = (
            {route.route_id: route for route in known.routes} if known is not None else {}
        )
        self._microservices: Mapping[str, Microservice] = known.microservices if known else {}
        self._from: dict[str, list[Route]] = {}
        """By publisher, filled when asked."""

    def knows(self, microservice_id: str) -> bool:
        """Whether it is on this node."""
        return microservice_id in self._microservices

    def routes_from(self, publisher: str) -> list[Route]:
        """All that may take what it sends."""
        routes = self._from.get(publisher)
        if routes is None:
            of = self._microservices.get(publisher)
            routes = [
                route
                for route in self.routes.values()
                if route.source == publisher
                or (not route.source and of is not None and route.application == of.application)
            ]
            if of is not None:
                self._from[publisher] = routes
        return routes

    def chosen(self, message: Message) -> tuple[list[Route], list[Route]]:
        """The routes that take it, one for each sink; and those that could not say."""
        takes = [
            route
            for route in self.routes_from(message.publisher)
            if route.twin_changes == message.twin_change
            and (not route.output or route.output == message.output)
        ]
        best: dict[tuple[str, str], Route] = {}
        for route in takes:
            sink = (route.destination, route.input if route.destination else "")
            before = best.get(sink)
            if before is None or _rank(route) < _rank(before):
                best[sink] = route
        return list(best.values()), []

    def received_by(self, publisher: str, receiver: str, input_name: str) -> Route | None:
        """The route by which something came from another node."""
        for route in self.routes.values():
            if (
                route.destination == receiver
                and route.input == input_name
                and route.source in ("", publisher)
            ):
                return route
        return None

    def leads(self, publisher: str, receiver: str) -> bool:
        """Whether there is a route from one to the other."""
        return any(route.destination == receiver for route in self.routes_from(publisher))

    def end_of(self, way: Way) -> Here | Elsewhere | None:
        """Where that way leads now; None: nowhere any more."""
        if not way.destination:
            return Elsewhere(upstream_key(way.application, way.route))
        if way.destination in self._microservices:
            return Here(way.destination)
        same = self.routes.get(way.route_id)
        if same is not None and same.destination == way.destination:
            return Here(way.destination) if same.here else Elsewhere(route_key(way.route_id))
        return self._other_way(way)

    def _other_way(self, way: Way) -> Here | Elsewhere | None:
        """Its own route is gone: another may lead there."""
        for route in self.routes.values():
            if route.destination == way.destination:
                return Here(way.destination) if route.here else Elsewhere(route_key(route.route_id))
        return None


def way_of(route: Route) -> Way:
    """As it is written down with a message."""
    return Way(
        route_id=route.route_id,
        application=route.application,
        route=route.name,
        destination=route.destination,
        input=route.input,
        priority=route.priority,
        durable=route.durable,
    )


def _rank(route: Route) -> tuple[int, str]:
    """The most urgent first; of equals always the same."""
    return way_of(route).urgency, route.route_id


def reaches_none(routes: Iterable[Route]) -> bool:
    """Whether none of them leads to a microservice of this node."""
    return not any(route.here for route in routes)
