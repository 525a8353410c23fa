"""Applications by ioFog's API: as JSON, as files, of templates; and flows, as they were called."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from ecn.api.commanding import execute, merge
from ecn.api.iofog.application_refusals import in_iofogs_words
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, plain_body, world
from ecn.api.iofog.rendering import lookups, rendered
from ecn.api.iofog.uploads import uploaded_document
from ecn.api.keys import LIVE, TELEMETRY
from ecn.batch import Outcome
from ecn.commands import application as commands
from ecn.commands.together import Together
from ecn.errors import NotFound
from ecn.iofog import application_bodies as bodies
from ecn.iofog import application_documents as documents
from ecn.iofog import applications, numbers, template_deployment, yaml_documents
from ecn.iofog.bodies import typed
from ecn.iofog.liquid import render
from ecn.iofog.microservice_documents import Usage
from events.ids import ApplicationId, new_id
from events.user import Role
from projections.world import World


def usage_of(request: web.Request) -> Usage:
    """What agents said last of containers."""
    return request.app[TELEMETRY].usage


async def look(request: web.Request, of: ApplicationId | None = None) -> None:
    """Learn what other controllers heard of the nodes of an application, or of all."""
    there = world(request)
    keys = there.microservices if of is None else there.microservices.find("application", of)
    nodes = {there.microservices[key].node_id for key in keys}
    await request.app[TELEMETRY].look(nodes)


async def list_applications(request: web.Request) -> web.Response:
    """All that are not of the system."""
    await look(request)
    found = documents.applications(world(request), usage_of(request))
    return answer(documents.Applications(found))


async def list_flows(request: web.Request) -> web.Response:
    """The same, as they were called before."""
    await look(request)
    return answer(documents.Flows(documents.applications(world(request), usage_of(request))))


async def show_application(request: web.Request) -> web.Response:
    """One application, by name."""
    return await _shown(request, _named(request, world(request)))


async def show_flow(request: web.Request) -> web.Response:
    """One application, by number."""
    return await _shown(request, _numbered(request, world(request)))


async def create_application(request: web.Request) -> web.Response:
    """Make one, of a template or as it is said."""
    return await _created(request, await plain_body(request))


async def upload_application(request: web.Request) -> web.Response:
    """Make one from a file."""
    said = yaml_documents.application(await uploaded_document(request))
    return await _created(request, await rendered(request, said))


async def put_application(request: web.Request) -> web.Response:
    """Let it be as is said; what is not said stays."""
    return await _updated(request, await plain_body(request))


async def put_upload(request: web.Request) -> web.Response:
    """Let it be as the file says."""
    said = yaml_documents.application(await uploaded_document(request))
    return await _updated(request, await rendered(request, said))


async def patch_application(request: web.Request) -> web.Response:
    """Name, description, whether it runs, whether it is of the system."""
    return await _patched(request, _named(request, world(request)))


async def patch_flow(request: web.Request) -> web.Response:
    """The same, by number."""
    return await _patched(request, _numbered(request, world(request)))


async def delete_application(request: web.Request) -> web.Response:
    """Remove it with all its parts; nothing to do where there is none, as with ioFog."""
    key = world(request).applications.one("name", request.match_info["name"])
    if key is None:
        # Maybe another controller has just made it.
        await request.app[LIVE].catch_up()
        key = world(request).applications.one("name", request.match_info["name"])
    if key is not None:
        await execute(request, commands.DeleteApplication(application_id=key))
    return empty()


async def delete_flow(request: web.Request) -> web.Response:
    """The same, by number."""
    try:
        key = _numbered(request, world(request))
    except NotFound:
        return empty()
    await execute(request, commands.DeleteApplication(application_id=key))
    return empty()


def first_number(outcome: Outcome) -> int:
    """The number of what the first event of a command made."""
    return numbers.on_the_wire(outcome.position - len(outcome.events) + 1)


async def _shown(request: web.Request, key: ApplicationId) -> web.Response:
    await look(request, key)
    there = world(request)
    if key not in there.applications:  # it went meanwhile
        raise NotFound("application", there.names.get(f"application/{key}") or key)
    return answer(documents.application(there, key, usage_of(request)))


async def _created(request: web.Request, said: object) -> web.Response:
    wanted = typed(await _deployed(request, said), bodies.CreateApplication)
    with in_iofogs_words():
        command = applications.created(world(request), wanted, new_id)
        outcome = await execute(request, command)
    return answer(documents.Created(first_number(outcome), wanted.name), 201)


async def _updated(request: web.Request, said: object) -> web.Response:
    _named(request, world(request))  # what is not there is no surprise yet
    wanted = typed(await _deployed(request, said), bodies.UpdateApplication)

    def command(there: World) -> Together:
        return applications.updated(there, _named(request, there), wanted, new_id)

    with in_iofogs_words():
        await merge(request, command)
    return empty()


async def _patched(request: web.Request, key: ApplicationId) -> web.Response:
    wanted = await body(request, bodies.PatchApplication)
    await merge(request, lambda there: applications.patched(there, key, wanted))
    return empty()


async def _deployed(request: web.Request, said: object) -> object:
    """The body with what its template says, if it wants one."""
    wanted = template_deployment.deployment(said)
    if wanted is None:
        return said
    network = lookups(request)

    def filled(document: object, variables: Mapping[str, object]) -> object:
        return render(document, network, variables)

    settings = template_deployment.settings_of(world(request), wanted)
    # What a template may cost is bounded, but by more time than all others should wait.
    return await asyncio.to_thread(template_deployment.filled, settings, wanted, said, filled)


def _named(request: web.Request, there: World) -> ApplicationId:
    return applications.named(there, request.match_info["name"])


def _numbered(request: web.Request, there: World) -> ApplicationId:
    return applications.numbered(there, request.match_info["id"])


TAG = "application"
FLOW = "flow"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/application",
        handler=list_applications,
        access=Role.VIEWER,
        tag=TAG,
        summary="List applications",
        answer=documents.Applications,
    ),
    Endpoint(
        method="POST",
        path="/application",
        handler=create_application,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make an application with its parts, or of a template",
        body=bodies.WantedApplication,
        liquid=True,
        answer=documents.Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path="/application/yaml",
        handler=upload_application,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make an application from a YAML file",
        file="application",
        answer=documents.Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/application/{name}",
        handler=show_application,
        access=Role.VIEWER,
        tag=TAG,
        summary="Show an application",
        answer=documents.Application,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path="/application/{name}",
        handler=patch_application,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Rename, describe, start or stop an application",
        body=bodies.PatchApplication,
        liquid=True,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PUT",
        path="/application/{name}",
        handler=put_application,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change an application with its parts",
        body=bodies.ChangedApplication,
        liquid=True,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PUT",
        path="/application/yaml/{name}",
        handler=put_upload,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change an application from a YAML file",
        file="application",
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="/application/{name}",
        handler=delete_application,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete an application with its parts",
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/flow",
        handler=list_flows,
        access=Role.VIEWER,
        tag=FLOW,
        summary="List applications, as flows",
        answer=documents.Flows,
    ),
    Endpoint(
        method="POST",
        path="/flow",
        handler=create_application,
        access=Role.OPERATOR,
        tag=FLOW,
        summary="Make an application, as a flow",
        body=bodies.WantedApplication,
        answer=documents.Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/flow/{id}",
        handler=show_flow,
        access=Role.VIEWER,
        tag=FLOW,
        summary="Show an application by its number",
        answer=documents.Application,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path="/flow/{id}",
        handler=patch_flow,
        access=Role.OPERATOR,
        tag=FLOW,
        summary="Rename, describe, start or stop an application by its number",
        body=bodies.PatchApplication,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path="/flow/{id}",
        handler=delete_flow,
        access=Role.OPERATOR,
        tag=FLOW,
        summary="Delete an application by its number",
        status=204,
    ),
)
