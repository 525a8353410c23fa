"""Documents of ioFog's YAML that only the controller understands, over the native API."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from ecn.api.commanding import MERGE_PATIENCE, changed, decided_on, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.iofog.rendering import lookups
from ecn.api.iofog_documents import IofogDocument
from ecn.api.keys import LIVE
from ecn.commands.together import Part, SingleCommand, Together
from ecn.deciders import find
from ecn.errors import RevisionMoved
from ecn.iofog import deploying
from ecn.iofog.liquid import render
from events.ids import new_id
from events.user import Role
from projections.world import World

FIND: Mapping[str, Callable[[World, str], str]] = {
    "application": find.application,
    "microservice": find.microservice,
    "template": find.template,
}


async def apply_document(request: web.Request) -> web.Response:
    """Let it be as the document says: made, or changed. All of it happens, or nothing."""
    body = await read_body(request, IofogDocument)
    document = as_document(body)
    about = deploying.about(document)
    translate = translation(request)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + MERGE_PATIENCE
    while True:
        world = request.app[LIVE].world
        # What a document may cost is bounded, but by more time than all others should wait.
        commands = await asyncio.to_thread(translate, world, document)
        try:
            outcome = await execute(request, Together(parts=(Part(about, tuple(commands)),)))
            break
        except RevisionMoved:
            if loop.time() > deadline:
                raise
    kind, _, name = about.partition("/")
    subject = outcome.subject
    if not subject:
        subject = f"{kind}/{FIND[kind](await decided_on(request, outcome), name)}"
    return changed(outcome, subject)


def as_document(body: IofogDocument) -> deploying.Document:
    """As YAML has it."""
    said: deploying.Document = msgspec.to_builtins(body)
    return said


def translation(
    request: web.Request,
) -> Callable[[World, deploying.Document], list[SingleCommand]]:
    """From a document to commands, in a world. Errors: Invalid, NotFound."""

    def translate(world: World, document: deploying.Document) -> list[SingleCommand]:
        def rendering(said: object, variables: Mapping[str, object]) -> object:
            return render(said, lookups(request, world), variables)

        return deploying.deployment(world, document, rendering, new_id)

    return translate


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/iofog-documents",
        handler=apply_document,
        access=Role.OPERATOR,
        tag="applications",
        summary="Make what a document of ioFog's YAML says: an Application, an "
        "ApplicationTemplate or a Microservice",
        body=IofogDocument,
        answer=Changed,
        refusals=(404, 409),
    ),
)
