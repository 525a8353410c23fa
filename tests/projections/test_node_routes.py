"""Who is told of a route, and who is not: examples of what test_desired_state.py states of all."""

import pytest

from events.application import MicroserviceDeleted, MicroserviceMoved
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId, RouteId
from events.route import RouteCreated, RouteDeleted, RouteEnds, RouteTerms, RouteUpdated
from projections.desired_state import revision
from projections.node_routes import inboxes
from projections.world import fold
from tests.builders import (
    CACHE,
    EAST,
    SHOP,
    WEB,
    WEST,
    application,
    chained,
    microservice,
    registered,
    world_after,
)

NORTH = NodeId("node-north")
TILL, BAR = MicroserviceId("microservice-till"), MicroserviceId("microservice-bar")
NETWORK: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    registered(NORTH),
    application(),
    microservice("web"),
    microservice("till"),
    microservice("cache", node_id=WEST),
)


def route(
    name: str,
    source: MicroserviceId | None,
    destination: MicroserviceId | None,
    terms: RouteTerms = RouteTerms(),  # noqa: B008 - frozen
) -> RouteCreated:
    ends = RouteEnds(source=source, destination=destination)
    return RouteCreated(
        route_id=RouteId(name), application_id=SHOP, name=name, ends=ends, terms=terms
    )


def updated(
    name: str,
    source: MicroserviceId | None,
    destination: MicroserviceId | None,
    terms: RouteTerms = RouteTerms(),  # noqa: B008 - frozen
) -> RouteUpdated:
    ends = RouteEnds(source=source, destination=destination)
    return RouteUpdated(route_id=RouteId(name), name=name, ends=ends, terms=terms)


def moved(key: MicroserviceId, from_node_id: NodeId, to_node_id: NodeId) -> MicroserviceMoved:
    return MicroserviceMoved(microservice_id=key, from_node_id=from_node_id, to_node_id=to_node_id)


@pytest.mark.parametrize(
    ("events", "nodes"),
    [
        ([route("a", WEB, WEB)], {EAST}),
        ([route("a", WEB, CACHE)], {EAST, WEST}),
        ([route("a", WEB, None)], {EAST}),
        ([route("a", None, None)], {EAST, WEST}),
        ([route("a", None, CACHE)], {EAST, WEST}),
        # West has the inbox already, and goes on having it while one leads there.
        ([route("a", WEB, CACHE), route("b", TILL, CACHE)], {EAST}),
        ([route("a", WEB, CACHE), route("b", TILL, CACHE), RouteDeleted(route_id=RouteId("a"))],
         {EAST}),
        ([route("a", WEB, CACHE), RouteDeleted(route_id=RouteId("a"))], {EAST, WEST}),
        ([route("a", WEB, CACHE), updated("a", WEB, CACHE, RouteTerms(ttl=1))], {EAST}),
        ([route("a", WEB, CACHE), updated("a", CACHE, WEB)], {EAST, WEST}),
        ([route("a", WEB, CACHE), updated("a", TILL, CACHE)], {EAST}),
        # The receiver comes to its sender, and goes on to a third.
        ([route("a", WEB, CACHE), moved(CACHE, WEST, EAST)], {EAST, WEST}),
        ([route("a", WEB, CACHE), moved(CACHE, WEST, NORTH)], {WEST, NORTH}),
        # The sender moves: west is told nothing, unless it comes there.
        ([route("a", WEB, CACHE), moved(WEB, EAST, NORTH)], {EAST, NORTH}),
        ([route("a", WEB, CACHE), moved(WEB, EAST, WEST)], {EAST, WEST}),
        ([route("a", WEB, CACHE), route("b", TILL, CACHE), moved(WEB, EAST, NORTH)],
         {EAST, NORTH}),
        # From any: the first one elsewhere opens the inbox, the second changes nothing there.
        ([route("a", None, CACHE), microservice("bar", node_id=NORTH)], {NORTH}),
        ([route("a", None, WEB), MicroserviceDeleted(microservice_id=CACHE)], {EAST, WEST}),
        ([route("a", None, WEB), microservice("bar", node_id=NORTH)], {NORTH}),
        ([microservice("bar", node_id=NORTH)], {NORTH}),
    ],
)  # fmt: skip
def test_an_event_reaches_those_who_are_told_otherwise(
    events: list[KnownEvent], nodes: set[NodeId]
) -> None:
    before = world_after(*NETWORK, *events[:-1])
    world = fold(before, chained(before.head, events[-1]))
    assert {
        each for each in (EAST, WEST, NORTH) if revision(world, each) != revision(before, each)
    } == nodes


def test_an_inbox_is_what_routes_lead_to_from_elsewhere() -> None:
    world = world_after(*NETWORK, route("a", WEB, WEB), route("b", None, TILL))
    assert (inboxes(world, EAST), inboxes(world, WEST)) == ([TILL], [])
