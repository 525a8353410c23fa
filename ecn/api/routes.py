"""Routes over HTTP, each under `<application>/<name>` and under its id."""

from aiohttp import web
from msgspec.structs import replace

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, execute, merge
from ecn.api.documents import Changed, Rename, RouteDocument
from ecn.api.endpoint import Endpoint, Query, read_body
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.api.route_documents import ApplyRoute, CreateRoute, Routes
from ecn.commands import route as commands
from ecn.deciders import find
from events.ids import RouteId, new_id
from events.user import Role
from projections.world import World


def _ref(request: web.Request, world: World | None = None) -> RouteId:
    parts = request.match_info
    ref = parts.get("id") or f"{parts['application']}/{parts['name']}"
    return find.route(world or request.app[LIVE].world, ref)


async def list_routes(request: web.Request) -> web.Response:
    """All routes that the query asks for."""
    about = asked(request)
    world, of = about.world, request.query.get("application")
    application_id = find.application(world, of) if of is not None else None
    items = [
        offer_views.route(world, key)
        for key, row in world.routes.items()
        if application_id in (None, row.application_id)
    ]
    items.sort(key=lambda each: (each.application, each.name))
    return json_answer(Routes(position=about.position, stale=about.stale, items=items))


async def show_route(request: web.Request) -> web.Response:
    """One route."""
    world = asked(request).world
    return json_answer(offer_views.route(world, _ref(request, world)))


async def create_route(request: web.Request) -> web.Response:
    """Add a route to an application."""
    application_id = find.application(request.app[LIVE].world, request.match_info["application"])
    body = await read_body(request, CreateRoute)
    command = commands.CreateRoute(
        route_id=RouteId(new_id()),
        application_id=application_id,
        name=body.name,
        source=body.source,
        destination=body.destination,
    )
    return changed(await execute(request, command), f"route/{command.route_id}", 201)


async def apply_route(request: web.Request) -> web.Response:
    """Let the route of that name lead so: made where there is none."""
    parts = request.match_info
    application, name = parts["application"], parts["name"]
    body = await read_body(request, ApplyRoute)
    route_id = RouteId(new_id())

    def command(world: World) -> commands.CreateRoute | commands.UpdateRoute:
        return applied(world, f"{application}/{name}", body, route_id)

    outcome = await merge(request, command)
    subject = outcome.subject or f"route/{_ref(request)}"
    return changed(outcome, subject, created_or_ok(outcome, "route"))


def applied(
    world: World, name: str, body: ApplyRoute, route_id: RouteId
) -> commands.CreateRoute | commands.UpdateRoute:
    """What lets the route `<application>/<name>` lead so. Errors: NotFound, for the application."""
    application, _, own = name.partition("/")
    application_id = find.application(world, application)
    present = world.routes.one("name", (application_id, own))
    if present is not None:
        return commands.UpdateRoute(
            route_id=present, name=own, source=body.source, destination=body.destination
        )
    return commands.CreateRoute(
        route_id=route_id,
        application_id=application_id,
        name=own,
        source=body.source,
        destination=body.destination,
    )


async def rename_route(request: web.Request) -> web.Response:
    """Let it have another name."""
    key = _ref(request)
    body = await read_body(request, Rename)

    def command(world: World) -> commands.UpdateRoute:
        ends = world.routes[find.route(world, key)].ends
        return commands.UpdateRoute(
            route_id=key, name=body.name, source=ends.source, destination=ends.destination
        )

    return changed(await merge(request, command), f"route/{key}")


async def delete_route(request: web.Request) -> web.Response:
    """Remove it."""
    command = commands.DeleteRoute(route_id=_ref(request))
    return changed(await execute(request, command), f"route/{command.route_id}")


_ROWS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="",
        handler=show_route,
        access=Role.VIEWER,
        tag="routes",
        summary="Show a route",
        answer=RouteDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path="",
        handler=delete_route,
        access=Role.OPERATOR,
        tag="routes",
        summary="Delete a route",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/rename",
        handler=rename_route,
        access=Role.OPERATOR,
        tag="routes",
        summary="Give a route another name",
        body=Rename,
        answer=Changed,
        refusals=(404, 409),
    ),
)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/routes",
        handler=list_routes,
        access=Role.VIEWER,
        tag="routes",
        summary="List routes",
        answer=Routes,
        at=True,
        queries=(Query("application", "name or id"),),
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/applications/{application}/routes",
        handler=create_route,
        access=Role.OPERATOR,
        tag="routes",
        summary="Add a route",
        body=CreateRoute,
        answer=Changed,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PUT",
        path="/routes/{application}/{name}",
        handler=apply_route,
        access=Role.OPERATOR,
        tag="routes",
        summary="Create or update a route of an application",
        body=ApplyRoute,
        answer=Changed,
        also=(201,),
        creates="route",
        refusals=(404, 409),
    ),
    *(
        replace(row, path=f"/routes/{of}{row.path}")
        for of in (r"{id:[0-9a-f]{32}}", r"{application}/{name}")
        for row in _ROWS
    ),
)
