"""Edge resources over HTTP, each under `<name>@<version>` and under its id."""

from aiohttp import web

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import Changed
from ecn.api.edge_resource_documents import (
    EdgeResourceDocument,
    EdgeResourceManifest,
    EdgeResources,
    LinkedNode,
)
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.commands import edge_resource as commands
from ecn.deciders import find
from ecn.errors import Invalid
from events.ids import EdgeResourceId, new_id
from events.user import Role


def _ref(request: web.Request) -> EdgeResourceId:
    return find.edge_resource(request.app[LIVE].world, request.match_info["edge_resource"])


async def list_edge_resources(request: web.Request) -> web.Response:
    """All of them."""
    about = asked(request)
    items = [offer_views.edge_resource(about.world, key) for key in about.world.edge_resources]
    items.sort(key=lambda each: (each.name, each.version))
    return json_answer(EdgeResources(position=about.position, stale=about.stale, items=items))


async def show_edge_resource(request: web.Request) -> web.Response:
    """One of them."""
    world = asked(request).world
    key = find.edge_resource(world, request.match_info["edge_resource"])
    return json_answer(offer_views.edge_resource(world, key))


async def apply_edge_resource(request: web.Request) -> web.Response:
    """Let it be as the body says."""
    ref = request.match_info["edge_resource"]
    name, version = name_and_version(ref)
    body = await read_body(request, EdgeResourceManifest)
    command = commands.ApplyEdgeResource(
        edge_resource_id=EdgeResourceId(new_id()),
        name=name,
        version=version,
        settings=offer_views.edge_resource_settings(body),
    )
    outcome = await execute(request, command)
    subject = outcome.subject
    if not subject:
        world = await decided_on(request, outcome)
        subject = f"edge-resource/{find.edge_resource(world, ref)}"
    return changed(outcome, subject, created_or_ok(outcome, "edge-resource"))


def name_and_version(ref: str) -> tuple[str, str]:
    """`<name>@<version>` in two. Errors: Invalid."""
    name, at, version = ref.rpartition("@")
    if not at:
        raise Invalid(f"{ref!r} has no version: write <name>@<version>, as camera@1.0.0")
    return name, version


async def link(request: web.Request) -> web.Response:
    """Let microservices of a node use it."""
    key = _ref(request)
    body = await read_body(request, LinkedNode)
    node_id = find.node(request.app[LIVE].world, body.node, field="$.node")
    command = commands.LinkEdgeResource(edge_resource_id=key, node_id=node_id)
    return changed(await execute(request, command), f"edge-resource/{key}")


async def unlink(request: web.Request) -> web.Response:
    """Let them use it no more."""
    key = _ref(request)
    body = await read_body(request, LinkedNode)
    node_id = find.node(request.app[LIVE].world, body.node, field="$.node")
    command = commands.UnlinkEdgeResource(edge_resource_id=key, node_id=node_id)
    return changed(await execute(request, command), f"edge-resource/{key}")


async def delete_edge_resource(request: web.Request) -> web.Response:
    """Remove it, with its links."""
    key = _ref(request)
    outcome = await execute(request, commands.DeleteEdgeResource(edge_resource_id=key))
    return changed(outcome, f"edge-resource/{key}")


_RESOURCE = "/edge-resources/{edge_resource}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/edge-resources",
        handler=list_edge_resources,
        access=Role.VIEWER,
        tag="edge-resources",
        summary="List edge resources",
        answer=EdgeResources,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_RESOURCE,
        handler=apply_edge_resource,
        access=Role.OPERATOR,
        tag="edge-resources",
        summary="Create or update an edge resource, by `<name>@<version>`",
        body=EdgeResourceManifest,
        answer=Changed,
        also=(201,),
        creates="edge-resource",
    ),
    Endpoint(
        method="GET",
        path=_RESOURCE,
        handler=show_edge_resource,
        access=Role.VIEWER,
        tag="edge-resources",
        summary="Show an edge resource",
        answer=EdgeResourceDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_RESOURCE,
        handler=delete_edge_resource,
        access=Role.OPERATOR,
        tag="edge-resources",
        summary="Delete an edge resource, with its links",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_RESOURCE + "/link",
        handler=link,
        access=Role.OPERATOR,
        tag="edge-resources",
        summary="Let microservices of a node use it; the node gets its tags",
        body=LinkedNode,
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_RESOURCE + "/unlink",
        handler=unlink,
        access=Role.OPERATOR,
        tag="edge-resources",
        summary="Let microservices of a node use it no more",
        body=LinkedNode,
        answer=Changed,
        refusals=(404,),
    ),
)
