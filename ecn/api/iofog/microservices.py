"""Microservices by ioFog's API.

Their port and volume mappings one by one: microservice_mappings.py; traces and images of
containers: diagnostics.py, image_snapshots.py; routes between them: routes.py.
"""

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import execute, merge
from ecn.api.endpoint import Query
from ecn.api.iofog.application_refusals import in_iofogs_words
from ecn.api.iofog.applications import look, usage_of
from ecn.api.iofog.endpoint import Endpoint, answer, empty, plain_body, world
from ecn.api.iofog.rendering import rendered
from ecn.api.iofog.uploads import uploaded_document
from ecn.commands import application as commands
from ecn.commands.together import Part, SingleCommand, Together
from ecn.deciders import find
from ecn.errors import NotFound
from ecn.iofog import applications, microservices, system, yaml_documents
from ecn.iofog import microservice_bodies as bodies
from ecn.iofog import microservice_documents as documents
from ecn.iofog.bodies import typed
from ecn.iofog.refusals import invalid, not_found
from events.ids import MicroserviceId, new_id
from events.user import Role
from projections.microservices import MicroserviceRow
from projections.world import World


async def list_microservices(request: web.Request) -> web.Response:
    """All, or those of an application."""
    there = world(request)
    ref = request.query.get("flowId") or request.query.get("application")
    of = applications.meant(there, ref) if ref else None
    await look(request, of)
    there = world(request)
    keys = documents.all_by_name(there) if of is None else documents.of_application(there, of)
    found = [documents.microservice(there, key, usage_of(request)) for key in keys]
    return answer(documents.Microservices(found))


async def list_public_ports(request: web.Request) -> web.Response:
    """All public ports, for who opens them outside all nodes."""
    return answer(documents.public_ports(world(request)))


async def show_microservice(request: web.Request) -> web.Response:
    """One microservice."""
    key = MicroserviceId(request.match_info["uuid"])
    row = world(request).microservices.get(key)
    if row is not None:
        await look(request, row.application_id)
    there = world(request)
    if key not in there.microservices:
        raise not_found("Invalid microservice user or UUID")
    return answer(documents.microservice(there, key, usage_of(request)))


async def create_microservice(request: web.Request) -> web.Response:
    """Add one to an application."""
    return await _created(request, await plain_body(request))


async def upload_microservice(request: web.Request) -> web.Response:
    """Add one from a file."""
    said = yaml_documents.microservice(await uploaded_document(request))
    return await _created(request, await rendered(request, said))


async def patch_microservice(request: web.Request) -> web.Response:
    """Change what is said of it; what is not said stays."""
    return await _patched(request, await plain_body(request))


async def patch_upload(request: web.Request) -> web.Response:
    """Change it as the file says."""
    microservice_of(request, "updated")
    said = yaml_documents.microservice(await uploaded_document(request))
    return await _patched(request, await rendered(request, said))


async def delete_microservice(request: web.Request) -> web.Response:
    """Remove it. Its container goes with all that is its own, whatever `withCleanup` says."""
    key = microservice_of(request, "deleted")
    await execute(request, commands.DeleteMicroservice(microservice_id=key))
    return empty()


async def _created(request: web.Request, body_: object) -> web.Response:
    said = typed(body_, bodies.CreateMicroservice)
    ref = said.flow_id if said.application in (UNSET, "", None) else said.application
    with in_iofogs_words():
        there = world(request)
        command = commands.CreateMicroservice(
            application_id=applications.meant(
                there, None if ref is UNSET else ref, field="$.application"
            ),
            placement=microservices.wanted(there, MicroserviceId(new_id()), said, None),
        )
        outcome = await execute(request, command)
    uuid = outcome.subject.rpartition("/")[2] or command.placement.microservice_id
    return answer(documents.Created(uuid, said.name), 201)


async def _patched(request: web.Request, body_: object) -> web.Response:
    key = microservice_of(request, "updated")
    said = typed(body_, bodies.UpdateMicroservice)

    def command(there: World) -> Together:
        row = row_of(there, key)
        wanted: list[SingleCommand] = [
            commands.UpdateMicroservice(
                microservice_id=key,
                placement=microservices.wanted(there, key, said, row),
                seen=row.revision,
            )
        ]
        if said.name is not UNSET and said.name != row.name:
            wanted.append(commands.RenameMicroservice(microservice_id=key, name=said.name))
        if said.rebuild is True:
            wanted.append(commands.RebuildMicroservice(microservice_id=key))
        about = f"microservice/{find.microservice_name(there, key)}"
        return Together(parts=(Part(about, tuple(wanted)),))

    with in_iofogs_words():
        await merge(request, command)
    return empty()


def microservice_of(request: web.Request, done: str = "") -> MicroserviceId:
    """The one that the path names. done: what can't be done to those of the system.

    Errors: NotFound, Refusal.
    """
    there, uuid = world(request), request.match_info["uuid"]
    if uuid in there.microservices:
        return MicroserviceId(uuid)
    # Theirs are made of names, which their fifth version says: it is not looked for in vain.
    if (
        done
        and uuid[12:13] == "5"
        and any(
            uuid == system.microservice_id(node_id, kind)
            for node_id in there.nodes
            for kind in system.Kind
        )
    ):
        raise invalid(f"Microservice uuid {uuid} is system and can't be {done}")
    raise NotFound("microservice", uuid)


def row_of(there: World, key: MicroserviceId) -> MicroserviceRow:
    """Its row. Errors: NotFound."""
    row = there.microservices.get(key)
    if row is None:
        raise NotFound("microservice", key)
    return row


TAG = "microservices"
ONE = "/microservices/{uuid}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/microservices",
        handler=list_microservices,
        access=Role.VIEWER,
        tag=TAG,
        summary="List microservices",
        answer=documents.Microservices,
        queries=(
            Query("application", "its name"),
            Query("flowId", "its number"),
        ),
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path="/microservices",
        handler=create_microservice,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a microservice",
        body=bodies.CreateMicroservice,
        liquid=True,
        answer=documents.Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path="/microservices/yaml",
        handler=upload_microservice,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a microservice from a YAML file",
        file="microservice",
        answer=documents.Created,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/microservices/public-ports",
        handler=list_public_ports,
        access=Role.VIEWER,
        tag=TAG,
        summary="List public ports",
        answer=list[documents.PublicPortOf],
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=show_microservice,
        access=Role.VIEWER,
        tag=TAG,
        summary="Show a microservice",
        answer=documents.Microservice,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=ONE,
        handler=patch_microservice,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change a microservice",
        body=bodies.UpdateMicroservice,
        liquid=True,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PATCH",
        path="/microservices/yaml/{uuid}",
        handler=patch_upload,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change a microservice from a YAML file",
        file="microservice",
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_microservice,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete a microservice",
        status=204,
        refusals=(404,),
    ),
)
