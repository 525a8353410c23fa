"""Application templates by ioFog's API, as JSON and as files."""

from aiohttp import web
from msgspec import UNSET

from ecn.api.commanding import execute, merge
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty, world
from ecn.api.iofog.rendering import rendered
from ecn.api.iofog.uploads import uploaded_document
from ecn.commands import template as commands
from ecn.errors import NotFound
from ecn.iofog import bodies, yaml_documents
from ecn.iofog import templates as wire
from events.ids import TemplateId, new_id
from events.template import TemplateSettings
from events.user import Role
from projections.world import World


async def list_templates(request: web.Request) -> web.Response:
    """All templates."""
    return answer(wire.templates(world(request)))


async def get_template(request: web.Request) -> web.Response:
    """One template."""
    there = world(request)
    key = wire.needed(there, request.match_info["name"])
    return answer(wire.template(there, there.templates[key]))


async def create_template(request: web.Request) -> web.Response:
    """Make one."""
    return answer(await _create(request, await body(request, wire.CreateTemplate)), 201)


async def upload_template(request: web.Request) -> web.Response:
    """Make one from a file."""
    said = bodies.typed(await _uploaded(request), wire.CreateTemplate)
    return answer(await _create(request, said), 201)


async def put_template(request: web.Request) -> web.Response:
    """Change one, or make it."""
    return answer(await _put(request, await body(request, wire.UpdateTemplate)))


async def put_upload(request: web.Request) -> web.Response:
    """Change one from a file, or make it."""
    said = bodies.typed(await _uploaded(request), wire.UpdateTemplate)
    return answer(await _put(request, said))


async def patch_template(request: web.Request) -> web.Response:
    """Another name or description."""
    said = await body(request, wire.PatchTemplate)
    await _update(request, wire.UpdateTemplate(name=said.name, description=said.description))
    return empty()


async def delete_template(request: web.Request) -> web.Response:
    """Remove it; nothing to do where there is none, as with ioFog."""
    key = wire.found(world(request), request.match_info["name"])
    if key is not None:
        await execute(request, commands.DeleteTemplate(template_id=key))
    return empty()


async def _uploaded(request: web.Request) -> object:
    """The file as a body, with only its variables rendered."""
    said = yaml_documents.application_template(await uploaded_document(request))
    variables = said.get("variables")
    if variables is None:
        return said
    return {**said, "variables": await rendered(request, variables)}


async def _create(request: web.Request, said: wire.CreateTemplate) -> wire.Made:
    key = TemplateId(new_id())
    command = commands.CreateTemplate(
        template_id=key, name=said.name, settings=wire.settings(said, TemplateSettings())
    )
    await execute(request, command)
    return _made(world(request), said.name)


async def _put(request: web.Request, said: wire.UpdateTemplate) -> wire.Made:
    name = request.match_info["name"]
    if wire.found(world(request), name) is None:
        # What is there under another name is another one: this one is called as the path says.
        new = wire.CreateTemplate(
            name=bodies.typed({"name": name}, wire.CreateTemplate).name,
            description=said.description,
            variables=said.variables,
            application=said.application,
        )
        return await _create(request, new)
    await _update(request, said)
    return _made(world(request), name if said.name is UNSET else said.name)


async def _update(request: web.Request, said: wire.UpdateTemplate) -> None:
    name = request.match_info["name"]

    def command(there: World) -> commands.UpdateTemplate:
        key = wire.needed(there, name)
        row = there.templates[key]
        return commands.UpdateTemplate(
            template_id=key,
            name=row.name if said.name is UNSET else said.name,
            settings=wire.settings(said, row.settings),
            seen=row.settings,
        )

    await merge(request, command)


def _made(there: World, name: str) -> wire.Made:
    key = wire.found(there, name)
    if key is None:
        raise NotFound("template", name)
    shown = wire.template(there, there.templates[key])
    return wire.Made(shown.id, shown.name)


TAG = "applicationTemplate"
ONE = "/applicationTemplate/{name}"


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/applicationTemplates",
        handler=list_templates,
        access=Role.VIEWER,
        tag=TAG,
        summary="List templates",
        answer=wire.Templates,
    ),
    Endpoint(
        method="POST",
        path="/applicationTemplate",
        handler=create_template,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a template",
        body=wire.CreateTemplate,
        answer=wire.Made,
        status=201,
        refusals=(409,),
    ),
    Endpoint(
        method="POST",
        path="/applicationTemplate/yaml",
        handler=upload_template,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Make a template from a YAML file",
        file="template",
        answer=wire.Made,
        status=201,
        refusals=(409,),
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_template,
        access=Role.VIEWER,
        tag=TAG,
        summary="Show a template",
        answer=wire.Template,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=ONE,
        handler=patch_template,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Give a template another name or description",
        body=wire.PatchTemplate,
        status=204,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=put_template,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change a template, or make it",
        body=wire.UpdateTemplate,
        answer=wire.Made,
        refusals=(404, 409),
    ),
    Endpoint(
        method="PUT",
        path="/applicationTemplate/yaml/{name}",
        handler=put_upload,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Change a template from a YAML file, or make it",
        file="template",
        answer=wire.Made,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_template,
        access=Role.OPERATOR,
        tag=TAG,
        summary="Delete a template",
        status=204,
        refusals=(409,),
    ),
)
