"""Which way a message goes: the node's routes, as they are now.

Pure. `router.py` makes one of each desired state and asks it for each message.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from agent.contract import Microservice, Route
from agent.messages.conditions import Condition
from agent.messages.lanes import Way
from agent.storage.desired_state import Known
from routing import selection
from routing.addresses import route_key, upstream_key
from routing.language import Reading
from routing.message import Message


class Elsewhere(Struct, frozen=True):
    """The way leads off the node, with this routing key."""

    key: str


class Here(Struct, frozen=True):
    """The way leads to a microservice of this node."""

    microservice_id: str


class RouteTable:
    """The routes of a node, and what is on it. condition: of a route that has one, if it is known;
    node: its name, for conditions."""

    def __init__(
        self,
        known: Known | None = None,
        condition: Callable[[Route], Condition | None] = lambda route: None,
        node: str = "",
    ) -> None:
        self.routes: Mapping[str, Route] = (
            {route.route_id: route for route in known.routes} if known is not None else {}
        )
        self.microservices: Mapping[str, Microservice] = known.microservices if known else {}
        self._condition = condition
        self._node = node
        self._from: dict[str, list[Route]] = {}
        """By publisher, filled when asked."""
        self._ways: dict[tuple[str, bool, str], list[selection.Way]] = {}
        """By publisher, whether it tells of its twin, and output that some route names."""
        self._outputs = {route.output for route in self.routes.values()}

    def knows(self, microservice_id: str) -> bool:
        """Whether it is on this node."""
        return microservice_id in self.microservices

    def routes_from(self, publisher: str) -> list[Route]:
        """All that may take what it sends, always in the same order."""
        routes = self._from.get(publisher)
        if routes is None:
            of = self.microservices.get(publisher)
            routes = [
                route
                for _, route in sorted(self.routes.items())
                if route.source == publisher
                or (not route.source and of is not None and route.application == of.application)
            ]
            if of is not None:
                self._from[publisher] = routes
        return routes

    def chosen(self, message: Message) -> tuple[list[Route], list[Route]]:
        """The routes that take it, one for each sink; and those that could not say."""
        ways = self._ways_for(message)
        if not ways:
            return [], []
        if len(ways) == 1 and ways[0].condition is None:
            return [self.routes[ways[0].route_id]], []
        of = self.microservices.get(message.publisher)
        reading = Reading(message, module=of.name if of is not None else "", device=self._node)
        found = selection.chosen(ways, reading)
        return (
            [self.routes[way.route_id] for way in found.taken],
            [self.routes[way.route_id] for way in found.undefined],
        )

    def _ways_for(self, message: Message) -> list[selection.Way]:
        output = message.output if message.output in self._outputs else ""
        key = message.publisher, message.twin_change, output
        ways = self._ways.get(key)
        if ways is None:
            ways = [
                selection.Way(
                    route_id=route.route_id,
                    sink=f"{route.destination}/{route.input}" if route.destination else "",
                    priority=route.priority,
                    condition=self._condition(route) if route.condition else None,
                )
                for route in self.routes_from(message.publisher)
                if route.twin_changes == message.twin_change
                and route.output in ("", output)
                and (not route.condition or self._condition(route) is not None)
            ]
            if self.knows(message.publisher):
                self._ways[key] = ways
        return ways

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

    def starts_here(self, route: Route) -> bool:
        """Whether something that is on this node may send by it."""
        return route.source in self.microservices or (
            not route.source
            and any(m.application == route.application for m in self.microservices.values())
        )

    def archives(self, publisher: str) -> bool:
        """Whether what it sends is archived: somebody here may ask for it."""
        return any(
            route.durable
            and not route.twin_changes
            and (route.here or route.destination in self.microservices)
            for route in self.routes_from(publisher)
        )

    def looks_at_twin(self, publisher: str) -> bool:
        """Whether any route takes changes of its twin."""
        return any(route.twin_changes for route in self.routes_from(publisher))

    def leads(self, publisher: str, receiver: str) -> bool:
        """Whether there is a route from one to the other."""
        return any(route.destination == receiver for route in self.routes_from(publisher))

    def end_of(self, way: Way) -> Here | Elsewhere | None:
        """Where that way leads now; None: nowhere any more."""
        if not way.route_id:
            return Here(way.destination)  # from another node, for as long as the link says so
        if not way.destination:
            same = self.routes.get(way.route_id)
            if same is None or same.destination:
                return None  # the interior router leads nowhere what a former route brought
            return Elsewhere(upstream_key(same.application, same.name))
        if way.destination in self.microservices:
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
