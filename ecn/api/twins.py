"""Twins over HTTP, beside their microservices.

The desired section is a resource of its own, with its version as ETag: who must not overwrite what
they have not seen send `If-Match`.
"""

from aiohttp import web
from msgspec import Raw
from msgspec.structs import replace

from ecn.api.answers import json_answer
from ecn.api.commanding import changed, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.api.twin_documents import TwinDocument, TwinFieldDocument, TwinSectionDocument
from ecn.commands import twin as commands
from ecn.deciders import find
from ecn.errors import Invalid
from ecn.history.glance import actor_name
from events.ids import MicroserviceId
from events.user import Role
from projections.twins import Stamp, twin_of
from projections.world import World


def _ref(request: web.Request, world: World | None = None) -> MicroserviceId:
    parts = request.match_info
    ref = parts.get("id") or f"{parts['application']}/{parts['name']}"
    return find.microservice(world or request.app[LIVE].world, ref)


async def show_twin(request: web.Request) -> web.Response:
    """Both sections, and who changed which field."""
    about = asked(request)
    world, key = about.world, _ref(request, about.world)
    row, microservice = twin_of(world, key), world.microservices[key]
    return json_answer(
        TwinDocument(
            position=about.position,
            stale=about.stale,
            microservice_id=key,
            application=world.applications[microservice.application_id].name,
            name=microservice.name,
            conflicts=microservice.spec.twin_conflicts,
            desired=_section(world, row.desired, row.desired_version, row.desired_fields),
            reported=_section(world, row.reported, row.reported_version, row.reported_fields),
        )
    )


async def show_twin_desired(request: web.Request) -> web.Response:
    """The desired properties alone, their version as ETag."""
    world = asked(request).world
    row = twin_of(world, _ref(request, world))
    return web.Response(
        body=bytes(row.desired),
        content_type="application/json",
        headers={"ETag": f'"{row.desired_version}"'},
    )


async def patch_twin_desired(request: web.Request) -> web.Response:
    """Change a part of the desired properties."""
    key = _ref(request)
    command = commands.PatchTwin(
        microservice_id=key, patch=Raw(await request.read()), seen=_if_match(request)
    )
    return changed(await execute(request, command), f"microservice/{key}")


async def replace_twin_desired(request: web.Request) -> web.Response:
    """Let exactly these be the desired properties."""
    key = _ref(request)
    command = commands.ReplaceTwin(
        microservice_id=key, desired=Raw(await request.read()), seen=_if_match(request)
    )
    return changed(await execute(request, command), f"microservice/{key}")


def _section(
    world: World, properties: Raw, version: int, fields: dict[str, Stamp]
) -> TwinSectionDocument:
    return TwinSectionDocument(
        version=version,
        properties=properties,
        fields={
            path: TwinFieldDocument(
                version=stamp.version,
                at=stamp.at,
                by=actor_name(world, stamp.by),
                edge=stamp.edge,
            )
            for path, stamp in sorted(fields.items())
        },
    )


def _if_match(request: web.Request) -> int | None:
    """The version that the client has seen; None when it named none. Errors: Invalid."""
    tag = request.headers.get("If-Match", "*").strip()
    if tag == "*":
        return None
    number = tag.strip('"')
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise Invalid(
            f"If-Match: {tag!r} is no version of desired properties",
            next_step='Name one version, as the ETag does: If-Match: "5"',
        )
    return int(number)


_ROWS = (
    Endpoint(
        method="GET",
        path="/twin",
        handler=show_twin,
        access=Role.VIEWER,
        tag="twins",
        summary="Show a microservice's twin: desired and reported properties",
        answer=TwinDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path="/twin/desired",
        handler=show_twin_desired,
        access=Role.VIEWER,
        tag="twins",
        summary="Read the desired properties; their version is the ETag",
        answer=dict,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path="/twin/desired",
        handler=patch_twin_desired,
        access=Role.OPERATOR,
        tag="twins",
        summary="Change a part of the desired properties (RFC 7396; If-Match guards)",
        body=dict,
        if_match=True,
        answer=Changed,
        refusals=(404, 412),
    ),
    Endpoint(
        method="PUT",
        path="/twin/desired",
        handler=replace_twin_desired,
        access=Role.OPERATOR,
        tag="twins",
        summary="Replace the desired properties (If-Match guards)",
        body=dict,
        if_match=True,
        answer=Changed,
        refusals=(404, 412),
    ),
)

ENDPOINTS = tuple(
    replace(row, path=f"/microservices/{of}{row.path}")
    # By id first, as in microservices.py.
    for of in (r"{id:[0-9a-f]{32}}", r"{application}/{name}")
    for row in _ROWS
)
