"""Routes over HTTP, each under `<application>/<name>` and under its id."""

from aiohttp import web
from msgspec.structs import asdict, replace

from ecn.api import last_words, offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, execute, merge
from ecn.api.documents import Changed, Rename, RouteDocument
from ecn.api.endpoint import Endpoint, Query, parse, read_body
from ecn.api.keys import LIVE
from ecn.api.manifests import merged
from ecn.api.moments import asked
from ecn.api.route_documents import ApplyRoute, CreateRoute, Routes
from ecn.api.route_ways import IN_A_QUERY, way
from ecn.commands import route as commands
from ecn.deciders import find
from events.ids import RouteId, new_id
from events.route import ANY_SOURCE, UPSTREAM
from events.user import Role
from projections.routes import end_names, ends_as_written
from projections.world import World


def _ref(request: web.Request, world: World | None = None) -> RouteId:
    parts = request.match_info
    ref = parts.get("id") or f"{parts['application']}/{parts['name']}"
    return find.route(world or request.app[LIVE].world, ref)


async def list_routes(request: web.Request) -> web.Response:
    """All routes that the query asks for."""
    about = asked(request)
    world, of = about.world, request.query.get("application")
    state = request.query.get("state")
    application_id = find.application(world, of) if of is not None else None
    keys = [
        key for key, row in world.routes.items() if application_id in (None, row.application_id)
    ]
    status = await last_words.of_routes(request, keys)
    items = [
        offer_views.route(world, key, said)
        for key in keys
        for said in [status(key)]
        if state is None or (said is not None and said.state == state)
    ]
    items.sort(key=lambda each: (each.application, each.name))
    return json_answer(Routes(position=about.position, stale=about.stale, items=items))


async def show_route(request: web.Request) -> web.Response:
    """One route."""
    world = asked(request).world
    key = _ref(request, world)
    status = await last_words.of_routes(request, [key])
    return json_answer(offer_views.route(world, key, status(key)))


async def create_route(request: web.Request) -> web.Response:
    """Add a route to an application."""
    application_id = find.application(request.app[LIVE].world, request.match_info["application"])
    body = await read_body(request, CreateRoute)
    meant = way(body)
    command = commands.CreateRoute(
        route_id=RouteId(new_id()),
        application_id=application_id,
        name=body.name,
        source=meant.source,
        destination=meant.destination,
        terms=meant.terms,
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
    """What lets the route `<application>/<name>` lead so.

    Errors: Invalid; NotFound, for the application.
    """
    meant = way(body)
    application, _, own = name.partition("/")
    application_id = find.application(world, application)
    present = world.routes.one("name", (application_id, own))
    if present is not None:
        return commands.UpdateRoute(
            route_id=present,
            name=own,
            source=meant.source,
            destination=meant.destination,
            terms=meant.terms,
        )
    return commands.CreateRoute(
        route_id=route_id,
        application_id=application_id,
        name=own,
        source=meant.source,
        destination=meant.destination,
        terms=meant.terms,
    )


async def change_route(request: web.Request) -> web.Response:
    """Change a part of it."""
    key, patch = _ref(request), await request.read()

    def command(world: World) -> commands.UpdateRoute:
        row = world.routes[find.route(world, key)]
        source, destination = end_names(world, row.ends)
        present = ApplyRoute(source=source, destination=destination, **asdict(row.terms))
        said = parse(patch, dict[str, object])
        # Who says it as a query takes back what was said in parts.
        undone = dict.fromkeys(IN_A_QUERY) if said.get("query") else {}
        meant = way(parse(merged(present, {**undone, **said}), ApplyRoute))
        return commands.UpdateRoute(
            route_id=key,
            name=row.name,
            # What the change leaves alone is named by its id: the name may go to another.
            source=meant.source
            if said.keys() & {"source", "query"}
            else row.ends.source or ANY_SOURCE,
            destination=meant.destination
            if said.keys() & {"destination", "query"}
            else row.ends.destination or UPSTREAM,
            terms=meant.terms,
        )

    return changed(await merge(request, command), f"route/{key}")


async def rename_route(request: web.Request) -> web.Response:
    """Let it have another name."""
    key = _ref(request)
    body = await read_body(request, Rename)

    def command(world: World) -> commands.UpdateRoute:
        row = world.routes[find.route(world, key)]
        source, destination = ends_as_written(row.ends, str)
        return commands.UpdateRoute(
            route_id=key,
            name=body.name,
            source=source,
            destination=destination,
            terms=row.terms,
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
        method="PATCH",
        path="",
        handler=change_route,
        access=Role.OPERATOR,
        tag="routes",
        summary="Change a part of a route (RFC 7396 merge of where it leads and what goes there)",
        body=ApplyRoute,
        merge=True,
        answer=Changed,
        refusals=(404, 409),
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
        queries=(
            Query("application", "name or id"),
            Query("state", "up, waiting, refusing or unknown; nothing of the past has one"),
        ),
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
