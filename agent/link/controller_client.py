"""The controller's HTTP as calls and errors of ours: the one place on the device that sees either.

Used by `uplink.py` and `device/provisioning.py`. Each call has a bound; every error is an
`AgentError` whose text never holds the credential.
"""

import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from agent.contract import (
    LARGEST_FRAME,
    DesiredState,
    Provision,
    Provisioned,
    Report,
    ReportAnswer,
    SettingsChange,
)
from agent.errors import (
    AgentError,
    ControllerRefused,
    ControllerUnreachable,
    CredentialRefused,
    NodeDeprovisioned,
)
from agent.link.session_link import SessionLink

ANSWER_WITHIN = 20.0
"""Seconds for an ordinary answer."""
CONNECT_WITHIN = 10.0
LONGEST_WISH = 600.0
"""Seconds that `Retry-After` may ask for."""
LONGEST_STREAM = 6 * 3600.0
"""Seconds that somebody may follow a log, or usage, in one go."""


KEEP_ALIVE = (
    (socket.TCP_KEEPIDLE, 20),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
)
"""A connection is asked after 20 silent seconds, and given up when three questions are lost."""

Answer = TypeVar("Answer", bound=Struct)


class _Problem(Struct, frozen=True):
    """RFC 9457, as far as we read it."""

    code: str = ""
    detail: str = ""
    next_step: str = ""


class ControllerClient:
    """A controller at a base URL. ca_pem: certificates to trust instead of the system's."""

    def __init__(self, url: str, *, credential: str = "", ca_pem: str = "") -> None:
        self._url = url.rstrip("/")
        self._credential = credential
        trust: ssl.SSLContext | bool = ssl.create_default_context(cadata=ca_pem) if ca_pem else True
        connector = aiohttp.TCPConnector(ssl=trust, socket_factory=_kept_alive)
        self._session = aiohttp.ClientSession(connector=connector)

    async def __aenter__(self) -> "ControllerClient":
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self._session.close()

    async def provision(self, document: Provision) -> Provisioned:
        """Redeem a key."""
        async with self._request("POST", "provision", body=document, signed=False) as answer:
            return await _decoded(answer, Provisioned)

    async def desired_state(self, since: int | None, wait: float) -> DesiredState | None:
        """What changed since that revision; None when nothing did. since: None asks for all."""
        headers = {"Prefer": f"wait={wait:.0f}"}
        if since is not None:
            headers["If-None-Match"] = f'"{since}"'
        async with self._request(
            "GET", "desired-state", headers=headers, within=wait + ANSWER_WITHIN
        ) as answer:
            if answer.status == 304:
                return None
            return await _decoded(answer, DesiredState)

    async def report(self, document: Report, *, within: float = ANSWER_WITHIN) -> ReportAnswer:
        """Tell what happened, or just that we live."""
        async with self._request("POST", "report", body=document, within=within) as answer:
            return await _decoded(answer, ReportAnswer)

    async def deprovision(self) -> None:
        """Give the node up. Errors: NodeDeprovisioned when it was before."""
        async with self._request("POST", "deprovision"):
            return

    async def change_settings(self, document: SettingsChange) -> None:
        """Let the node's configuration be otherwise. Errors: ControllerRefused."""
        async with self._request("PATCH", "settings", body=document):
            return

    async def stream(self, request_id: str, pieces: AsyncIterator[bytes]) -> None:
        """Send what was asked for as it comes; returns when it ends or the reader has gone."""
        async with self._request(
            "POST", f"streams/{request_id}", data=pieces, within=LONGEST_STREAM
        ):
            return

    @asynccontextmanager
    async def session(self, request_id: str) -> AsyncGenerator[SessionLink]:
        """Open a session that somebody at the controller waits for.

        Errors: ControllerRefused when nobody does any more; ControllerUnreachable.
        """
        try:
            async with self._session.ws_connect(
                f"{self._url}/api/v1/agent/sessions/{request_id}",
                headers={"Authorization": f"Bearer {self._credential}"},
                timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_WITHIN),
                autoping=False,
                max_msg_size=2 * LARGEST_FRAME,
            ) as opened:
                yield SessionLink(opened)
        except aiohttp.WSServerHandshakeError as error:
            raise ControllerRefused(f"nobody waits for this session: {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise ControllerUnreachable(f"{self._url} can't be reached: {error}") from error

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Struct | None = None,
        data: AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        within: float = ANSWER_WITHIN,
        signed: bool = True,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        sent = dict(headers or {})
        if signed:
            sent["Authorization"] = f"Bearer {self._credential}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        elif data is not None:
            sent["Content-Type"] = "application/octet-stream"
        try:
            async with self._session.request(
                method,
                f"{self._url}/api/v1/agent/{path}",
                data=msgspec.json.encode(body) if body is not None else data,
                headers=sent,
                timeout=aiohttp.ClientTimeout(total=within, sock_connect=CONNECT_WITHIN),
                # A redirect would carry the credential to whoever the answer names.
                allow_redirects=False,
            ) as answer:
                if answer.status >= 300 and answer.status != 304:
                    raise await _refusal(answer)
                yield answer
        except TimeoutError as error:
            raise ControllerUnreachable(f"no answer from {self._url} in time") from error
        except aiohttp.InvalidURL as error:
            raise ControllerRefused(f"{self._url} is not an http or https address") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ControllerUnreachable(f"{self._url} can't be reached: {error}") from error


def _kept_alive(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket whose other side is asked now and then whether it is there: a log that is followed
    may have nothing to say for hours, and its reader be gone."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEP_ALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _decoded(answer: aiohttp.ClientResponse, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(await answer.read(), type=kind)
    except msgspec.DecodeError as error:
        # A captive portal answers 200 too.
        raise ControllerUnreachable("what answers there is not an ECN controller") from error


async def _refusal(answer: aiohttp.ClientResponse) -> AgentError:
    content = await answer.read()
    try:
        problem = msgspec.json.decode(content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    words = problem.detail or f"HTTP {answer.status}"
    if problem.next_step:
        words = f"{words}; {problem.next_step}"
    if answer.status == 401:
        return CredentialRefused(f"the controller does not know this device: {words}")
    if answer.status == 410 and problem.code == "node-deprovisioned":
        return NodeDeprovisioned(f"this node was deprovisioned: {words}")
    if answer.status >= 500 or answer.status in (408, 429):
        return ControllerUnreachable(
            f"the controller can't answer now: {words}", retry_after=_retry_after(answer)
        )
    return ControllerRefused(f"the controller refused: {words}")


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    """Seconds; a date, which a device without a clock can't compare, counts as none."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WISH) if said.isascii() and said.isdecimal() else 0.0
