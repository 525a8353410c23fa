"""What is decided about a node's router: whether it may be so, and what follows for others.

What a node has already is not asked again: a router may lead to one that went away since, and
everything else about the node can be changed all the same.
"""

from collections.abc import Iterator

from ecn.deciders import find
from ecn.errors import (
    Invalid,
    PortTaken,
    RouterHasDownstreams,
    RouterMissing,
    SystemNodeExists,
    UpstreamNotInterior,
)
from events.application import Protocol
from events.envelope import KnownEvent
from events.ids import NodeId
from events.node import DEFAULT_ROUTER, NodeSettings, NodeUpdated, RouterMode, RouterSettings
from projections.public_ports import public_of
from projections.routers import (
    downstreams,
    guests,
    router_of,
    router_ports,
    system_node,
    without,
)
from projections.world import World

FIELD = "$.settings.router"


def check(world: World, node_id: NodeId, name: str, settings: NodeSettings) -> None:
    """Whether the node may have these settings. Its row, if there is one, has the present ones.

    Errors: Invalid, RouterMissing, UpstreamNotInterior, RouterHasDownstreams, SystemNodeExists,
    PortTaken.
    """
    row = world.nodes.get(node_id)
    old = None if row is None else row.settings
    if old is not None and (old.router, old.host, old.system) == (
        settings.router,
        settings.host,
        settings.system,
    ):
        return
    router = settings.router
    if settings.system:
        _system(world, node_id, router)
    if router is None or router.mode is RouterMode.NONE:
        _guest(world, node_id, router, old)
    else:
        _own(world, node_id, name, settings, router, old)
    _ports(world, node_id, name, settings, old)


def _system(world: World, node_id: NodeId, router: RouterSettings | None) -> None:
    other = system_node(world)
    if other is not None and other != node_id:
        raise SystemNodeExists(world.nodes[other].name, field="$.settings.system")
    if router is None or router.mode is not RouterMode.INTERIOR:
        raise Invalid("the system node's router is interior", field=f"{FIELD}.mode")


def _guest(
    world: World, node_id: NodeId, router: RouterSettings | None, old: NodeSettings | None
) -> None:
    if router is None:
        return
    was = None if old is None or old.router is None else old.router
    ref = router.network_router or DEFAULT_ROUTER
    known = was is not None and was.mode is router.mode and was.network_router == ref
    if not known and (ref == node_id or router_of(world, ref) is None):
        raise RouterMissing(ref, field=f"{FIELD}.network_router")


def _own(
    world: World,
    node_id: NodeId,
    name: str,
    settings: NodeSettings,
    router: RouterSettings,
    old: NodeSettings | None,
) -> None:
    if not settings.host:
        raise Invalid("a node with a router needs a host", field="$.settings.host")
    interior = router.mode is RouterMode.INTERIOR
    for part in ("edge_port", "inter_router_port") if interior else ():
        if getattr(router, part) is None:
            raise Invalid("an interior router needs it", field=f"{FIELD}.{part}")
    if len(set(router_ports(router))) < len(router_ports(router)):
        raise Invalid("two of its ports are the same", field=FIELD)
    known = set() if old is None or old.router is None else set(old.router.upstreams)
    for index, ref in enumerate(router.upstreams):
        field = f"{FIELD}.upstreams[{index}]"
        if ref == node_id:
            raise Invalid("a router does not lead to itself", field=field)
        upstream = router_of(world, ref)
        if ref in known or (settings.system and ref == DEFAULT_ROUTER):
            continue  # of the system node, the default router is its own
        if upstream is None:
            raise RouterMissing(ref, field=field)
        if not upstream.interior:
            raise UpstreamNotInterior(ref, field=field)
    if not interior and (below := downstreams(world, node_id)):
        names = sorted(world.nodes[each].name for each in below)
        raise RouterHasDownstreams(name, names, field=f"{FIELD}.mode")


def _ports(
    world: World, node_id: NodeId, name: str, settings: NodeSettings, old: NodeSettings | None
) -> None:
    """No port of the node is the router's and something else's, now that either changes."""
    had = set() if old is None else {port for port, _ in system_ports(world, node_id, old)}
    taken = {
        port.host: f"microservice {find.microservice_name(world, key)!r}"
        for key in world.microservices.find("node", node_id)
        for port in world.microservices[key].spec.ports
        if port.protocol is Protocol.TCP
    }
    for port, holder in system_ports(world, node_id, settings):
        if port in taken and port not in had:
            raise PortTaken(
                node=name, port=port, protocol=Protocol.TCP, holder=taken[port], field=FIELD
            )
        taken[port] = holder


def system_ports(
    world: World, node_id: NodeId, settings: NodeSettings
) -> Iterator[tuple[int, str]]:
    """The ports that the system's own microservices listen on there, and for whom, with these
    settings: the router's, and public ports that open there."""
    for port in router_ports(settings.router):
        yield port, "its router"
    for ref in (node_id, DEFAULT_ROUTER) if settings.system else (node_id,):
        for key in sorted(world.microservices.find("public_router", ref)):
            for _, public in public_of(world, key):
                if public.router == ref:
                    name = find.microservice_name(world, key)
                    yield public.port, f"a public port of microservice {name!r}"


def leave(world: World, node_id: NodeId) -> Iterator[KnownEvent]:
    """What follows for others when a node's router goes away: the default one replaces it."""
    for other in sorted(downstreams(world, node_id) | guests(world, node_id)):
        settings = world.nodes[other].settings
        left = without(settings, node_id)
        if left != settings:
            yield NodeUpdated(node_id=other, settings=left)
