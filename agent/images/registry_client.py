"""A registry as the agent itself asks it: manifests, and blobs from any byte on.

Used by `fetching.py` and `registry_gateway.py`; imported with the first pull that needs it.
Credentials go to the registry, and to the realm that it names for its tokens, and nowhere else: a
redirect to another host is followed without them. Protocol:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from msgspec import Struct
from yarl import URL

from agent.contract import Registry
from agent.errors import EngineError, RegistryUnreachable
from agent.images import registry_errors
from agent.images.reference import DOCKER_HUB, credentials_for, full_reference, registry_host
from agent.images.registry_auth import Bearer, basic_authorization, challenge, token_of

CERTIFICATES = Path("/etc/docker/certs.d")
"""Where the engine looks for the CAs of registries, too."""
MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
LARGEST_MANIFEST = 4 << 20
REDIRECTS = 5
CONNECT_WITHIN, SILENT_FOR = 30.0, 60.0
"""Seconds to connect, and between two pieces."""
PIECE = 1 << 16


class Manifest(Struct, frozen=True, kw_only=True):
    """A manifest, or a list of them, byte for byte."""

    digest: str
    media_type: str
    content: bytes


class BlobFrom:
    """A blob from `offset` on."""

    def __init__(self, image: str, answer: aiohttp.ClientResponse) -> None:
        self._image = image
        self._answer = answer
        self.offset = _offset(answer)

    async def pieces(self) -> AsyncIterator[bytes]:
        """As they come, 64 KiB at most. Errors: RegistryUnreachable."""
        try:
            async for piece in self._answer.content.iter_chunked(PIECE):
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(self._image, error) from error


class RegistryClient:
    """For one image. Errors of each call: RegistryRefused, ImageNotFound, RegistryUnreachable."""

    def __init__(self, image: str, registry: Registry | None) -> None:
        self.image = full_reference(image)
        self._as_user = credentials_for(image, registry)
        host, _, path = self.image.partition("/")
        self.repository, self.reference = split_reference(path)
        self._base = base_url(host, registry)
        same = registry is not None and registry_host(registry.url) == host.lower()
        self._ca_pem = registry.ca_pem if registry is not None and same else ""
        self._host = host
        self._authorization = ""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "RegistryClient":
        context = None
        if self._base.startswith("https:"):
            # Reading the system's certificates takes longer than anybody else should wait.
            context = await asyncio.to_thread(_trusting, self._host, self._ca_pem)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context or True, limit=8),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_WITHIN, sock_read=SILENT_FOR
            ),
            # A blob comes as it is, whatever a proxy would like to make of it.
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def manifest(self, reference: str = "", accept: str = MANIFEST_TYPES) -> Manifest:
        """By tag or digest; empty is the image's own. Its digest is of what came."""
        wanted = reference or self.reference
        url = f"{self._base}/v2/{self.repository}/manifests/{wanted}"
        async with self._asked(url, {"Accept": accept}) as answer:
            content = await self._read(answer)
        digest = f"sha256:{sha256(content).hexdigest()}"
        if wanted.startswith("sha256:") and digest != wanted:
            raise RegistryUnreachable(
                f"the registry of {self.image} answered with another manifest than was asked for"
            )
        return Manifest(
            digest=digest,
            media_type=answer.headers.get("Content-Type", ""),
            content=content,
        )

    @asynccontextmanager
    async def blob(self, digest: str, offset: int) -> AsyncIterator[BlobFrom]:
        """From that byte on; from 0 where the registry knows no ranges."""
        url = f"{self._base}/v2/{self.repository}/blobs/{digest}"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._asked(url, headers) as answer:
            yield BlobFrom(self.image, answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        try:
            content = await answer.content.read(LARGEST_MANIFEST + 1)
            while len(content) <= LARGEST_MANIFEST and (more := await answer.content.read(PIECE)):
                content += more
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(self.image, error) from error
        if len(content) > LARGEST_MANIFEST:
            raise RegistryUnreachable(f"the registry's manifest of {self.image} has no end")
        return content

    @asynccontextmanager
    async def _asked(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, as who we are where that is wanted, wherever it leads."""
        answer = await self._get(url, headers)
        if answer.status == 401 and await self._introduced(answer):
            answer.release()
            answer = await self._get(url, headers)
        try:
            if answer.status >= 300:
                raise await self._refusal(answer)
            yield answer
        finally:
            answer.close()

    async def _get(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        assert self._session is not None  # noqa: S101 - only inside `async with`
        home = origin = _origin(url)
        for _ in range(REDIRECTS + 1):
            sent = dict(headers)
            if self._authorization and origin == home:
                sent["Authorization"] = self._authorization
            try:
                answer = await self._session.get(
                    # Signed addresses of blob stores must arrive as they were written.
                    URL(url, encoded=True),
                    headers=sent,
                    allow_redirects=False,
                    proxy=_proxy(url),
                )
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise _unreachable(self.image, error) from error
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = answer.headers.get("Location", "")
            answer.release()
            url = str(URL(url, encoded=True).join(URL(target, encoded=True)))
            origin = _origin(url)
        raise RegistryUnreachable(f"the registry of {self.image} sends us in circles")

    async def _introduced(self, answer: aiohttp.ClientResponse) -> bool:
        """Whether there is now something to show that was not shown before."""
        before = self._authorization
        wanted = challenge(answer.headers.getall("WWW-Authenticate", []))
        if isinstance(wanted, Bearer):
            self._authorization = await self._bearer(wanted)
        elif wanted is not None and self._as_user is not None:
            self._authorization = basic_authorization(self._as_user)
        return self._authorization not in ("", before)

    async def _bearer(self, wanted: Bearer) -> str:
        assert self._session is not None  # noqa: S101 - only inside `async with`
        headers = {}
        safe = wanted.realm.startswith("https:") or self._base.startswith("http:")
        if self._as_user is not None and safe:
            headers["Authorization"] = basic_authorization(self._as_user)
        query = {"scope": wanted.scope or f"repository:{self.repository}:pull"}
        if wanted.service:
            query["service"] = wanted.service
        try:
            async with self._session.get(
                URL(wanted.realm).update_query(query),
                headers=headers,
                allow_redirects=False,
                proxy=_proxy(wanted.realm),
            ) as answer:
                if answer.status >= 300:
                    raise await self._refusal(answer)
                token = token_of(await self._read(answer))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreachable(self.image, error) from error
        return f"Bearer {token}" if token else ""

    async def _refusal(self, answer: aiohttp.ClientResponse) -> EngineError:
        """What the registry's refusal means."""
        said = f"it answered {answer.status} {(answer.reason or '')[:100]}".strip()
        match answer.status:
            case 401 | 403:
                user = self._as_user.username if self._as_user else ""
                return registry_errors.refused(self.image, said, as_user=user)
            case 404:
                return registry_errors.missing(self.image, said)
            case 429:
                return registry_errors.asked_too_often(self.image, said)
        return registry_errors.unreachable(self.image, said)


def split_reference(path: str) -> tuple[str, str]:
    """Repository and tag, or repository and digest, of a path with either.

    >>> split_reference("a/b:1"), split_reference("a/b:1@sha256:cd")
    (('a/b', '1'), ('a/b', 'sha256:cd'))
    """
    name, at, digest = path.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", digest if at else tag


def base_url(host: str, registry: Registry | None) -> str:
    """TLS, but for this device's own registries, and for one that is named with `http://`."""
    if host == DOCKER_HUB:
        return "https://registry-1.docker.io"
    named = registry.url.strip().lower() if registry is not None else ""
    if registry is not None and registry_host(registry.url) == host.lower():
        if named.startswith("https://"):
            return f"https://{host}"
        if named.startswith("http://"):
            return f"http://{host}"
    return f"{'http' if _on_this_device(host) else 'https'}://{host}"


def _on_this_device(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = URL(url, encoded=True)
    return parts.scheme, parts.host, parts.port


def _proxy(url: str) -> str | None:
    """Of the environment, as the engine's own is. Not aiohttp's `trust_env`, which reads a
    `.netrc` and would send what stands there."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return None if not proxy or proxy_bypass(parts.netloc) else proxy


def _trusting(host: str, ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    for file in sorted((CERTIFICATES / host).glob("*.crt")):
        context.load_verify_locations(cafile=file)
    return context


def _offset(answer: aiohttp.ClientResponse) -> int:
    if answer.status != 206:
        return 0
    said = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(said) if said.isascii() and said.isdecimal() else 0


def _unreachable(image: str, error: Exception) -> RegistryUnreachable:
    return registry_errors.unreachable(image, str(error) or type(error).__name__)
