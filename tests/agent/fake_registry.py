"""A registry in this process that serves one repository, and fails in the ways it is told to.

What it serves is a true image: an engine can pull it, and a container could be made from it.
"""

import asyncio
import gzip
import io
import json
import random
import ssl
import tarfile
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

from aiohttp import web

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PIECE = 1 << 15


def digest_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


class FakeRegistry:
    """Layers of so many random bytes each. `address` is host and port, once it serves."""

    def __init__(self, *layers: int, seed: int = 1) -> None:
        chance = random.Random(seed)
        self.blobs: dict[str, bytes] = {}
        diff_ids: list[str] = []
        parts: list[dict[str, object]] = []
        for number, size in enumerate(layers):
            tar = _tar(f"data-{seed}-{number}", chance.randbytes(size))
            packed = gzip.compress(tar, compresslevel=0, mtime=0)
            diff_ids.append(digest_of(tar))
            parts.append(self._part("application/vnd.docker.image.rootfs.diff.tar.gzip", packed))
        self.layers = [str(part["digest"]) for part in parts]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/nothing"]},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        ).encode()
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._part("application/vnd.docker.container.image.v1+json", config),
                "layers": parts,
            }
        ).encode()
        self.digest = digest_of(self.manifest)
        self.repository = "lab/image"
        self.address = ""
        self.blob_address = ""
        """Where blobs are, if not here: asked without credentials."""
        # How it is
        self.user: tuple[str, str] | None = None
        self.bearer = False
        self.ranges = True
        self.redirects = False
        self.drops_at: list[int] = []
        """Of each next answer that is longer: after so many bytes of it the line breaks."""
        self.spoils = 0
        """So many next answers with a blob are of something else."""
        self.rate = 0.0
        """Bytes per second of each answer; 0 is as fast as can be."""
        self.down = False
        # What it saw
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.blob_authorizations: list[str] = []
        self.served = 0
        """Bytes of blobs."""
        self.offsets: list[int] = []
        """Where answers with blobs began."""

    @property
    def reference(self) -> str:
        return f"{self.address}/{self.repository}:1"

    def _part(self, kind: str, content: bytes) -> dict[str, object]:
        digest = digest_of(content)
        self.blobs[digest] = content
        return {"mediaType": kind, "size": len(content), "digest": digest}

    @property
    def blob_bytes(self) -> int:
        return sum(len(blob) for blob in self.blobs.values())

    @asynccontextmanager
    async def serving(self, context: ssl.SSLContext | None = None) -> AsyncIterator["FakeRegistry"]:
        app = web.Application()
        app.router.add_get("/v2/", self._version)
        app.router.add_get("/v2/{name:.+}/manifests/{reference}", self._manifest)
        app.router.add_get("/v2/{name:.+}/blobs/{digest}", self._blob)
        app.router.add_get("/token", self._token)
        app.router.add_get("/store/{digest}", self._stored)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        await web.TCPSite(runner, "127.0.0.2", 0).start()
        first, second = runner.addresses[:2]
        self.address = f"127.0.0.1:{first[1]}"
        self.blob_address = f"127.0.0.2:{second[1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _version(self, request: web.Request) -> web.Response:
        self._let_in(request)
        return web.json_response({})

    async def _manifest(self, request: web.Request) -> web.Response:
        self.asked.append(f"manifest {request.match_info['reference']}")
        self._let_in(request)
        if request.match_info["name"] != self.repository:
            raise web.HTTPNotFound
        if request.match_info["reference"] not in ("1", self.digest):
            raise web.HTTPNotFound
        headers = {"Content-Type": MANIFEST, "Docker-Content-Digest": self.digest}
        return web.Response(body=self.manifest, headers=headers)

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        self.asked.append(f"blob {digest}")
        self._let_in(request)
        if self.redirects:
            target = f"http://{self.blob_address}/store/{digest}?signed=a%2Fb%3D"
            return web.Response(status=307, headers={"Location": target})
        return await self._give(request, digest)

    async def _stored(self, request: web.Request) -> web.StreamResponse:
        self.blob_authorizations.append(request.headers.get("Authorization", ""))
        if "signed=a%2Fb%3D" not in request.raw_path:
            raise web.HTTPForbidden
        return await self._give(request, request.match_info["digest"])

    async def _give(self, request: web.Request, digest: str) -> web.StreamResponse:
        content = self.blobs.get(digest)
        if content is None:
            raise web.HTTPNotFound
        start = 0
        wanted = request.headers.get("Range", "")
        if wanted and self.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.offsets.append(start)
        if self.spoils:
            self.spoils -= 1
            content = bytes(reversed(content))
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(content) - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        await response.prepare(request)
        end = len(content)
        if self.drops_at and start + self.drops_at[0] < end:
            end = start + self.drops_at.pop(0)
        for at in range(start, end, PIECE):
            piece = content[at : min(end, at + PIECE)]
            await response.write(piece)
            self.served += len(piece)
            if self.rate:
                await asyncio.sleep(len(piece) / self.rate)
        if end < len(content) and request.transport is not None:
            await asyncio.sleep(0.05)  # so that what was written arrives
            request.transport.abort()
        return response

    async def _token(self, request: web.Request) -> web.Response:
        self.asked.append(f"token {request.query.get('scope')}")
        if self.user is not None and request.headers.get("Authorization") != _basic(self.user):
            raise web.HTTPUnauthorized
        return web.json_response({"token": "let-me-in"})

    def _let_in(self, request: web.Request) -> None:
        if self.down:
            raise web.HTTPServiceUnavailable
        shown = request.headers.get("Authorization", "")
        self.authorizations.append(shown)
        if self.bearer:
            if shown != "Bearer let-me-in":
                realm = f'Bearer realm="http://{self.address}/token",service="lab"'
                raise web.HTTPUnauthorized(headers={"WWW-Authenticate": realm})
        elif self.user is not None and shown != _basic(self.user):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="lab"'})


def _basic(user: tuple[str, str]) -> str:
    return f"Basic {b64encode(':'.join(user).encode()).decode()}"


def _tar(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
