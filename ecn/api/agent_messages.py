"""Routes, public ports and dropped messages between ours and the device's own contract. Pure.

For agent_documents.py, which has the rest of what agents are told and tell.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from agent import contract
from ecn.commands.node import DropReport
from events.ids import NodeId, RouteId
from events.route import DropReason
from projections.node_routes import Outlet, outlets
from projections.public_ports import public_of
from projections.routes import RouteRow
from projections.world import World

LARGEST = 1 << 53
"""No whole number beyond is exact in JSON."""


def routes(world: World, node_id: NodeId) -> list[contract.Route]:
    """Those that microservices of the node may send by."""
    return [_route(world, row, told) for row, told in outlets(world, node_id)]


def _route(world: World, row: RouteRow, told: Outlet) -> contract.Route:
    ends, terms = row.ends, row.terms
    return contract.Route(
        route_id=told.route_id,
        application=world.applications[row.application_id].name,
        name=row.name,
        source=ends.source or "",
        output=terms.output,
        twin_changes=terms.twin_changes,
        condition=terms.condition,
        destination=ends.destination or "",
        here=told.here,
        input=terms.input,
        priority=terms.priority,
        ttl=terms.ttl,
        durable=terms.durable,
    )


def public_ports(world: World, node_id: NodeId) -> list[contract.ProxiedPort]:
    """Those of the node's microservices, but for disabled ones."""
    return list(_public_ports(world, node_id))


def _public_ports(world: World, node_id: NodeId) -> Iterator[contract.ProxiedPort]:
    for key in sorted(world.microservices.find("node", node_id)):
        on_host = world.microservices[key].spec.host_network
        for mapping, public in public_of(world, key):
            if public.enabled:
                yield contract.ProxiedPort(
                    port_id=public.queue,
                    microservice_id=key,
                    port=mapping.container,
                    host=0 if on_host else mapping.host,
                    protocol=public.protocol,
                )


def drops(said: Iterable[contract.DropReport]) -> list[DropReport]:
    """What an agent tells of dropped messages. Reasons that nobody knows are left out."""
    return [
        DropReport(
            sequence=each.sequence,
            route_id=RouteId(each.route_id),
            reason=DropReason(each.reason),
            messages=_bounded(each.messages),
            size=_bounded(each.size),
            since=_with_zone(each.since),
            at=_with_zone(each.at),
        )
        for each in said
        if each.reason in list(DropReason)
    ]


def _bounded(number: int) -> int:
    return max(0, min(number, LARGEST))


def _with_zone(at: datetime) -> datetime:
    """A device that names no zone means UTC."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
