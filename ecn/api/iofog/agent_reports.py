"""What ioFog's agents report: status, and traces of system calls."""

import structlog
from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import DEVICE, execute
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, body, empty, world
from ecn.api.keys import CLOCK, TELEMETRY
from ecn.errors import NotFound
from ecn.iofog import agent_reports, system
from ecn.iofog.agent_reports import Report
from events.ids import MicroserviceId
from projections.nodes import NodeState

log = structlog.get_logger()


class Piece(Struct, frozen=True, rename="camel"):
    """More of one microservice's trace."""

    microservice_uuid: str
    buffer: str


class Pieces(Struct, frozen=True, rename="camel"):
    """More of some traces."""

    strace_data: list[Piece] = []


async def report_status(request: web.Request) -> web.Response:
    """How the agent and its containers are. Costs the log nothing when that is nothing new."""
    said = await body(request, Report)
    node_id, now, telemetry = request[DEVICE].node_id, request.app[CLOCK](), request.app[TELEMETRY]
    before = await telemetry.known(node_id)
    current = world(request)
    row = current.nodes.get(node_id)
    if row is None:
        return empty()  # deleted while it spoke: it will be told at the next time
    found = agent_reports.containers(said.microservice_status)
    users = agent_reports.own(current, node_id, found or ())
    ours = {system.microservice_id(node_id, kind) for kind in system.Kind}
    usages = (
        None
        if found is None
        else [*users, *(each for each in found if each.microservice_id in ours)]
    )
    telemetry.said(node_id, agent_reports.status(before, said, usages, now))
    report = agent_reports.transitions(
        current, node_id, said, None if found is None else users, now
    )
    if row.state is not NodeState.ONLINE or agent_reports.is_news(current, report):
        await execute(request, report)
    return empty()


async def report_traces(request: web.Request) -> web.Response:
    """More of what microservices ask of the system."""
    said = await body(request, Pieces)
    node_id, current = request[DEVICE].node_id, world(request)
    for piece in said.strace_data:
        row = current.microservices.get(MicroserviceId(piece.microservice_uuid))
        if row is None or row.node_id != node_id:
            raise NotFound("microservice", piece.microservice_uuid)
    for piece in said.strace_data:
        text = piece.buffer.encode(errors="replace")
        await request.app[TELEMETRY].append_trace(
            node_id, MicroserviceId(piece.microservice_uuid), text
        )
    return empty()


ENDPOINTS = (
    Endpoint(
        method="PUT",
        path="/agent/status",
        handler=report_status,
        access=Access.AGENT,
        tag="agent",
        summary="Say how the agent and its containers are",
        body=Report,
        status=204,
        withdrawn=403,
        refusals=(400, 403),
    ),
    Endpoint(
        method="PUT",
        path="/agent/strace",
        handler=report_traces,
        access=Access.AGENT,
        tag="agent",
        summary="Send more of microservices' traces",
        body=Pieces,
        status=204,
        refusals=(400, 404),
    ),
)
