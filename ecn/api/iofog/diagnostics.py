"""Traces of what microservices ask of the system: operators switch them on, and fetch them."""

import asyncio
import base64
import ftplib
import io
from typing import Literal

from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import execute
from ecn.api.iofog.endpoint import Endpoint, answer, body, empty
from ecn.api.iofog.image_snapshots import microservice_of
from ecn.api.keys import TELEMETRY
from ecn.commands.application import SwitchTracing
from ecn.iofog import bodies, refusals
from ecn.iofog.fields import Natural
from events.ids import MicroserviceId
from events.user import Role

FTP_STEP, FTP_WITHIN = 5.0, 30.0
"""Seconds for one answer of an FTP server, and for all of it."""

CUT = b"[Older parts of this trace were dropped]\n"


class SwitchTrace(Struct, frozen=True):
    """Whether to trace."""

    enable: bool


class Format(Struct, frozen=True):
    """How a trace is wanted."""

    format: Literal["string", "file"]


class Data(Struct, frozen=True):
    """A trace, as text or in base64."""

    data: str


class Upload(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a trace is to be sent."""

    ftp_host: str
    ftp_port: Natural
    ftp_user: str
    ftp_pass: str
    ftp_dest_dir: str


async def switch_trace(request: web.Request) -> web.Response:
    """Let system calls be traced, or no more."""
    uuid, _ = microservice_of(request)
    said = await body(request, SwitchTrace)
    await execute(request, SwitchTracing(microservice_id=uuid, enabled=said.enable))
    return empty()


async def show_trace(request: web.Request) -> web.Response:
    """All that is kept."""
    wanted = bodies.typed(dict(request.query), Format)
    _, text = await _trace(request)
    if wanted.format == "file":
        return answer(Data(base64.b64encode(text).decode()))
    return answer(Data(text.decode(errors="replace")))


async def _trace(request: web.Request) -> tuple[MicroserviceId, bytes]:
    """Errors: Refusal where nothing was ever traced."""
    uuid, row = microservice_of(request)
    trace = await request.app[TELEMETRY].trace(uuid)
    if not row.tracing and not trace.text:
        raise refusals.not_found("Strace data for this microservice not found")
    return uuid, CUT + trace.text if trace.cut else trace.text


async def upload_trace(request: web.Request) -> web.Response:
    """Send what is kept to an FTP server."""
    said = await body(request, Upload)
    uuid, text = await _trace(request)
    try:
        async with asyncio.timeout(FTP_WITHIN):
            await asyncio.to_thread(_upload, said, uuid, text)
    except (OSError, EOFError, ValueError, ftplib.Error) as e:
        reason = str(e) or type(e).__name__
        raise refusals.Refusal(500, "FtpError", f"FTP error: '{reason}'") from e
    return empty()


def _upload(said: Upload, name: str, text: bytes) -> None:
    """Errors: OSError, EOFError, ValueError, ftplib.Error."""
    if not 0 < said.ftp_port < 65536:
        raise ValueError(f"{said.ftp_port} is no port")
    with ftplib.FTP(timeout=FTP_STEP) as ftp:  # noqa: S321  # asked for by whoever calls this
        ftp.connect(said.ftp_host, said.ftp_port)
        ftp.login(said.ftp_user, said.ftp_pass)
        ftp.storbinary(f"STOR {said.ftp_dest_dir.rstrip('/')}/{name}", io.BytesIO(text))


_STRACE = "/microservices/{uuid}/strace"

ENDPOINTS = (
    Endpoint(
        method="PATCH",
        path=_STRACE,
        handler=switch_trace,
        access=Role.OPERATOR,
        tag="diagnostics",
        summary="Trace a microservice's system calls, or no more",
        body=SwitchTrace,
        status=204,
        refusals=(400, 404),
    ),
    Endpoint(
        method="GET",
        path=_STRACE,
        handler=show_trace,
        access=Role.OPERATOR,
        tag="diagnostics",
        summary="The trace, as text (?format=string) or in base64 (?format=file)",
        answer=Data,
        refusals=(400, 404),
    ),
    Endpoint(
        method="PUT",
        path=_STRACE,
        handler=upload_trace,
        access=Role.OPERATOR,
        tag="diagnostics",
        summary="Send the trace to an FTP server",
        body=Upload,
        status=204,
        refusals=(400, 404, 500),
    ),
)
