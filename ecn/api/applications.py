"""Applications over HTTP."""

from aiohttp import web

from ecn.api import last_words, views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import (
    ApplicationDocument,
    ApplicationManifest,
    Applications,
    Changed,
    MicroserviceManifest,
    Rename,
)
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE
from ecn.api.manifests import is_system, placement, wanted_routes
from ecn.api.moments import asked
from ecn.commands import application as commands
from ecn.deciders import find
from events.ids import ApplicationId, MicroserviceId, new_id
from events.user import Role


def _ref(request: web.Request) -> ApplicationId:
    return find.application(request.app[LIVE].world, request.match_info["application"])


async def list_applications(request: web.Request) -> web.Response:
    """All applications."""
    about = asked(request)
    usage = await last_words.of_pulls(request, about.world.microservices)
    status = await last_words.of_routes(request, about.world.routes)
    items = [views.application(about.world, key, usage, status) for key in about.world.applications]
    items.sort(key=lambda each: each.name)
    return json_answer(Applications(position=about.position, stale=about.stale, items=items))


async def show_application(request: web.Request) -> web.Response:
    """One application."""
    world = asked(request).world
    key = find.application(world, request.match_info["application"])
    usage = await last_words.of_pulls(request, world.microservices.find("application", key))
    status = await last_words.of_routes(request, world.routes.find("application", key))
    return json_answer(views.application(world, key, usage, status))


async def apply_application(request: web.Request) -> web.Response:
    """Let the application be as the manifest says."""
    body = await read_body(request, ApplicationManifest)
    name = request.match_info["application"]
    command = commands.ApplyApplication(
        application_id=ApplicationId(new_id()),
        name=name,
        description=body.description,
        labels=body.labels,
        microservices=[placement(each, MicroserviceId(new_id())) for each in body.microservices],
        routes=wanted_routes(body.routes, new_id),
        system=is_system(request.app[LIVE].world, name),
    )
    outcome = await execute(request, command)
    subject = outcome.subject
    if not subject:
        world = await decided_on(request, outcome)
        subject = f"application/{find.application(world, name)}"
    return changed(outcome, subject, created_or_ok(outcome, "application"))


async def start_application(request: web.Request) -> web.Response:
    """Let its microservices run."""
    command = commands.StartApplication(application_id=_ref(request))
    return changed(await execute(request, command), f"application/{command.application_id}")


async def stop_application(request: web.Request) -> web.Response:
    """Let none of its microservices run."""
    command = commands.StopApplication(application_id=_ref(request))
    return changed(await execute(request, command), f"application/{command.application_id}")


async def delete_application(request: web.Request) -> web.Response:
    """Remove it with its microservices."""
    command = commands.DeleteApplication(application_id=_ref(request))
    return changed(await execute(request, command), f"application/{command.application_id}")


async def rename_application(request: web.Request) -> web.Response:
    """Let it have another name."""
    key = _ref(request)
    body = await read_body(request, Rename)
    row = request.app[LIVE].world.applications[key]
    command = commands.UpdateApplication(
        application_id=key, name=body.name, description=row.description, system=row.system
    )
    return changed(await execute(request, command), f"application/{key}")


async def create_microservice(request: web.Request) -> web.Response:
    """Add a microservice to an application."""
    application_id = _ref(request)
    body = await read_body(request, MicroserviceManifest)
    command = commands.CreateMicroservice(
        application_id=application_id, placement=placement(body, MicroserviceId(new_id()))
    )
    outcome = await execute(request, command)
    return changed(outcome, f"microservice/{command.placement.microservice_id}", 201)


_APPLICATION = r"/applications/{application}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/applications",
        handler=list_applications,
        access=Role.VIEWER,
        tag="applications",
        summary="List applications",
        answer=Applications,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_APPLICATION,
        handler=apply_application,
        access=Role.OPERATOR,
        tag="applications",
        summary="Create or update an application; what its manifest leaves out is deleted",
        body=ApplicationManifest,
        answer=Changed,
        also=(201,),
        creates="application",
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=_APPLICATION,
        handler=show_application,
        access=Role.VIEWER,
        tag="applications",
        summary="Show an application",
        answer=ApplicationDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_APPLICATION,
        handler=delete_application,
        access=Role.OPERATOR,
        tag="applications",
        summary="Delete an application with its microservices",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_APPLICATION + "/start",
        handler=start_application,
        access=Role.OPERATOR,
        tag="applications",
        summary="Let its microservices run",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_APPLICATION + "/stop",
        handler=stop_application,
        access=Role.OPERATOR,
        tag="applications",
        summary="Stop all its microservices",
        answer=Changed,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_APPLICATION + "/rename",
        handler=rename_application,
        access=Role.OPERATOR,
        tag="applications",
        summary="Give an application another name",
        body=Rename,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=_APPLICATION + "/microservices",
        handler=create_microservice,
        access=Role.OPERATOR,
        tag="microservices",
        summary="Add a microservice",
        body=MicroserviceManifest,
        answer=Changed,
        status=201,
        refusals=(404, 409),
    ),
)
