"""Volumes over HTTP: files that the controller holds and nodes have."""

from aiohttp import web

from ecn.api import offer_views
from ecn.api.answers import json_answer
from ecn.api.commanding import changed, created_or_ok, decided_on, execute
from ecn.api.documents import Changed
from ecn.api.endpoint import Endpoint, read_body
from ecn.api.keys import LIVE
from ecn.api.moments import asked
from ecn.api.volume_documents import VolumeDocument, VolumeManifest, Volumes
from ecn.commands import volume as commands
from ecn.deciders import find
from events.ids import VolumeId, new_id
from events.user import Role


async def list_volumes(request: web.Request) -> web.Response:
    """All volumes, without their files' contents."""
    about = asked(request)
    world = about.world
    items = [offer_views.volume(world, key, contents=False) for key in world.volumes]
    items.sort(key=lambda each: each.name)
    return json_answer(Volumes(position=about.position, stale=about.stale, items=items))


async def show_volume(request: web.Request) -> web.Response:
    """One volume."""
    world = asked(request).world
    key = find.volume(world, request.match_info["volume"])
    return json_answer(offer_views.volume(world, key, contents=True))


async def apply_volume(request: web.Request) -> web.Response:
    """Let the volume be as the body says."""
    name = request.match_info["volume"]
    body = await read_body(request, VolumeManifest)
    outcome = await execute(request, applied(name, body, VolumeId(new_id())))
    subject = outcome.subject
    if not subject:
        subject = f"volume/{find.volume(await decided_on(request, outcome), name)}"
    return changed(outcome, subject, created_or_ok(outcome, "volume"))


def applied(name: str, body: VolumeManifest, volume_id: VolumeId) -> commands.ApplyVolume:
    """What the manifest asks for."""
    return commands.ApplyVolume(
        volume_id=volume_id,
        name=name,
        destination=body.destination,
        permissions=body.permissions,
        nodes=body.nodes,
        files=body.files,
    )


async def delete_volume(request: web.Request) -> web.Response:
    """Remove it. The files on the devices stay."""
    key = find.volume(request.app[LIVE].world, request.match_info["volume"])
    outcome = await execute(request, commands.DeleteVolume(volume_id=key))
    return changed(outcome, f"volume/{key}")


_VOLUME = "/volumes/{volume}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/volumes",
        handler=list_volumes,
        access=Role.VIEWER,
        tag="volumes",
        summary="List volumes, without their files' contents",
        answer=Volumes,
        at=True,
    ),
    Endpoint(
        method="PUT",
        path=_VOLUME,
        handler=apply_volume,
        access=Role.OPERATOR,
        tag="volumes",
        summary="Create or update a volume; its nodes and who mounts it get its files",
        body=VolumeManifest,
        answer=Changed,
        also=(201,),
        creates="volume",
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_VOLUME,
        handler=show_volume,
        access=Role.VIEWER,
        tag="volumes",
        summary="Show a volume with its files",
        answer=VolumeDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="DELETE",
        path=_VOLUME,
        handler=delete_volume,
        access=Role.OPERATOR,
        tag="volumes",
        summary="Delete a volume that nobody mounts; the files on the devices stay",
        answer=Changed,
        refusals=(404, 409),
    ),
)
