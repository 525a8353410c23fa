"""What several microservices mean to each other on their nodes: references, and host ports."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecn.commands.application import Placement
from ecn.deciders import find, rules
from ecn.errors import PortTaken
from events.application import MicroserviceSpec, PortMapping, Protocol
from events.ids import MicroserviceId, NodeId
from projections.world import World


class Resolved(Struct, frozen=True, kw_only=True):
    """A placement with its references looked up."""

    microservice_id: MicroserviceId
    name: str
    node_id: NodeId
    started: bool
    spec: MicroserviceSpec
    field: str
    """Its place in the request."""


def resolve(
    world: World, placement: Placement, microservice_id: MicroserviceId, *, field: str = "$"
) -> Resolved:
    """Check the placement by itself and look up what it names. Errors: Invalid, NotFound."""
    rules.name(placement.name, field=f"{field}.name")
    rules.spec(placement.spec, field=field)
    registry_id = (
        find.registry(world, placement.registry, field=f"{field}.registry")
        if placement.registry is not None
        else None
    )
    return Resolved(
        microservice_id=microservice_id,
        name=placement.name,
        node_id=find.node(world, placement.node, field=f"{field}.node"),
        started=placement.started,
        spec=replace(placement.spec, registry_id=registry_id),
        field=field,
    )


def check_ports(
    world: World,
    placed: Sequence[Resolved],
    *,
    application: str,
    gone: Iterable[MicroserviceId] = (),
) -> None:
    """No two microservices of a node claim one host port. Errors: PortTaken.

    placed: as they will be; gone: ids that will not be there any more.
    """
    moot = {each.microservice_id for each in placed} | set(gone)
    # Claims by port, not by microservice: a thousand on one node must not cost a million looks.
    claims: dict[tuple[NodeId, int, Protocol], list[tuple[PortMapping, str]]] = {}

    def claim(node_id: NodeId, spec: MicroserviceSpec, holder: str) -> None:
        for port in spec.ports:
            claims.setdefault((node_id, port.host, port.protocol), []).append((port, holder))

    for node_id in {each.node_id for each in placed if each.spec.ports}:
        for other in world.microservices.find("node", node_id):
            if other not in moot and world.microservices[other].spec.ports:
                claim(
                    node_id, world.microservices[other].spec, find.microservice_name(world, other)
                )
    for resolved in placed:
        node_id = resolved.node_id
        for number, port in enumerate(resolved.spec.ports):
            for taken, holder in claims.get((node_id, port.host, port.protocol), ()):
                if rules.overlap(port, taken):
                    raise PortTaken(
                        node=world.nodes[node_id].name,
                        port=port.host,
                        protocol=port.protocol,
                        holder=holder,
                        field=f"{resolved.field}.ports[{number}].host",
                    )
        claim(node_id, resolved.spec, f"{application}/{resolved.name}")
