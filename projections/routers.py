"""The network of message routers: which there are, where each leads, and which ports they take.

Pure, and no view of its own: all of it follows from the nodes' settings and from the default
router. Deciders, the change flags and whoever tells agents of their router ask here.

One router is the default: the system node's, else the one that was set for the network. It is
called DEFAULT_ROUTER wherever a node's id could stand, and that name is followed when it is
asked, so that all lead to the new one when there is another.
"""

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from events.ids import NodeId
from events.network import DefaultRouter
from events.node import DEFAULT_ROUTER, NodeSettings, RouterMode, RouterSettings
from projections.nodes import NodeRow

if TYPE_CHECKING:
    from projections.world import World

LOCALHOST = "localhost"


class Router(Struct, frozen=True, kw_only=True, gc=False):
    """A router that runs somewhere."""

    node_id: NodeId | None
    """Of the node that it runs on; None for a default router outside all nodes."""
    host: str
    """Name or address under which other devices reach it."""
    messaging_port: int
    edge_port: int | None
    """Where edge routers connect; None where it takes none, as the next."""
    inter_router_port: int | None
    default: bool
    """It is the one that DEFAULT_ROUTER means."""

    @property
    def interior(self) -> bool:
        """Other routers may connect to it."""
        return self.edge_port is not None and self.inter_router_port is not None


class RouterAddress(Struct, frozen=True, kw_only=True, gc=False):
    """Where an agent connects to send messages."""

    host: str
    port: int


def system_node(world: "World") -> NodeId | None:
    """The node that carries the default router, if there is one."""
    return world.nodes.one("system", True)


def default_router(world: "World") -> tuple[NodeId | None, DefaultRouter] | None:
    """The default router and the node that it runs on: the system node's, else the one that was
    set. None where there is neither."""
    node_id = system_node(world)
    if node_id is not None and (router := router_of_node(world, node_id)) is not None:
        return node_id, DefaultRouter(
            host=router.host,
            messaging_port=router.messaging_port,
            edge_port=router.edge_port or 0,
            inter_router_port=router.inter_router_port or 0,
        )
    row = world.network.get(DEFAULT_ROUTER)
    return None if row is None or row.router is None else (None, row.router)


def router_of(world: "World", ref: str) -> Router | None:
    """The router that DEFAULT_ROUTER or a node's id means; None where there is none."""
    if ref != DEFAULT_ROUTER:
        return router_of_node(world, NodeId(ref))
    found = default_router(world)
    if found is None:
        return None
    node_id, router = found
    return Router(
        node_id=node_id,
        host=router.host,
        messaging_port=router.messaging_port,
        edge_port=router.edge_port,
        inter_router_port=router.inter_router_port,
        default=True,
    )


def router_of_node(world: "World", node_id: NodeId) -> Router | None:
    """The router that runs on the node; None where none does, or there is no such node."""
    row = world.nodes.get(node_id)
    return None if row is None else _router(node_id, row)


def _router(node_id: NodeId, row: NodeRow) -> Router | None:
    router = row.settings.router
    if router is None or router.mode is RouterMode.NONE:
        return None
    interior = router.mode is RouterMode.INTERIOR
    return Router(
        node_id=node_id,
        host=row.settings.host or "",
        messaging_port=router.messaging_port,
        edge_port=router.edge_port if interior else None,
        inter_router_port=router.inter_router_port if interior else None,
        default=row.settings.system,
    )


def usual_upstreams(*, system: bool) -> list[str]:
    """What a router connects to if nobody says otherwise."""
    return [] if system else [DEFAULT_ROUTER]


def upstreams(world: "World", node_id: NodeId) -> list[Router]:
    """The routers that the node's own connects to, each once, in the order they were named.

    Left out are those that are not there any more, and its own.
    """
    row = world.nodes.get(node_id)
    router = None if row is None else row.settings.router
    if router is None or router.mode is RouterMode.NONE:
        return []
    found: dict[NodeId | None, Router] = {}
    for ref in router.upstreams:
        upstream = router_of(world, ref)
        if upstream is not None and upstream.node_id != node_id:
            found.setdefault(upstream.node_id, upstream)
    return list(found.values())


def _names(world: "World", node_id: NodeId) -> tuple[str, ...]:
    """By what others name the node's router."""
    return (node_id, DEFAULT_ROUTER) if system_node(world) == node_id else (node_id,)


def downstreams(world: "World", node_id: NodeId) -> set[NodeId]:
    """The nodes whose routers connect to the node's."""
    names = _names(world, node_id)
    return {each for name in names for each in world.nodes.find("upstream", name)} - {node_id}


def guests(world: "World", node_id: NodeId) -> set[NodeId]:
    """The nodes without a router of their own whose agents use the node's."""
    names = _names(world, node_id)
    return {each for name in names for each in world.nodes.find("network_router", name)} - {node_id}


def network_router(world: "World", node_id: NodeId) -> Router | None:
    """The router that the node's agent and proxy send through: its own, or the one it uses.

    None where nothing of the routers concerns the node, or the one it uses is not there.
    """
    row = world.nodes.get(node_id)
    if row is None or row.settings.router is None:
        return None
    if row.settings.router.mode is RouterMode.NONE:
        return router_of(world, row.settings.router.network_router or DEFAULT_ROUTER)
    return _router(node_id, row)


def router_address(world: "World", node_id: NodeId) -> RouterAddress | None:
    """That router as the node's agent sees it: on its own device where the hosts are the same."""
    router = network_router(world, node_id)
    if router is None:
        return None
    here = router.node_id == node_id or router.host == world.nodes[node_id].settings.host
    return RouterAddress(host=LOCALHOST if here else router.host, port=router.messaging_port)


def public_host(world: "World", ref: str) -> tuple[NodeId | None, str] | None:
    """On which node a public port with that `router` opens, and that node's host.

    No node where the default router is outside all nodes; None where there is no such router.
    """
    router = router_of(world, ref)
    return None if router is None else (router.node_id, router.host)


def without(settings: NodeSettings, gone: NodeId) -> NodeSettings:
    """The settings of a node once that router is there no more: the default one replaces it."""
    router = settings.router
    if router is None:
        return settings
    # The system node's own is the default one.
    instead = [] if settings.system else [DEFAULT_ROUTER]
    refs = [each for ref in router.upstreams for each in (instead if ref == gone else [ref])]
    network_router = router.network_router
    return replace(
        settings,
        router=replace(
            router,
            upstreams=list(dict.fromkeys(refs)),
            network_router=DEFAULT_ROUTER if network_router == gone else network_router,
        ),
    )


def router_ports(router: RouterSettings | None) -> list[int]:
    """The ports that a router listens on."""
    if router is None or router.mode is RouterMode.NONE:
        return []
    ports = [router.messaging_port]
    if router.mode is RouterMode.INTERIOR:
        ports += [each for each in (router.edge_port, router.inter_router_port) if each is not None]
    return ports
