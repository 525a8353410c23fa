"""Images of containers as they are: operators ask for one, agents send it, operators fetch it."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from msgspec import Struct

from ecn.api.commanding import DEVICE, execute
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import Endpoint, answer, empty, world
from ecn.api.keys import SNAPSHOTS
from ecn.commands.application import RequestSnapshot
from ecn.container_snapshots import ContainerSnapshots, NoRoom
from ecn.errors import NotFound
from ecn.iofog import agent_view, refusals
from events.ids import MicroserviceId, NodeId, Position
from events.user import Role
from projections.microservices import MicroserviceRow
from projections.world import World

CHUNK = 1 << 18
FIELD = "upstream"


class Wanted(Struct, frozen=True):
    """Whose container's image is wanted."""

    uuid: str


async def ask_for_snapshot(request: web.Request) -> web.Response:
    """Let the agent send one."""
    uuid, _ = microservice_of(request)
    await execute(request, RequestSnapshot(microservice_id=uuid))
    return empty(201)


async def fetch_snapshot(request: web.Request) -> web.StreamResponse:
    """The image, once: it is gone when all of it went out."""
    uuid, row = microservice_of(request)
    snapshots = request.app[SNAPSHOTS]
    path = None if row.snapshot is None else snapshots.path(uuid, row.snapshot)
    if path is None or row.snapshot is None:
        # Clients are used to this status here.
        message = "Image snapshot is not available for this microservice."
        raise refusals.invalid(message, status=500)
    headers = {
        "Content-Disposition": f"attachment; filename={uuid}.tar.gz",
        "Content-Type": "application/gzip",
    }
    asked = row.snapshot
    return _Once(path, headers, lambda: snapshots.fetched(uuid, asked))


class _Once(web.FileResponse):
    """A file that is done with when all of it went out."""

    def __init__(self, path: Path, headers: Mapping[str, str], done: Callable[[], None]) -> None:
        super().__init__(path, headers=dict(headers))
        self._done = done

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """See FileResponse, which sends all of it here."""
        writer = await super().prepare(request)
        if self.status == 200 and request.transport is not None:
            self._done()
        return writer


def microservice_of(request: web.Request) -> tuple[MicroserviceId, MicroserviceRow]:
    """The microservice that the path names. Errors: NotFound."""
    uuid = MicroserviceId(request.match_info["uuid"])
    row = world(request).microservices.get(uuid)
    if row is None:
        raise NotFound("microservice", uuid)
    return uuid, row


async def wanted_snapshot(request: web.Request) -> web.Response:
    """Whose container's image the agent is to send."""
    found = _awaited(world(request), request[DEVICE].node_id, request.app[SNAPSHOTS])
    if found is None:
        raise refusals.not_found("Image snapshot not found")
    return answer(Wanted(found[0]))


def _awaited(
    now: World, node_id: NodeId, snapshots: ContainerSnapshots
) -> tuple[MicroserviceId, Position] | None:
    """The one that was asked for last and is not there yet."""
    found = [
        (asked, key)
        for key in now.microservices.find("node", node_id)
        if (asked := now.microservices[key].snapshot) is not None and snapshots.waits(key, asked)
    ]
    if not found:
        return None
    asked, key = max(found)
    return key, asked


async def take_snapshot(request: web.Request) -> web.Response:
    """An image comes, as a form with one file."""
    if not request.content_type.startswith("multipart/form-data"):
        raise refusals.invalid("Invalid content type")
    found = _awaited(world(request), request[DEVICE].node_id, request.app[SNAPSHOTS])
    part = await _file(request)
    if part is None:
        raise refusals.invalid("Uploaded image snapshot file not found")
    if found is None:
        raise refusals.invalid("Image snapshot not found")
    uuid, asked = found
    try:
        await request.app[SNAPSHOTS].store(uuid, asked, _chunks(part))
    except NoRoom as e:
        raise refusals.invalid(str(e), status=507) from e
    return answer(agent_view.Nothing())


async def _file(request: web.Request) -> aiohttp.BodyPartReader | None:
    """The file in the form, read as far as to its beginning. Errors: Refusal."""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, aiohttp.BodyPartReader) and part.name == FIELD:
                return part
    except ValueError as e:
        raise refusals.invalid("Uploaded image snapshot file not found") from e
    return None


async def _chunks(part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


_SNAPSHOT = "/microservices/{uuid}/image-snapshot"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=_SNAPSHOT,
        handler=ask_for_snapshot,
        access=Role.OPERATOR,
        tag="diagnostics",
        summary="Ask for an image of a container as it is",
        status=201,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_SNAPSHOT,
        handler=fetch_snapshot,
        access=Role.OPERATOR,
        tag="diagnostics",
        summary="Fetch that image, once; 500 while it is not there",
        media="application/gzip",
        refusals=(404, 500),
    ),
    Endpoint(
        method="GET",
        path="/agent/image-snapshot",
        handler=wanted_snapshot,
        access=Access.AGENT,
        tag="agent",
        summary="Whose container's image the agent is to send",
        answer=Wanted,
        refusals=(404,),
    ),
    Endpoint(
        method="PUT",
        path="/agent/image-snapshot",
        handler=take_snapshot,
        access=Access.AGENT,
        tag="agent",
        summary="Send an image, as a form with the file `upstream`",
        answer=agent_view.Nothing,
        refusals=(400, 507),
    ),
)
