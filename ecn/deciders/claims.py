"""Who has which port of which device: what microservices publish, routers, and public ports.

A public port is a port of the node that it opens on. Outside all nodes (a default router that is
none's) there is one host for all of them, and then a number is given once in the whole network:
one service carries all of them there.
"""

from collections.abc import Iterable, Iterator, Sequence

from ecn.deciders import find, spec_rules
from ecn.errors import NoPublicPort, PortTaken
from events.application import PortMapping, Protocol
from events.ids import MicroserviceId, NodeId
from events.node import DEFAULT_ROUTER
from projections.public_ports import RANGE, hosted, hosting_node, public_of
from projections.routers import router_ports, system_node
from projections.world import World

Host = NodeId | None
"""A node, or what is outside all of them."""


class Claims:
    """The ports that are taken, and those that a command takes. A scratch pad of one decision.

    moot: microservices that are gone after the command, or are told to `take` what they will have.
    """

    def __init__(self, world: World, moot: Iterable[MicroserviceId]) -> None:
        self._world = world
        self._moot = frozenset(moot)
        # By port, not by microservice: a thousand on one node must not cost a million looks.
        self._taken: dict[Host, dict[tuple[int, Protocol], list[tuple[PortMapping, str]]]] = {}
        self._looked_at: dict[Host, int] = {}

    def take(self, node_id: NodeId, ports: Sequence[PortMapping], name: str, field: str) -> None:
        """A microservice's ports on its node, and its public ones that have a number, where they
        open. Errors: PortTaken."""
        holder = _microservice(name)
        for index, mapping in enumerate(ports):
            self._claim([node_id], mapping, holder, f"{field}.ports[{index}].host")
        for index, mapping in enumerate(ports):
            if mapping.public is not None and mapping.public.port:
                hosts = self._hosts(mapping.public.router)
                port = _everywhere(mapping.public.port)
                self._claim(hosts, port, _public(name), f"{field}.ports[{index}].public.port")

    def choose(self, router: str, name: str, field: str) -> int:
        """The first number of the range that is free where that router's public ports open; it is
        taken from then on. Errors: NoPublicPort."""
        hosts = self._hosts(router)
        # What was taken stays taken: the next one need not look at it again.
        for number in range(self._looked_at.get(hosts[0], RANGE.start), RANGE.stop):
            self._looked_at[hosts[0]] = number + 1
            port = _everywhere(number)
            if not any(self._holder(host, port) for host in hosts):
                self._claim(hosts, port, _public(name), field)
                return number
        raise NoPublicPort(self._name(hosts[0]), RANGE.start, RANGE.stop - 1, field=field)

    def _hosts(self, router: str) -> list[Host]:
        """Where a number has to be free."""
        host = hosting_node(self._world, router)
        if host is not None and system_node(self._world) is None:
            return [host, None]
        return [host]

    def _claim(self, hosts: list[Host], port: PortMapping, holder: str, field: str) -> None:
        for host in hosts:
            other = self._holder(host, port)
            if other is not None:
                raise PortTaken(
                    node=self._name(host),
                    port=port.host,
                    protocol=port.protocol,
                    holder=other,
                    field=field,
                )
        for host in hosts:
            taken = self._of(host)
            taken.setdefault((port.host, port.protocol), []).append((port, holder))

    def _holder(self, host: Host, port: PortMapping) -> str | None:
        for other, holder in self._of(host).get((port.host, port.protocol), ()):
            if spec_rules.overlap(port, other):
                return holder
        return None

    def _of(self, host: Host) -> dict[tuple[int, Protocol], list[tuple[PortMapping, str]]]:
        taken = self._taken.get(host)
        if taken is None:
            taken = self._taken[host] = {}
            for port, holder in self._outside() if host is None else self._on(host):
                taken.setdefault((port.host, port.protocol), []).append((port, holder))
        return taken

    def _on(self, node_id: NodeId) -> Iterator[tuple[PortMapping, str]]:
        world = self._world
        for key in world.microservices.find("node", node_id):
            if key not in self._moot and (ports := world.microservices[key].spec.ports):
                holder = _microservice(find.microservice_name(world, key))
                for port in ports:
                    yield port, holder
        for number in router_ports(world.nodes[node_id].settings.router):
            yield _everywhere(number), "its router"
        for key, _, public in hosted(world, node_id):
            if key not in self._moot:
                yield _everywhere(public.port), _public(find.microservice_name(world, key))

    def _outside(self) -> Iterator[tuple[PortMapping, str]]:
        world = self._world
        routers = world.microservices.values("public_router")
        found = {key for each in routers for key in world.microservices.find("public_router", each)}
        for key in found:
            if key not in self._moot:
                for _, public in public_of(world, key):
                    yield _everywhere(public.port), _public(find.microservice_name(world, key))

    def _name(self, host: Host) -> str:
        return DEFAULT_ROUTER if host is None else self._world.nodes[host].name


def _microservice(name: str) -> str:
    return f"microservice {name!r}"


def _public(name: str) -> str:
    return f"a public port of microservice {name!r}"


def _everywhere(number: int) -> PortMapping:
    """A port on all addresses of a device."""
    return PortMapping(host=number, container=number)
