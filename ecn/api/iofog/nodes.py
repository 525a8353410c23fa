"""Nodes, as ioFog's clients ask for them: /iofog and /iofog-list."""

import asyncio
import re

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Struct

from ecn.api.commanding import execute, merge
from ecn.api.iofog.endpoint import JSON, Endpoint, answer, body, empty, world
from ecn.api.iofog.node_refusals import in_iofogs_words, node_of
from ecn.api.keys import PRESENCE, TELEMETRY
from ecn.commands import node as commands
from ecn.errors import NotFound
from ecn.iofog import bodies, node_documents, nodes
from ecn.iofog.node_documents import Filter, NodeDocument
from events.ids import NodeId, new_id
from events.log import StoreUnavailable
from events.user import Role
from projections.world import World

AT_ONCE = 100
"""Nodes of a list that are told before anybody else has a turn."""

_FILTER = re.compile(r"filters\[(\d{1,3})\]\[(\w+)\]")

log = structlog.get_logger()


class Created(Struct, frozen=True):
    """Which node was made."""

    uuid: str


class Nodes(Struct, frozen=True):
    """A list of nodes."""

    fogs: list[NodeDocument]


async def create_node(request: web.Request) -> web.Response:
    """Make a place for a device."""
    said = await body(request, nodes.CreateNode)
    command = commands.RegisterNode(
        node_id=NodeId(new_id()), name=said.name, settings=nodes.created(said)
    )
    with in_iofogs_words():
        outcome = await execute(request, command)
    # Of a retry: the node that was made the first time.
    return answer(Created(outcome.subject.removeprefix("node/")), 201)


async def update_node(request: web.Request) -> web.Response:
    """Another name, other settings, or both."""
    node_id = node_of(request)
    said = await body(request, nodes.UpdateNode)

    def command(now: World) -> commands.UpdateNode:
        row = now.nodes.get(node_id)
        if row is None:
            raise NotFound("node", node_id)
        return commands.UpdateNode(
            node_id=node_id,
            name=row.name if said.name is UNSET else said.name,
            settings=nodes.updated(row.settings, said),
            seen=(row.name, row.settings),
        )

    with in_iofogs_words():
        await merge(request, command)
    return empty()


async def delete_node(request: web.Request) -> web.Response:
    """Remove a node with all that runs there."""
    node_id = node_of(request)
    await execute(request, commands.DeleteNode(node_id=node_id, force=True))
    await forget(request, node_id)
    return empty(202)


async def forget(request: web.Request, node_id: NodeId) -> None:
    """Let go of what a deleted node's agent said."""
    try:
        await request.app[TELEMETRY].forget([node_id])
    except StoreUnavailable as e:
        log.info("telemetry_kept", node_id=node_id, reason=str(e))  # until it is swept


async def show_node(request: web.Request) -> web.Response:
    """One node."""
    node_id = node_of(request)
    await request.app[TELEMETRY].look([node_id])
    return answer(_document(request, world(request), node_id))


async def list_nodes(request: web.Request) -> web.Response:
    """All nodes but the system's, or the system's, as far as filters let them through."""
    filters, system = _filters(request), request.query.get("system") == "true"
    now = world(request)
    listed = [key for key, row in now.nodes.items() if row.settings.system == system]
    listed.sort(key=lambda key: now.nodes[key].number)
    await request.app[TELEMETRY].look(listed)
    found: list[bytes] = []
    for begin in range(0, len(listed), AT_ONCE):
        documents = [_document(request, now, each) for each in listed[begin : begin + AT_ONCE]]
        matching = node_documents.matching(documents, filters)
        found += [msgspec.json.encode(each) for each in matching]
        # Of ten thousand nodes nobody else waits for longer than for a hundred.
        await asyncio.sleep(0)
    return web.Response(body=b'{"fogs":[' + b",".join(found) + b"]}", headers=JSON)


def _document(request: web.Request, now: World, node_id: NodeId) -> NodeDocument:
    status = request.app[TELEMETRY].status(node_id)
    return node_documents.document(now, node_id, status, request.app[PRESENCE].last_heard(node_id))


def _filters(request: web.Request) -> list[Filter]:
    """`filters[0][key]=…&filters[0][value]=…&filters[0][condition]=has`. Errors: Refusal."""
    said: dict[int, dict[str, str]] = {}
    for name, value in request.query.items():
        found = _FILTER.fullmatch(name)
        if found:
            said.setdefault(int(found[1]), {})[found[2]] = value
    return bodies.typed([said[place] for place in sorted(said)], list[Filter])


_NODE = "/iofog/{uuid}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/iofog-list",
        handler=list_nodes,
        access=Role.VIEWER,
        tag="nodes",
        summary="List nodes",
        answer=Nodes,
        refusals=(400,),
    ),
    Endpoint(
        method="POST",
        path="/iofog",
        handler=create_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Register a node",
        body=nodes.CreateNode,
        answer=Created,
        status=201,
        liquid=True,
        refusals=(400, 404),
    ),
    Endpoint(
        method="GET",
        path=_NODE,
        handler=show_node,
        access=Role.VIEWER,
        tag="nodes",
        summary="Show a node",
        answer=NodeDocument,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=_NODE,
        handler=update_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Rename a node or change its settings",
        body=nodes.UpdateNode,
        status=204,
        liquid=True,
        refusals=(400, 404),
    ),
    Endpoint(
        method="DELETE",
        path=_NODE,
        handler=delete_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Delete a node and all that runs there",
        status=202,
        refusals=(404,),
    ),
)
