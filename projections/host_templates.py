"""Extra hosts that name a node or a microservice in place of an address, and what that is just now.

A template is `${Agents.<node>}`, `${Apps.<application>.<microservice>.local}` (the host of its
node) or `${Apps.<application>.<microservice>.public.<port>}` (the host of that public port).
Names may have dots themselves: all readings count, and the first that leads somewhere is meant.

Pure. `Lookup` is what the names lead to: the world, or the world as a command will leave it.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from events.application import ExtraHost, MicroserviceSpec
from events.ids import NodeId
from projections.public_ports import host_of

if TYPE_CHECKING:
    from projections.world import World

_TEMPLATE = re.compile(
    r"\$\{(?:Agents\.(?P<node>[^/{}]+)"
    r"|Apps\.(?P<local>[^/{}]+\.[^/{}]+)\.local"
    r"|Apps\.(?P<public>[^/{}]+\.[^/{}]+)\.public\.(?P<port>[0-9]{1,5}))\}"
)


class Node(Struct, frozen=True):
    """The host of the node with that name."""

    name: str


class Local(Struct, frozen=True):
    """The host of the node that the microservice belongs on."""

    application: str
    microservice: str


class Public(Struct, frozen=True):
    """The host on which the microservice's public port opens."""

    application: str
    microservice: str
    port: int


Reference = Node | Local | Public


class Lookup(Protocol):
    """What names lead to."""

    def node_named(self, name: str) -> NodeId | None:
        """The node of that name."""

    def placed(self, application: str, microservice: str) -> tuple[NodeId, MicroserviceSpec] | None:
        """Where the microservice belongs, and what it is."""


class Present:
    """What names lead to in a world."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def node_named(self, name: str) -> NodeId | None:
        """See Lookup."""
        return self._world.nodes.one("name", name)

    def placed(self, application: str, microservice: str) -> tuple[NodeId, MicroserviceSpec] | None:
        """See Lookup."""
        world = self._world
        application_id = world.applications.one("name", application)
        if application_id is None:
            return None
        key = world.microservices.one("name", (application_id, microservice))
        if key is None:
            return None
        row = world.microservices[key]
        return row.node_id, row.spec


def is_template(address: str) -> bool:
    """Whether it wants to be one; its shape may be wrong still."""
    return address.startswith("${")


def references(address: str) -> tuple[Reference, ...]:
    """All that the template may mean; empty where it has no such shape, or is no template."""
    match = _TEMPLATE.fullmatch(address)
    if match is None:
        return ()
    if match["node"] is not None:
        return (Node(match["node"]),)
    if match["local"] is not None:
        return tuple(Local(*names) for names in _split(match["local"]))
    return tuple(Public(*names, int(match["port"])) for names in _split(match["public"]))


def _split(text: str) -> Iterator[tuple[str, str]]:
    words = text.split(".")
    for cut in range(1, len(words)):
        yield ".".join(words[:cut]), ".".join(words[cut:])


def resolved(world: "World", address: str, lookup: Lookup | None = None) -> str | None:
    """The address that is meant now; None where it leads nowhere, or to a node without a host.

    address: what is no template is its own meaning.
    lookup: what names lead to; None for what they do in this world.
    """
    if not is_template(address):
        return address
    names = lookup or Present(world)
    found = (_host(world, names, reference) for reference in references(address))
    return next((host for host in found if host), None)


def _host(world: "World", names: Lookup, reference: Reference) -> str | None:
    if isinstance(reference, Node):
        node_id = names.node_named(reference.name)
        return None if node_id is None else world.nodes[node_id].settings.host
    placed = names.placed(reference.application, reference.microservice)
    if placed is None:
        return None
    node_id, spec = placed
    if isinstance(reference, Local):
        return world.nodes[node_id].settings.host
    for mapping in spec.ports:
        if mapping.public is not None and mapping.public.port == reference.port:
            return host_of(world, mapping.public.router)
    return None


def resolved_hosts(world: "World", spec: MicroserviceSpec) -> list[ExtraHost]:
    """A microservice's extra hosts with addresses; those that lead nowhere now are left out."""
    found: list[ExtraHost] = []
    for host in spec.extra_hosts:
        address = resolved(world, host.address)
        if address is not None:
            found.append(ExtraHost(name=host.name, address=address))
    return found
