"""Networks with routes, for questions to what the interior router is to hold."""

from hypothesis import strategies as st

from events.application import MicroserviceMoved, PortMapping, PublicPort, PublicProtocol
from events.envelope import KnownEvent
from events.ids import ApplicationId, MicroserviceId, NodeId, RouteId, UserId
from events.node import NodeDeprovisioned
from events.route import RouteCreated, RouteEnds, RouteTerms
from events.user import Role
from projections.world import World
from tests.builders import (
    EAST,
    SHOP,
    WEST,
    application,
    key_issued,
    microservice,
    provisioned,
    registered,
    spec,
    token,
    user,
    world_after,
)

KEY = b"k" * 32
NORTH = NodeId("node.north")
"""An id that would match others as a pattern."""
NODES = (EAST, WEST, NORTH)
GATE = UserId("user-gate")
DOTTED = ApplicationId("application-shop.eu")


def device(node_id: NodeId, credential: str = "") -> list[KnownEvent]:
    """A node with a device."""
    key = f"key of {node_id} {credential}"
    return [
        key_issued(node_id, key),
        provisioned(node_id, key, credential or f"credential of {node_id}"),
    ]


def route(
    name: str,
    source: str | None,
    destination: str | None,
    *,
    application_id: ApplicationId = SHOP,
    webhook: str = "",
) -> RouteCreated:
    """From a microservice (None: any) to another (None: upstream)."""
    return RouteCreated(
        route_id=RouteId(f"route-{name}"),
        application_id=application_id,
        name=name,
        ends=RouteEnds(
            source=None if source is None else MicroserviceId(source),
            destination=None if destination is None else MicroserviceId(destination),
        ),
        terms=RouteTerms(webhook=webhook),
    )


def public(host: int) -> PortMapping:
    """A public port."""
    opened = PublicPort(
        port=6000 + host,
        queue=f"{host:032x}",
        router="default-router",
        schemes=["tcp"],
        protocol=PublicProtocol.TCP,
    )
    return PortMapping(host=host, container=80, public=opened)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three nodes, some with devices; two applications; routes of all kinds; proxies' users."""
    events: list[KnownEvent] = [registered(node_id) for node_id in NODES]
    yes = st.booleans()
    with_device = draw(st.sets(st.sampled_from(NODES)))
    for node_id in sorted(with_device):
        events += device(node_id, draw(st.sampled_from(["", "other"])) and f"other of {node_id}")
    events += [application(), application(DOTTED)]
    made: dict[ApplicationId, list[MicroserviceId]] = {SHOP: [], DOTTED: []}
    for number in range(draw(st.integers(0, 4))):
        owner, node_id = draw(st.sampled_from([SHOP, DOTTED])), draw(st.sampled_from(NODES))
        ports = [public(number + 1)] if draw(yes) else []
        name = f"m{number}"
        events.append(
            microservice(name, node_id=node_id, application_id=owner, made_from=spec(*ports))
        )
        made[owner].append(MicroserviceId(f"microservice-{name}"))
    for number in range(draw(st.integers(0, 5))):
        owner = draw(st.sampled_from([SHOP, DOTTED]))
        ends = st.sampled_from([None, *made[owner]])
        destination = draw(ends)
        hook = draw(st.sampled_from(["", "https://x.example"])) if destination is None else ""
        name = draw(st.sampled_from(["r", "r.a", "r-b"])) + str(number)
        events.append(route(name, draw(ends), destination, application_id=owner, webhook=hook))
    if draw(yes):
        events.append(user(GATE, Role.ROUTER))
        events += [token(GATE, f"t{n}") for n in range(draw(st.integers(0, 2)))]
    if draw(yes) and with_device:
        events.append(NodeDeprovisioned(node_id=min(with_device)))
    every = [*made[SHOP], *made[DOTTED]]
    if draw(yes) and every:
        moved = draw(st.sampled_from(every))
        here = world_after(*events).microservices[moved].node_id
        to = draw(st.sampled_from([each for each in NODES if each != here]))
        events.append(MicroserviceMoved(microservice_id=moved, from_node_id=here, to_node_id=to))
    return world_after(*events)
