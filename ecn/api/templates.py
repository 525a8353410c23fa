"""Application templates over HTTP."""

from aiohttp import web

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.api.template_documents import TemplateDocument, TemplateManifest, Templates
from ecn.commands import template as commands
from ecn.deciders import find
from events.ids import TemplateId, new_id
from events.user import Role


async def list_templates(request: web.Request) -> web.Response:
    """All templates."""
    about = asked(request)
    items = [offer_views.template(about.world, key) for key in about.world.templates]
    items.sort(key=lambda each: each.name)
    return json_answer(Templates(position=about.position, stale=about.stale, items=items))


async def show_template(request: web.Request) -> web.Response:
    """One template."""
    world = asked(request).world
    key = find.template(world, request.match_info["template"])
    return json_answer(offer_views.template(world, key))


async def apply_template(request: web.Request) -> web.Response:
    """Let the template be as the body says."""
    name = request.match_info["template"]
    body = await read_body(request, TemplateManifest)
    command = commands.ApplyTemplate(
        template_id=TemplateId(new_id()),
        name=name,
        settings=offer_views.template_settings(body),
    )
    outcome = await execute(request, command)
    subject = outcome.subject
    if not subject:
        subject = f"template/{find.template(await decided_on(request, outcome), name)}"
    return changed(outcome, subject, created_or_ok(outcome, "template"))


async def delete_template(request: web.Request) -> web.Response:
    """Remove it."""
    key = find.template(request.app[LIVE].world, request.match_info["template"])
    outcome = await execute(request, commands.DeleteTemplate(template_id=key))
    return changed(outcome, f"template/{key}")


_TEMPLATE = "/templates/{template}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/templates",
        handler=list_templates,
        access=Role.VIEWER,
        tag="templates",
        summary="List application templates",
        answer=Templates,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_TEMPLATE,
        handler=apply_template,
        access=Role.OPERATOR,
        tag="templates",
        summary="Create or update a template; what was made of it stays as it is",
        body=TemplateManifest,
        answer=Changed,
        also=(201,),
        creates="template",
    ),
    Endpoint(
        method="GET",
        path=_TEMPLATE,
        handler=show_template,
        access=Role.VIEWER,
        tag="templates",
        summary="Show a template",
        answer=TemplateDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_TEMPLATE,
        handler=delete_template,
        access=Role.OPERATOR,
        tag="templates",
        summary="Delete a template; what was made of it stays",
        answer=Changed,
        refusals=(404,),
    ),
)
