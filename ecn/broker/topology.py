"""What the interior router is to hold, as a function of the world. Pure.

Everything has its name from routing/addresses.py. What is needed to bring a broker there from what
it holds is said by `changes.py`; `keeper.py` carries that out.

A queue is there for what goes from node to node or out of the network; what stays on a node needs
none. An agent may write to the exchanges of its own node and read the queues of the microservices
that are on it, and nothing else: a binding is what leads from one to the other.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from ecn.broker.credentials import node_password, router_password, router_token
from events.ids import MicroserviceId, NodeId
from events.user import Role
from projections.node_routes import source_nodes
from projections.public_ports import public_of
from projections.routes import RouteRow
from projections.world import World
from routing import addresses

OURS = "ecn."
"""How the names of exchanges and queues begin that are kept here. Others are left alone."""
NOTHING = "^$"
"""The pattern of no name at all."""

UNLIMITED = 1_000_000_000
"""How often a message may be given to receivers that went away with it. RabbitMQ 4 would make a
dead letter of it after 20, and an agent on a bad link may lose it oftener."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may wait in a queue, in MiB. What comes beyond stays at the node it comes from."""

    inbox: int = 256
    """For one microservice."""
    upstream: int = 1024
    """For the operator's consumers, of one application; for one webhook."""
    dead: int = 256
    """Dead letters; of these the oldest go."""
    proxy: int = 1024
    """What is said between an edge proxy and interior ones: more than their windows allow, as what
    finds no room is lost, and its connection with it."""


class Queue(Struct, frozen=True):
    """A queue. Its limits are in policies, so that they can change."""

    quorum: bool
    one_reader: bool = False
    """Of several who read it, one gets something at a time, until it is gone: or what a reader
    that nobody misses yet has on loan would come after what is behind it."""


class Binding(Struct, frozen=True, order=True):
    """From an exchange to a queue or another exchange."""

    source: str
    destination: str
    key: str
    to_queue: bool = True


class Policy(Struct, frozen=True):
    """Limits of all queues whose name matches."""

    pattern: str
    definition: dict[str, int | str]


class User(Struct, frozen=True):
    """Who may use what, by patterns of names."""

    password: str
    configure: str
    write: str
    read: str


class Topology(Struct, frozen=True, kw_only=True):
    """All that is to be there."""

    exchanges: dict[str, str] = field(default_factory=dict)
    """Name: type."""
    queues: dict[str, Queue] = field(default_factory=dict)
    bindings: frozenset[Binding] = frozenset()
    policies: dict[str, Policy] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    ways: frozenset[tuple[str, str]] = frozenset()
    """(key, destination) of all routes. What a node keeps for a route must find its way although
    the microservice that sent it is on another node by now: a binding that was right once stays
    as long as its route does."""
    living: frozenset[str] = frozenset()
    """Queues whose owner is in the world: they go only when they are empty."""


class _Lead(Struct, frozen=True):
    """Where a route leads, and from which nodes through the interior router."""

    nodes: frozenset[NodeId]
    key: str
    queue: str
    upstream: bool


def topology(world: World, key: bytes, limits: Limits) -> Topology:
    """What the world asks for. key: of the network, for passwords."""
    devices = {
        node_id: row.credential_hash
        for node_id, row in world.nodes.items()
        if row.credential_hash is not None
    }
    leads = [_lead(world, route_id, row) for route_id, row in world.routes.items()]
    proxied = sorted(node_id for node_id in devices if proxies(world, node_id))
    exchanges = {
        addresses.UPSTREAM: "topic",
        addresses.DEAD: "fanout",
        addresses.PROXY: "direct",
        **{addresses.out_exchange(node_id): "topic" for node_id in devices},
        **{addresses.proxy_exchange(node_id): "topic" for node_id in proxied},
    }
    queues = {addresses.DEAD: Queue(quorum=True)}
    inbox = addresses.in_queue("")
    queues |= {
        lead.queue: Queue(quorum=True, one_reader=lead.queue.startswith(inbox))
        for lead in leads
        if lead.nodes
    }
    # What proxies say is of no use to anybody once its connection is over.
    queues |= {addresses.proxy_queue(node_id): Queue(quorum=False) for node_id in proxied}
    return Topology(
        exchanges=exchanges,
        queues=queues,
        bindings=frozenset(_bindings(leads, devices, proxied)),
        policies=policies(limits),
        users=dict(_users(world, key, devices)),
        ways=frozenset(way for lead in leads for way in _ways(lead)),
        living=frozenset(_living(world)) | {lead.queue for lead in leads},
    )


def proxies(world: World, node_id: NodeId) -> bool:
    """Whether the node carries public ports."""
    return any(
        public.enabled
        for key in world.microservices.find("node", node_id)
        for _, public in public_of(world, key)
    )


def policies(limits: Limits) -> dict[str, Policy]:
    """Nothing that was taken is dropped: what there is no room for is refused, and what can't be
    delivered is kept until the queue of dead letters has it."""
    kept: dict[str, int | str] = {
        "overflow": "reject-publish",
        "dead-letter-exchange": addresses.DEAD,
        "dead-letter-strategy": "at-least-once",
        "delivery-limit": UNLIMITED,
    }
    return {
        "ecn-in": Policy(r"^ecn\.in\.", {"max-length-bytes": _mib(limits.inbox), **kept}),
        "ecn-upstream": Policy(
            r"^ecn\.(upstream|webhook)\.", {"max-length-bytes": _mib(limits.upstream), **kept}
        ),
        "ecn-dead": Policy(
            r"^ecn\.dead$", {"max-length-bytes": _mib(limits.dead), "overflow": "drop-head"}
        ),
        "ecn-proxy": Policy(
            r"^ecn\.(proxy|router)\.",
            {"max-length-bytes": _mib(limits.proxy), "overflow": "reject-publish"},
        ),
    }


def _lead(world: World, route_id: str, row: RouteRow) -> _Lead:
    destination, nodes = row.ends.destination, set(source_nodes(world, row))
    application = world.applications[row.application_id].name
    if destination is not None:
        nodes.discard(world.microservices[destination].node_id)
        key, queue = addresses.route_key(route_id), addresses.in_queue(destination)
    else:
        key = addresses.upstream_key(application, row.name)
        queue = (
            addresses.webhook_queue(route_id)
            if row.terms.webhook
            else addresses.upstream_queue(application)
        )
    return _Lead(frozenset(nodes), key, queue, destination is None)


def _ways(lead: _Lead) -> Iterator[tuple[str, str]]:
    yield lead.key, lead.queue
    if lead.upstream:
        yield lead.key, addresses.UPSTREAM


def _bindings(
    leads: Iterable[_Lead], devices: Iterable[NodeId], proxied: Iterable[NodeId]
) -> Iterator[Binding]:
    yield Binding(addresses.DEAD, addresses.DEAD, "")
    there = frozenset(devices)
    for lead in leads:
        if lead.nodes and lead.upstream:
            yield Binding(addresses.UPSTREAM, lead.queue, lead.key)
        for node_id in lead.nodes & there:
            out = addresses.out_exchange(node_id)
            if lead.upstream:
                yield Binding(out, addresses.UPSTREAM, lead.key, to_queue=False)
            else:
                yield Binding(out, lead.queue, lead.key)
    for node_id in proxied:
        yield Binding(addresses.PROXY, addresses.proxy_queue(node_id), node_id)


def _users(world: World, key: bytes, devices: dict[NodeId, str]) -> Iterator[tuple[str, User]]:
    for node_id, credential_hash in devices.items():
        queues = [addresses.in_queue(each) for each in receivers(world, node_id)]
        yield (
            addresses.node_user(node_id),
            User(
                password=node_password(key, node_id, credential_hash),
                configure=NOTHING,
                write=exactly(addresses.out_exchange(node_id), addresses.proxy_exchange(node_id)),
                read=exactly(*queues, addresses.proxy_queue(node_id)),
            ),
        )
    for user_id in world.users.find("role", Role.ROUTER):
        token_id = router_token(world, user_id)
        if token_id is None:
            continue
        own = re.escape(addresses.router_queue(user_id, "")) + "[^.]+"
        proxy, answers = re.escape(addresses.PROXY), re.escape(addresses.proxy_exchange(""))
        yield (
            addresses.router_user(user_id),
            User(
                password=router_password(key, user_id, token_id),
                configure=f"^{own}$",
                write=f"^({proxy}|{own})$",
                read=f"^({own}|{answers}.+)$",
            ),
        )


def receivers(world: World, node_id: NodeId) -> list[MicroserviceId]:
    """The microservices of a node that routes lead to, wherever from."""
    return sorted(
        key
        for key in world.microservices.find("node", node_id)
        if any(True for _ in world.routes.find("destination", key))
    )


def exactly(*names: str) -> str:
    """The pattern of just these names."""
    return "^(" + "|".join(re.escape(name) for name in names) + ")$"


def _living(world: World) -> Iterator[str]:
    for key in world.microservices:
        yield addresses.in_queue(key)
    for application_id in world.applications:
        yield addresses.upstream_queue(world.applications[application_id].name)
    for node_id in world.nodes:
        yield addresses.proxy_queue(node_id)


def _mib(size: int) -> int:
    return size << 20
