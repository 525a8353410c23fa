"""HTTP to one controller: who asks, retries that take effect once, errors that people understand.

The typed calls in `client.py` stand on this. It is the one place of the CLI that knows aiohttp's
errors; none leaves it.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Struct
from yarl import URL

from agent.contract import LARGEST_FRAME
from ecn.api.documents import Problem
from ecn.cli.errors import CliError, NotAllowed, Refused, Unreachable
from ecn.cli.session_socket import SessionSocket

T = TypeVar("T")

BASE = "api/v1"
CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 30.0
"""Seconds for a whole answer. A read that waits for a position is held for 10 at most."""
STREAM_SILENCE = 60.0
"""Seconds without a byte after which a stream counts as broken. Controllers send comments."""
PAUSES = (0.1, 0.3, 0.8)
"""Seconds before the second and later attempts, when the controller names none."""
PATIENCE = 30.0
"""Seconds after which no further attempt begins, whatever `Retry-After` asks for."""
RETRIED = frozenset({502, 503, 504})

Query = Mapping[str, str]
Body = Struct | Mapping[str, object]
Pairs = Sequence[tuple[str, str]]
"""A query in which a name stands several times."""


class Reply(Struct, frozen=True):
    """A good answer, not decoded yet."""

    status: int
    body: bytes


class Transport:
    """Requests to one controller as one user. Used inside `connected`."""

    def __init__(self, http: aiohttp.ClientSession, server: str, token: str) -> None:
        self._http = http
        self._server = server
        self._base = URL(server)
        self._headers = {"Accept": "application/json, application/problem+json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    async def request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: Query | None = None,
        body: Body | None = None,
        if_match: str = "",
    ) -> Reply:
        """Ask, and ask again while that may help. A change takes effect once however often.

        path: segments below the base; each is one segment whatever characters it has.
        if_match: the ETag of what the change was made from.
        Errors: Refused, NotAllowed, Unreachable.
        """
        headers = dict(self._headers)
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        if method != "GET":
            headers["Idempotency-Key"] = uuid4().hex
        if if_match:
            headers["If-Match"] = if_match
        started = time.monotonic()
        attempt = 0
        while True:
            pause = PAUSES[attempt] if attempt < len(PAUSES) else None
            try:
                async with self._http.request(
                    method,
                    self._url(path),
                    params=query,
                    data=content,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT),
                ) as response:
                    answer = await response.read()
                    if response.ok:
                        return Reply(response.status, answer)
                    error = self._error(response, answer)
                    if response.status not in RETRIED:
                        raise error
                    asked = response.headers.get("Retry-After", "")
                    if asked.isdecimal() and pause is not None:
                        pause = float(asked)
            except (aiohttp.ClientError, TimeoutError, OSError) as e:
                error = self._unreachable(e)
                if not _may_pass(e):
                    raise error from e
            if pause is None or time.monotonic() - started + pause > PATIENCE:
                raise error
            await asyncio.sleep(pause)
            attempt += 1

    async def get(self, path: tuple[str, ...], kind: type[T], query: Query | None = None) -> T:
        """Read a document."""
        return self.decoded(await self.request("GET", path, query=query), kind)

    async def change(
        self,
        method: str,
        path: tuple[str, ...],
        kind: type[T],
        *,
        body: Body | None = None,
        query: Query | None = None,
        if_match: str = "",
    ) -> T:
        """Change something, and decode what it answers."""
        reply = await self.request(method, path, body=body, query=query, if_match=if_match)
        return self.decoded(reply, kind)

    @asynccontextmanager
    async def stream(
        self,
        path: tuple[str, ...],
        *,
        query: Query | Pairs,
        headers: Mapping[str, str],
        silent: bool = False,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of an answer as they come, without end. Never retried here.

        silent: there may be nothing to say for hours.
        Errors: as `request`, also while it is read; what the caller's own block raises passes.
        """
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=CONNECT_TIMEOUT,
            sock_read=None if silent else STREAM_SILENCE,
        )
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(
                    self._http.get(
                        self._url(path),
                        params=query,
                        headers={**self._headers, **headers},
                        timeout=timeout,
                    )
                )
                if not response.ok:
                    raise self._error(response, await response.read())
            except (aiohttp.ClientError, TimeoutError, OSError) as e:
                raise self._unreachable(e) from e
            yield self._chunks(response)

    @asynccontextmanager
    async def socket(self, path: tuple[str, ...]) -> AsyncIterator[SessionSocket]:
        """A WebSocket. What is refused at once comes without words of the controller's.

        Errors: NotAllowed, CliError, Unreachable.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    socket = await stack.enter_async_context(
                        self._http.ws_connect(
                            self._url(path),
                            headers=self._headers,
                            timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_TIMEOUT),
                            autoping=False,
                            max_msg_size=2 * LARGEST_FRAME,
                        )
                    )
            except aiohttp.WSServerHandshakeError as e:
                raise self._refused_upgrade(e) from e
            except (aiohttp.ClientError, TimeoutError, OSError) as e:
                raise self._unreachable(e) from e
            yield SessionSocket(socket)

    def _refused_upgrade(self, error: aiohttp.WSServerHandshakeError) -> CliError:
        if error.status in (401, 403):
            return NotAllowed(
                "the token is unknown, expired, or its role too small",
                next_step=f"ecn login {self._server}",
            )
        return CliError(
            f"{self._server} answered {error.status} where a WebSocket was asked for",
            next_step="does a proxy in between let WebSockets through? is the controller as new as "
            "this ecn? (ecn status)",
        )

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise self._unreachable(e) from e

    def decoded(self, reply: Reply, kind: type[T]) -> T:
        """The document in the answer. Errors: Unreachable when it is none of ours."""
        try:
            return msgspec.json.decode(reply.body, type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError) as e:
            raise Unreachable(
                f"{self._server} answered with something else than expected ({e})",
                next_step="check that this is the address of an ECN controller, and its version: "
                "ecn status",
            ) from e

    def _url(self, path: tuple[str, ...]) -> URL:
        return self._base.joinpath(BASE, *path)

    def _error(self, response: aiohttp.ClientResponse, body: bytes) -> CliError:
        try:
            problem = msgspec.json.decode(body, type=Problem)
        except (msgspec.DecodeError, msgspec.ValidationError):
            problem = Problem(
                type="about:blank",
                title=response.reason or "error",
                status=response.status,
                code="unknown",
                detail=f"{self._server} answered {response.status} "
                f"{response.reason} to {response.method} {response.url.path}",
                next_step="check that this is the address of an ECN controller",
            )
        said = problem.detail or problem.title
        if response.status == 401:
            return NotAllowed(said, next_step=f"ecn login {self._server}")
        if response.status == 403:
            return NotAllowed(
                said, next_step=problem.next_step or "ask an administrator for a larger role"
            )
        return Refused(problem)

    def _unreachable(self, error: BaseException) -> Unreachable:
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            return Unreachable(
                f"{self._server} shows no certificate that can be trusted: {error}",
                next_step=f"ecn login {self._server} --ca-file FILE, with the certificate of "
                "the authority that signed it",
            )
        reason = str(error) or "no answer in time"
        if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
            # asyncio's own words name the address once more.
            reason = os.strerror(error.os_error.errno).lower()
        return Unreachable(
            f"no controller answers at {self._server}: {reason}",
            next_step="is it running (ecn up)? is the address right (ecn context list)?",
        )


def _may_pass(error: BaseException) -> bool:
    """Whether asking again could help: not after a certificate that won't do."""
    return not isinstance(
        error,
        aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | aiohttp.InvalidURL,
    )


@asynccontextmanager
async def connected(server: str, token: str, ca: str = "") -> AsyncIterator[Transport]:
    """A transport, and its connections closed at the end.

    ca: certificates (PEM) to trust instead of the system's; "" for the system's.
    """
    trust: ssl.SSLContext | bool = True
    if ca:
        try:
            trust = ssl.create_default_context(cadata=ca)
        except ssl.SSLError as e:
            raise CliError(f"the certificates for {server} can't be used: {e.reason}") from e
    connector = aiohttp.TCPConnector(ssl=trust, socket_factory=_kept_alive)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield Transport(http, server, token)


def _kept_alive(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket whose other side is asked now and then whether it is there, as a silent log may be
    followed for hours."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return made
