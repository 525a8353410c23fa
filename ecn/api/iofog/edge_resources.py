"""Edge resources by ioFog's API."""

from collections.abc import Callable

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import execute, merge
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.commands import edge_resource as commands
from ecn.errors import NameTaken, NotFound
from ecn.iofog import edge_resources as wire
from ecn.iofog import refusals
from events.edge_resource import EdgeResourceSettings
from events.ids import EdgeResourceId, NodeId, new_id
from events.user import Role
from projections.world import World

SAME_VERSION = (
    "Cannot update resource version using update route. Please use the create new resource route."
)


async def list_resources(request: web.Request) -> web.Response:
    """All versions of all resources."""
    return answer(wire.resources(world(request)))


async def list_versions(request: web.Request) -> web.Response:
    """All versions of one."""
    return answer(wire.versions(world(request), request.match_info["name"]))


async def get_resource(request: web.Request) -> web.Response:
    """One version of one."""
    there = world(request)
    return answer(wire.whole(there.edge_resources[_needed(request, there)]))


async def create_resource(request: web.Request) -> web.Response:
    """Make one."""
    return await _create(request, await body(request, wire.CreateResource))


async def put_resource(request: web.Request) -> web.Response:
    """Change what is given; or make it, where there is none."""
    said = await body(request, wire.UpdateResource)
    name, version = request.match_info["name"], request.match_info["version"]
    if wire.found(world(request), name, version) is None:
        return await _create(request, said, name, version)
    if said.version is not UNSET and said.version != version:
        raise refusals.invalid(SAME_VERSION)

    def command(there: World) -> commands.UpdateEdgeResource:
        key = _needed(request, there)
        row = there.edge_resources[key]
        return commands.UpdateEdgeResource(
            edge_resource_id=key,
            name=row.name if said.name is UNSET else said.name,
            settings=wire.settings(said, row.settings),
            seen=row.settings,
        )

    try:
        await merge(request, command)
    except NameTaken as e:
        raise _taken(str(said.name), version) from e
    return empty(200)


async def _create(
    request: web.Request, said: wire.UpdateResource, name: str = "", version: str = ""
) -> web.Response:
    """name, version: for a body that does not say them."""
    if said.interface_protocol is UNSET:
        raise refusals.invalid("Required field 'interfaceProtocol' is missing")
    name = name if said.name is UNSET else said.name
    version = version if said.version is UNSET else said.version
    command = commands.CreateEdgeResource(
        edge_resource_id=EdgeResourceId(new_id()),
        name=name,
        version=version,
        settings=wire.settings(said, EdgeResourceSettings()),
    )
    try:
        await execute(request, command)
    except NameTaken as e:
        raise _taken(name, version) from e
    there = world(request)
    return answer(wire.just_made(there.edge_resources[wire.needed(there, name, version)]))


async def delete_resource(request: web.Request) -> web.Response:
    """Remove it, with its links."""
    key = _needed(request, world(request))
    await execute(request, commands.DeleteEdgeResource(edge_resource_id=key))
    return empty(202)


async def link(request: web.Request) -> web.Response:
    """Let a node use it."""
    return await _linking(request, _link)


async def unlink(request: web.Request) -> web.Response:
    """Let a node use it no more."""
    return await _linking(request, _unlink)


LinkCommand = commands.LinkEdgeResource | commands.UnlinkEdgeResource


def _link(key: EdgeResourceId, node_id: NodeId) -> LinkCommand:
    return commands.LinkEdgeResource(edge_resource_id=key, node_id=node_id)


def _unlink(key: EdgeResourceId, node_id: NodeId) -> LinkCommand:
    return commands.UnlinkEdgeResource(edge_resource_id=key, node_id=node_id)


async def _linking(
    request: web.Request, command: Callable[[EdgeResourceId, NodeId], LinkCommand]
) -> web.Response:
    said = await body(request, wire.Linked)
    there = world(request)
    key = _needed(request, there)
    if said.uuid not in there.nodes:
        raise NotFound("agent", said.uuid)
    await execute(request, command(key, NodeId(said.uuid)))
    return empty(200)


def _needed(request: web.Request, there: World) -> EdgeResourceId:
    return wire.needed(there, request.match_info["name"], request.match_info["version"])


def _taken(name: str, version: str) -> refusals.Refusal:
    return refusals.invalid(f"Resource {name} version {version} already exists")


TAG = "edgeResource"
ONE = "/edgeResource/{name}/{version}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/edgeResources",
        handler=list_resources,
        access=Role.VIEWER,
        tag=TAG,
        summary="List edge resources",
        answer=wire.ListedResources,
    ),
    Endpoint(
        method="POST",
        path="/edgeResource",
        handler=create_resource,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make an edge resource, or one more version of one",
        body=wire.CreateResource,
        liquid=True,
        answer=wire.ListedResource,
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path="/edgeResource/{name}",
        handler=list_versions,
        access=Role.VIEWER,
        tag=TAG,
        summary="List the versions of an edge resource",
        answer=wire.Versions,
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_resource,
        access=Role.VIEWER,
        tag=TAG,
        summary="Show a version of an edge resource",
        answer=wire.WholeResource,
        refusals=(404,),
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=put_resource,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change what is given of an edge resource, or make it",
        body=wire.UpdateResource,
        liquid=True,
        answer=wire.ListedResource,
        maybe_empty=True,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_resource,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete a version of an edge resource",
        status=202,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=f"{ONE}/link",
        handler=link,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Let a node use an edge resource",
        body=wire.Linked,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=f"{ONE}/link",
        handler=unlink,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Let a node use an edge resource no more",
        body=wire.Linked,
        refusals=(404, 409),
    ),
)
