"""From a document of ioFog's YAML to the commands that make it so: those of three kinds that only
the controller understands, as it fills in templates and Liquid from what there is. Pure.

Used by the native API, for `ecn deploy -f` and its plans. Uploads of /api/v3 tell making from
changing, as ioFog does; this does whichever it takes.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy

from ecn.commands import application as commands
from ecn.commands.template import ApplyTemplate
from ecn.commands.together import SingleCommand
from ecn.errors import Invalid
from ecn.iofog import (
    application_bodies,
    applications,
    microservice_bodies,
    microservices,
    template_deployment,
    templates,
    yaml_documents,
)
from ecn.iofog.bodies import typed
from ecn.iofog.refusals import Refusal
from events.ids import MicroserviceId, TemplateId
from events.template import TemplateSettings
from projections.world import World

Document = dict[str, object]
"""With `kind`, `metadata` and `spec`, as YAML has it."""
NewId = Callable[[], str]
Rendering = Callable[[object, Mapping[str, object]], object]
"""A document and its variables to the same document with every text rendered."""


def about(document: Document) -> str:
    """`<kind>/<name>` of what it is about. Errors: Invalid."""
    kind, metadata = document.get("kind"), document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise Invalid(f"{kind!r} is none of {', '.join(KINDS)}", field="$.kind")
    if not isinstance(name, str) or not name:
        raise Invalid("is missing", field="$.metadata.name")
    return f"{KINDS[kind][0]}/{name}"


def deployment(
    world: World, document: Document, render: Rendering, new_id: NewId
) -> list[SingleCommand]:
    """The commands, to be carried out in a row or not at all.

    Errors: Invalid for what breaks a rule of ioFog's; NotFound.
    """
    about(document)
    try:
        return KINDS[str(document["kind"])][1](world, deepcopy(document), render, new_id)
    except Refusal as e:
        raise Invalid(e.message, field="$.spec") from e


def _application(
    world: World, document: Document, render: Rendering, new_id: NewId
) -> list[SingleCommand]:
    body: object = render(yaml_documents.application(document), {})
    wanted = template_deployment.deployment(body)
    if wanted is not None:
        settings = template_deployment.settings_of(world, wanted)
        body = template_deployment.filled(settings, wanted, body, render)
    name = body.get("name") if isinstance(body, dict) else None
    key = world.applications.one("name", str(name))
    if key is None:
        said = typed(body, application_bodies.CreateApplication)
        return [applications.created(world, said, new_id)]
    change = typed(body, application_bodies.UpdateApplication)
    together = applications.updated(world, key, change, new_id)
    return [each for part in together.parts for each in part.commands]


def _microservice(
    world: World, document: Document, render: Rendering, new_id: NewId
) -> list[SingleCommand]:
    body = render(yaml_documents.microservice(document), {})
    said = typed(body, microservice_bodies.CreateMicroservice)
    application_id = applications.meant(world, said.application)
    key = world.microservices.one("name", (application_id, said.name))
    if key is None:
        placement = microservices.wanted(world, MicroserviceId(new_id()), said, None)
        return [commands.CreateMicroservice(application_id=application_id, placement=placement)]
    row = world.microservices[key]
    wanted: list[SingleCommand] = [
        commands.UpdateMicroservice(
            microservice_id=key,
            placement=microservices.wanted(world, key, said, row),
            seen=row.revision,
        )
    ]
    if said.rebuild is True:
        wanted.append(commands.RebuildMicroservice(microservice_id=key))
    return wanted


def _template(
    _world: World, document: Document, render: Rendering, new_id: NewId
) -> list[SingleCommand]:
    """Liquid in its application stays: it is looked at when an application is made of it."""
    body = yaml_documents.application_template(document)
    if "variables" in body:
        body["variables"] = render(body["variables"], {})
    said = typed(body, templates.CreateTemplate)
    settings = templates.settings(said, TemplateSettings())
    return [ApplyTemplate(template_id=TemplateId(new_id()), name=said.name, settings=settings)]


KINDS = {
    "Application": ("application", _application),
    "Microservice": ("microservice", _microservice),
    "ApplicationTemplate": ("template", _template),
}
