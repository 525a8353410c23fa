"""How routes are: from what the agents of their nodes said last, and from the world. Pure.

Telemetry and the world of now together: nothing of it is known of the past.
"""

from collections.abc import Callable, Iterable, Iterator

from ecn.agent_status import AgentStatus
from ecn.api.documents import RouteOnNode, RouteStatusDocument
from ecn.route_traffic import RouteTraffic
from events.ids import NodeId, RouteId
from projections.desired_state import should_run
from projections.network import broker
from projections.node_routes import source_nodes
from projections.nodes import NodeState
from projections.routes import RouteRow
from projections.world import World

Said = Callable[[NodeId], AgentStatus | None]

BAD = ("refusing", "waiting", "unknown", "up")
"""The worst first: as a route is on its worst node, so it is."""
AWAY = {
    NodeState.REGISTERED: "no device has become this node yet",
    NodeState.OFFLINE: "the node is offline",
}
NO_BROKER = "the network has no interior router: start the controller with --broker"


def nodes_of(world: World, key: RouteId) -> set[NodeId]:
    """Whose agents tell of it: where its messages come from."""
    return set(source_nodes(world, world.routes[key]))


def status(world: World, key: RouteId, said: Said) -> RouteStatusDocument:
    """One route as it stands now. said: an agent's last word."""
    row = world.routes[key]
    nodes = [
        _on_node(world, node_id, _traffic(said(node_id), key)) for node_id in nodes_of(world, key)
    ]
    nodes.sort(key=lambda each: each.node)
    worst = min(nodes, key=lambda each: BAD.index(each.state), default=None)
    if worst is None:
        state, reason = "waiting", "its application has no microservice that could send"
    else:
        many = worst.reason and len(nodes) > 1
        state, reason = worst.state, f"{worst.node}: {worst.reason}" if many else worst.reason
    cause = next(_from_the_world(world, row), "")
    if cause and state != "refusing":
        state, reason = "waiting", cause
    return RouteStatusDocument(
        state=state,
        reason=reason,
        stored=sum(each.stored for each in nodes),
        stored_bytes=sum(each.stored_bytes for each in nodes),
        oldest_seconds=max((each.oldest_seconds for each in nodes), default=0.0),
        rate_in=_sum(each.rate_in for each in nodes),
        rate_out=_sum(each.rate_out for each in nodes),
        dropped=sum(each.dropped for each in nodes),
        undefined=sum(each.undefined for each in nodes),
        nodes=nodes,
    )


def _from_the_world(world: World, row: RouteRow) -> Iterator[str]:
    """Why messages must be waiting, whatever agents said a moment ago; the first cause first."""
    end = row.ends.destination
    to = None if end is None else world.microservices[end].node_id
    elsewhere = any(node_id != to for node_id in source_nodes(world, row))
    if elsewhere and broker(world) is None:
        yield NO_BROKER
    if end is None or to is None:
        return
    if elsewhere and world.nodes[to].state is not NodeState.ONLINE:
        yield f"{world.nodes[to].name}, where its destination is: {AWAY[world.nodes[to].state]}"
    if not should_run(world, world.microservices[end]):
        yield "its destination is stopped"


def _on_node(world: World, node_id: NodeId, said: RouteTraffic | None) -> RouteOnNode:
    node = world.nodes[node_id]
    away = AWAY.get(node.state, "")
    if said is None:
        return RouteOnNode(
            node=node.name, state="unknown", reason=away or "its agent has not told of it yet"
        )
    return RouteOnNode(
        node=node.name,
        state="unknown" if away else said.state,
        reason=away or said.reason,
        stored=said.stored,
        stored_bytes=said.stored_bytes,
        oldest_seconds=said.oldest_seconds,
        accepted=said.accepted,
        delivered=said.delivered,
        received=said.received,
        dropped=said.dropped,
        undefined=said.undefined,
        rate_in=None if away else said.rate_in,
        rate_out=None if away else said.rate_out,
        heard_at=said.at,
    )


def _traffic(status: AgentStatus | None, key: RouteId) -> RouteTraffic | None:
    return None if status is None else status.routes.get(key)


def _sum(rates: Iterable[float | None]) -> float | None:
    """Of those that are known."""
    known = [each for each in rates if each is not None]
    return sum(known) if known else None
