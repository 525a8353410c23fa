"""A registry on this device's loopback that the engine pulls through.

The engine can neither resume a pull that it gave up, nor pull slowly. So where that is wanted it is
given `127.0.0.1:<port>/ecn-<token>/<repository>@<digest>`: plain HTTP on the loopback needs no
setting of Docker's. What it asks for is fetched from the true registry, under one bound for all
pulls (`bandwidth.py`), and kept until the pull succeeds (`blob_relay.py`).

It listens only while something is pulled through it. The token is of one pull: other users of the
device, who could reach the port too, must not pull with its credentials.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct, field

from agent.contract import PullProgress
from agent.errors import EngineError
from agent.images.bandwidth import Bandwidth
from agent.images.blob_relay import Blob, Relay
from agent.images.partial_pulls import PartialPull
from agent.images.pull_progress import LayersProgress
from agent.images.reference import GATEWAY_MARK
from agent.images.registry_client import MANIFEST_TYPES, Manifest, RegistryClient

log = structlog.get_logger()

_SILENT = logging.getLogger("agent.images.registry_gateway.http")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
"""The engine tries TLS first, which aiohttp would tell as a fault each time."""


class _Part(Struct, frozen=True):
    digest: str
    size: int


class _Content(Struct, frozen=True):
    """What we read of an image's manifest."""

    config: _Part | None = None
    layers: list[_Part] = field(default_factory=list)


class Session:
    """One image that is pulled through the gateway."""

    def __init__(
        self,
        client: RegistryClient,
        manifest: Manifest,
        kept: PartialPull,
        on_progress: Callable[[PullProgress], None],
    ) -> None:
        self.token = f"{GATEWAY_MARK}{secrets.token_hex(16)}"
        self.client = client
        self.kept = kept
        self.reference = ""
        """What the engine has to pull, in place of the true name."""
        self.asked = 0
        """How often the engine asked for anything of it."""
        self.problem: EngineError | None = None
        """What the registry said no to, or how it failed: the engine only sees an end."""
        self.on_problem: Callable[[], None] = lambda: None
        self._on_progress = on_progress
        self._manifests = {manifest.digest: manifest}
        self._sizes: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._learn(manifest)

    async def manifest(self, wanted: str, accept: str) -> Manifest:
        """Each is fetched once. Errors: as the client's."""
        found = self._manifests.get(wanted)
        if found is None:
            found = self._manifests[wanted] = await self.client.manifest(wanted, accept)
            self._learn(found)
        return found

    def size(self, digest: str) -> int | None:
        """Of a blob that a manifest named; None for any other."""
        return self._sizes.get(digest)

    def lock(self, digest: str) -> asyncio.Lock:
        """Two who write one file would spoil it."""
        return self._locks.setdefault(digest, asyncio.Lock())

    def came(self, digest: str, count: int) -> None:
        """So many bytes of it are on this device."""
        self._done[digest] = max(count, self._done.get(digest, 0))
        self._on_progress(self.progress())

    def here(self, layers: LayersProgress) -> None:
        """What the engine had before, by the beginnings of digests."""
        for digest, size in self._sizes.items():
            if digest.partition(":")[2][:12] in layers.here:
                self.came(digest, size)

    def progress(self) -> PullProgress:
        """Of the whole image."""
        return PullProgress(
            done_bytes=sum(self._done.values()), total_bytes=sum(self._sizes.values())
        )

    def failed(self, problem: EngineError) -> None:
        """The first is the cause of all others."""
        if self.problem is None:
            self.problem = problem
            self.on_problem()

    def _learn(self, manifest: Manifest) -> None:
        try:
            content = msgspec.json.decode(manifest.content, type=_Content)
        except msgspec.DecodeError:
            return  # a list of manifests, or nothing that we know: no blob of it is given out
        for part in (content.config, *content.layers):
            if part is not None:
                self._sizes[part.digest] = part.size


class RegistryGateway:
    """All that is pulled through the loopback."""

    def __init__(self, bandwidth: Bandwidth) -> None:
        self._bandwidth = bandwidth
        self._sessions: dict[str, Session] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def open(
        self,
        client: RegistryClient,
        manifest: Manifest,
        kept: PartialPull,
        on_progress: Callable[[PullProgress], None],
    ) -> AsyncIterator[Session]:
        """A session, for as long as its pull takes. Errors: OSError when nothing can listen."""
        session = Session(client, manifest, kept, on_progress)
        async with AsyncExitStack() as leaving:
            self._sessions[session.token] = session
            leaving.push_async_callback(self._left, session)
            async with self._starting:
                if self._runner is None:
                    await self._listen()
            session.reference = (
                f"127.0.0.1:{self._port}/{session.token}/{client.repository}@{manifest.digest}"
            )
            yield session

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_get("/v2/", self._version)
        app.router.add_get("/v2/{token}/{repository:.+}/manifests/{reference}", self._manifest)
        app.router.add_get("/v2/{token}/{repository:.+}/blobs/{digest}", self._blob)
        runner = web.AppRunner(
            app, access_log=None, logger=_SILENT, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner, self._port = runner, runner.addresses[0][1]

    async def _left(self, session: Session) -> None:
        self._sessions.pop(session.token, None)
        async with self._starting:
            if not self._sessions and self._runner is not None:
                runner, self._runner = self._runner, None
                await runner.cleanup()

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})

    def _session(self, request: web.Request) -> Session:
        session = self._sessions.get(request.match_info["token"])
        if session is None or session.client.repository != request.match_info["repository"]:
            raise web.HTTPNotFound
        session.asked += 1
        if session.problem is not None:
            raise web.HTTPBadGateway(text=str(session.problem))
        return session

    async def _manifest(self, request: web.Request) -> web.Response:
        session = self._session(request)
        accept = ", ".join(request.headers.getall("Accept", [])) or MANIFEST_TYPES
        try:
            found = await session.manifest(request.match_info["reference"], accept)
        except EngineError as error:
            session.failed(error)
            raise web.HTTPBadGateway(text=str(error)) from error
        return web.Response(
            body=found.content,
            headers={"Content-Type": found.media_type, "Docker-Content-Digest": found.digest},
        )

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        session, digest = self._session(request), request.match_info["digest"]
        size = session.size(digest)
        if size is None:
            raise web.HTTPNotFound
        start = _start(request.headers.get("Range", ""), size)
        response = web.StreamResponse(
            status=206 if start else 200,
            headers={"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest},
        )
        response.content_length = size - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        async with session.lock(digest):
            relay = Relay(
                Blob(digest=digest, size=size),
                session.kept,
                partial(session.client.blob, digest),
                self._bandwidth.take,
                partial(session.came, digest),
            )
            try:
                async for piece in relay.pieces():
                    wanted, start = piece[start:], max(0, start - len(piece))
                    if wanted:
                        await response.write(wanted)
            except EngineError as error:
                session.failed(error)
                if request.transport is not None:
                    request.transport.abort()  # or the engine would take it for the end
        return response


def _start(wanted: str, size: int) -> int:
    """Of a range that goes to the end; the engine asks for no other."""
    first = wanted.removeprefix("bytes=").removesuffix("-")
    number = int(first) if first.isascii() and first.isdecimal() and len(first) < 18 else 0
    return number if number < size else 0
