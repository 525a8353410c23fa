"""Routes between microservices by ioFog's API."""

from aiohttp import web

from ecn.api.commanding import execute
from ecn.api.iofog.application_refusals import in_iofogs_words
from ecn.api.iofog.applications import first_number
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.commands import route as commands
from ecn.iofog import application_bodies as bodies
from ecn.iofog import application_documents as documents
from ecn.iofog import applications, numbers
from ecn.iofog.refusals import Refusal, not_found
from events.ids import MicroserviceId, RouteId, new_id
from events.user import Role
from projections.routes import takes_all


async def list_routes(request: web.Request) -> web.Response:
    """All routes."""
    return answer(documents.routes(world(request)))


async def show_route(request: web.Request) -> web.Response:
    """One route."""
    shown = documents.route(world(request), _route(request))
    if shown is None:
        raise _no_route(request)
    return answer(shown)


async def create_route(request: web.Request) -> web.Response:
    """Make one."""
    said = await body(request, bodies.CreateRoute)
    with in_iofogs_words():
        command = applications.created_route(world(request), said, new_id)
        outcome = await execute(request, command)
    of = world(request).applications.get(command.application_id)
    return answer(
        documents.CreatedRoute(
            id=first_number(outcome),
            name=said.name,
            source_microservice_uuid=command.source,
            dest_microservice_uuid=command.destination,
            application_id=numbers.on_the_wire(of.number if of is not None else 0),
        )
    )


async def patch_route(request: web.Request) -> web.Response:
    """Let it be as is said."""
    key = _route(request)
    said = await body(request, bodies.UpdateRoute)
    with in_iofogs_words():
        await execute(request, applications.updated_route(world(request), key, said))
    return empty()


async def delete_route(request: web.Request) -> web.Response:
    """Remove it."""
    await execute(request, commands.DeleteRoute(route_id=_route(request)))
    return empty()


async def connect(request: web.Request) -> web.Response:
    """Make a route from one microservice to another, under its usual name."""
    source, destination = _ends(request)
    there = world(request)
    command = commands.CreateRoute(
        route_id=RouteId(new_id()),
        application_id=there.microservices[source].application_id,
        name="",
        source=source,
        destination=destination,
        sole=True,
    )
    with in_iofogs_words():
        await execute(request, command)
    return empty(201)


async def disconnect(request: web.Request) -> web.Response:
    """Remove the route from one microservice to another."""
    source, destination = _ends(request)
    there = world(request)
    for key in there.routes.find("source", source):
        row = there.routes[key]
        if row.ends.destination == destination and takes_all(row):
            await execute(request, commands.DeleteRoute(route_id=key))
            return empty()
    raise not_found("Route not found")


def _route(request: web.Request) -> RouteId:
    """The route that the path names. Errors: Refusal."""
    there, path = world(request), request.match_info
    of = there.applications.one("name", path["application"])
    if of is None:
        raise not_found(f"Invalid application name '{path['application']}'")
    key = there.routes.one("name", (of, path["name"]))
    if key is None or not takes_all(there.routes[key]):
        raise _no_route(request)
    return key


def _no_route(request: web.Request) -> Refusal:
    return not_found(f"Invalid route name '{request.match_info['name']}'")


def _ends(request: web.Request) -> tuple[MicroserviceId, MicroserviceId]:
    """The microservices that the path names. Errors: Refusal."""
    path = request.match_info
    for uuid in (path["uuid"], path["receiver"]):
        if uuid not in world(request).microservices:
            raise not_found(f"Invalid source microservice UUID '{uuid}'")
    return MicroserviceId(path["uuid"]), MicroserviceId(path["receiver"])


TAG = "routing"
ONE = "/routes/{application}/{name}"
BETWEEN = "/microservices/{uuid}/routes/{receiver}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/routes",
        handler=list_routes,
        access=Role.VIEWER,
        tag=TAG,
        summary="List routes",
        answer=documents.Routes,
    ),
    Endpoint(
        method="POST",
        path="/routes",
        handler=create_route,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a route",
        body=bodies.CreateRoute,
        liquid=True,
        answer=documents.CreatedRoute,
        refusals=(404, 409),
        duplicate=400,
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=show_route,
        access=Role.VIEWER,
        tag=TAG,
        summary="Show a route",
        answer=documents.Route,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=ONE,
        handler=patch_route,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change a route",
        body=bodies.UpdateRoute,
        liquid=True,
        status=204,
        refusals=(404, 409),
        duplicate=400,
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_route,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete a route",
        status=204,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=BETWEEN,
        handler=connect,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a route between two microservices",
        status=201,
        refusals=(404, 409),
        duplicate=400,
    ),
    Endpoint(
        method="DELETE",
        path=BETWEEN,
        handler=disconnect,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete the route between two microservices",
        status=204,
        refusals=(404,),
    ),
)
