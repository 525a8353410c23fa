"""Messages as a microservice writes and reads them, and as ioMessages carry them; both ways. Pure.

Properties, and by which output a message is sent, travel in an ioMessage's context data, as a JSON
object; what begins with $ there is the system's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ecn_sdk.iomessage import IoMessage

JSON, UTF_8 = "application/json", "utf-8"
IO_UTF_8 = "text/utf-8"
BINARY = "application/octet-stream"

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Body = bytes | str | Mapping[str, object] | list[object] | int | float | bool | None
Properties = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class Receipt:
    """The agent keeps a message from now on."""

    id: str
    """32 hexadecimal digits: receivers know the message by it."""
    at: datetime


@dataclass(frozen=True)
class Received:
    """A message for this microservice."""

    id: str
    at: datetime
    """When its agent took it from its sender."""
    publisher: str
    """Id of the microservice that sent it."""
    body: bytes
    properties: dict[str, str]
    input: str
    """By which of this microservice's inputs; empty: its route names none."""
    output: str
    """By which of its sender's outputs; empty: it named none."""
    content_type: str
    content_encoding: str
    correlation_id: str
    io: IoMessage = field(repr=False)
    """All that it says, as ioFog has it."""
    _acknowledge: Callable[[str], Awaitable[None]] | None = field(
        default=None, repr=False, compare=False
    )

    def text(self) -> str:
        """The body as text. Errors: UnicodeDecodeError."""
        encoding = self.content_encoding
        try:
            return self.body.decode(encoding or UTF_8)
        except LookupError:
            return self.body.decode(UTF_8)

    def json(self) -> Json:
        """The body as JSON. Errors: ValueError."""
        value: Json = json.loads(self.body)
        return value

    async def acknowledge(self) -> None:
        """It is done with: the agent forgets it. Once is enough, more does no harm."""
        if self._acknowledge is not None:
            await self._acknowledge(self.id)


def to_send(
    body: Body,
    *,
    publisher: str,
    properties: Properties | None = None,
    output: str = "",
    content_type: str = "",
    content_encoding: str = "",
    correlation_id: str = "",
) -> IoMessage:
    """The ioMessage of it. bytes are sent as they are, text as UTF-8, anything else as JSON.

    Errors: ValueError, for a property whose name begins with $; TypeError, for what is no JSON.
    """
    if isinstance(body, bytes):
        data = body
    elif isinstance(body, str):
        data = body.encode()
        content_type, content_encoding = content_type or "text/plain", content_encoding or UTF_8
    else:
        data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        content_type, content_encoding = content_type or JSON, content_encoding or UTF_8
    is_json = (content_type, content_encoding) == (JSON, UTF_8)
    context: dict[str, str] = {}
    for name, value in (properties or {}).items():
        if name.startswith("$"):
            raise ValueError(f"the property {name!r} begins with $, as only the system's do")
        # Text here already: how a number is written is then nobody else's to choose.
        context[name] = value if isinstance(value, str) else json.dumps(value)
    system = {
        "$outputName": output,
        "$correlationId": correlation_id,
        "$contentType": "" if is_json else content_type,
        "$contentEncoding": "" if is_json else content_encoding,
    }
    context |= {name: text for name, text in system.items() if text}
    return IoMessage(
        publisher=publisher,
        infotype=JSON if is_json else content_type or BINARY,
        infoformat=IO_UTF_8 if is_json else content_encoding or "binary",
        contextdata=json.dumps(context, ensure_ascii=False).encode() if context else b"",
        contentdata=data,
    )


def received(
    io: IoMessage, acknowledge: Callable[[str], Awaitable[None]] | None = None
) -> Received:
    """What an ioMessage says to this microservice."""
    context = _context(io.contextdata)
    is_json = (io.infotype, io.infoformat) == (JSON, IO_UTF_8)
    return Received(
        id=io.id,
        at=moment(io.timestamp),
        publisher=io.publisher,
        body=io.contentdata,
        properties={name: said for name, said in context.items() if not name.startswith("$")},
        input=context.get("$inputName", ""),
        output=context.get("$outputName", ""),
        content_type=context.get("$contentType", JSON if is_json else ""),
        content_encoding=context.get("$contentEncoding", UTF_8 if is_json else ""),
        correlation_id=context.get("$correlationId", ""),
        io=io,
        _acknowledge=acknowledge,
    )


def moment(milliseconds: int) -> datetime:
    """Since 1970. What no calendar has is its last day."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def _context(data: bytes) -> dict[str, str]:
    try:
        members = json.loads(data, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(members, dict):
        return {}
    found = {}
    for name, value in members.items():
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, str):
            found[name] = value
    return found
