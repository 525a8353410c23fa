"""Which routers there are, where each leads and how it is, from the world and from telemetry. Pure.

ECN's agents carry their node's router in themselves, and lead to the broker, the interior router,
where there is one. Nodes may say besides, as with ioFog, on which ports their router listens and
whom it leads to; that is shown as it was said.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from ecn.agent_status import AgentStatus
from ecn.api.router_documents import ProxyDocument
from ecn.api.topology_documents import RouterDocument, RouterKind
from events.ids import NodeId
from events.node import RouterMode
from events.user import Role
from projections import network, routers
from projections.nodes import NodeRow, NodeState
from projections.world import World

BROKER = "interior-router"
DEFAULT = "default-router"
"""Names of the two that are of no node."""
PORTS = {"amqp": 5672, "amqps": 5671}
NOT_HEARD = "nothing is heard of it by this controller"
WORST = ("refusing", "waiting", "up")

Said = Callable[[NodeId], AgentStatus | None]


def topology(
    world: World, said: Said, proxies: Iterable[ProxyDocument], state: str, reason: str
) -> list[RouterDocument]:
    """All of them. said: an agent's last word. state, reason: of the interior router."""
    return [
        *_broker(world, state, reason),
        *_default(world),
        *_nodes(world, said),
        *_proxies(world, list(proxies)),
    ]


def _broker(world: World, state: str, reason: str) -> Iterator[RouterDocument]:
    there = network.broker(world)
    if there is None:
        return
    url = urlsplit(there.url)
    yield RouterDocument(
        name=BROKER,
        kind=RouterKind.BROKER,
        host=url.hostname or "",
        ports=[url.port or PORTS.get(url.scheme, 5672)],
        downstreams=sorted(row.name for _, row in world.nodes.items()),
        state=state,
        reason=reason,
    )


def _default(world: World) -> Iterator[RouterDocument]:
    found = routers.default_router(world)
    if found is None or found[0] is not None:
        return
    _, router = found
    users = [
        row.name
        for key, row in world.nodes.items()
        if any(each.node_id is None for each in _upstreams(world, NodeId(key), row))
    ]
    yield RouterDocument(
        name=DEFAULT,
        kind=RouterKind.DEFAULT,
        host=router.host,
        ports=[router.messaging_port, router.edge_port, router.inter_router_port],
        downstreams=sorted(users),
        state="unknown",
        reason="it is outside all nodes: nothing is heard of it",
    )


def _nodes(world: World, said: Said) -> Iterator[RouterDocument]:
    beyond = [BROKER] if network.broker(world) is not None else []
    for key, row in sorted(world.nodes.items(), key=lambda each: each[1].name):
        node_id = NodeId(key)
        status = said(node_id)
        traffic = [] if status is None else list(status.routes.values())
        state, reason = _state(row, status)
        below = routers.downstreams(world, node_id) | routers.guests(world, node_id)
        yield RouterDocument(
            name=row.name,
            kind=_kind(row),
            node=row.name,
            host=row.settings.host or "",
            ports=routers.router_ports(row.settings.router),
            upstreams=[
                *(_name(world, each) for each in _upstreams(world, node_id, row)),
                *beyond,
            ],
            downstreams=sorted(world.nodes[each].name for each in below if each in world.nodes),
            state=state,
            reason=reason,
            heard_at=None if status is None else status.at,
            stored_messages=sum(each.stored for each in traffic),
            stored_bytes=sum(each.stored_bytes for each in traffic),
        )


def _kind(row: NodeRow) -> RouterKind:
    router = row.settings.router
    if router is None or router.mode is RouterMode.EDGE:
        return RouterKind.EDGE
    return RouterKind.INTERIOR if router.mode is RouterMode.INTERIOR else RouterKind.SHARED


def _upstreams(world: World, node_id: NodeId, row: NodeRow) -> list[routers.Router]:
    if _kind(row) is not RouterKind.SHARED:
        return routers.upstreams(world, node_id)
    used = routers.network_router(world, node_id)
    return [] if used is None else [used]


def _name(world: World, router: routers.Router) -> str:
    return DEFAULT if router.node_id is None else world.nodes[router.node_id].name


def _state(row: NodeRow, status: AgentStatus | None) -> tuple[str, str]:
    """As on its worst route."""
    if row.state is not NodeState.ONLINE:
        return row.state.value, ""
    routes = [] if status is None else list(status.routes.values())
    worst = min(routes, key=lambda each: WORST.index(each.state), default=None)
    return ("up", "") if worst is None else (worst.state, worst.reason)


def _proxies(world: World, running: list[ProxyDocument]) -> Iterator[RouterDocument]:
    beyond = [BROKER] if network.broker(world) is not None else []
    many = Counter(each.router_id for each in running)
    for each in running:
        report = each.report
        closed = "; ".join(f"port {one.port}: {one.reason}" for one in report.closed)
        alone = many[each.router_id] == 1
        yield RouterDocument(
            name=each.name if alone else f"{each.name}/{report.instance[:8]}",
            kind=RouterKind.PROXY,
            node=report.node or None,
            host=report.host,
            ports=report.listening,
            upstreams=beyond,
            state=report.state,
            reason="; ".join(one for one in (report.reason, closed) if one),
            heard_at=each.heard_at,
            connections=report.connections,
        )
    silent = (
        row.name for key, row in world.users.items() if row.role is Role.ROUTER and key not in many
    )
    for name in sorted(silent):
        yield RouterDocument(
            name=name, kind=RouterKind.PROXY, upstreams=beyond, state="unknown", reason=NOT_HEARD
        )
