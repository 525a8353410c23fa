"""Properties as the library has them, and as we do. Hostile ones end nobody's connection."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pamqp import commands

from routing.amqp_shapes import Header, Properties

_UNREADABLE = "ecn-unreadable"
_DEEPEST = 8


def to_library(properties: Properties) -> commands.Basic.Properties:
    """Errors: ValueError where a text is too long for its place."""
    p = properties
    return commands.Basic.Properties(
        message_id=p.message_id or None,
        timestamp=datetime.fromtimestamp(p.timestamp, UTC) if p.timestamp else None,
        content_type=p.content_type or None,
        content_encoding=p.content_encoding or None,
        correlation_id=p.correlation_id or None,
        app_id=p.app_id or None,
        message_type=p.kind or None,
        reply_to=p.reply_to or None,
        priority=p.priority,
        expiration=None if p.expires_in is None else str(p.expires_in),
        delivery_mode=2 if p.persistent else 1,
        headers={name: _outward(value) for name, value in p.headers.items()} or None,  # type: ignore[misc]
    )


def from_library(properties: commands.Basic.Properties) -> Properties:
    """Of whoever wrote them: what can't be is left out."""
    p = properties
    headers = p.headers if isinstance(p.headers, Mapping) else {}
    return Properties(
        message_id=_text(p.message_id),
        timestamp=_seconds(p.timestamp),
        content_type=_text(p.content_type),
        content_encoding=_text(p.content_encoding),
        correlation_id=_text(p.correlation_id),
        app_id=_text(p.app_id),
        kind=_text(p.message_type),
        reply_to=_text(p.reply_to),
        priority=p.priority if isinstance(p.priority, int) else None,
        expires_in=_milliseconds(p.expiration),
        persistent=p.delivery_mode == 2,
        headers={str(name): _inward(value, 0) for name, value in headers.items()},
    )


def reading_anything() -> None:
    """Let the library go on where it can't read the properties of a message.

    It would end the connection, get the same message again, and end that one: one agent that
    writes a timestamp of no calendar would silence another for ever. With this, the message
    arrives without what could not be read, and whoever gets it may reject it.
    """
    if commands.Basic.Properties.unmarshal is _unmarshal:
        return
    commands.Basic.Properties.unmarshal = _unmarshal  # type: ignore[method-assign,assignment]


_as_it_was = commands.Basic.Properties.unmarshal


def _unmarshal(self: commands.Basic.Properties, flags: int, data: bytes) -> None:
    try:
        _as_it_was(self, flags, data)
    except Exception:  # whatever foreign bytes make of a decoder: ValueError, RecursionError, …
        self.headers = {_UNREADABLE: True}


def _outward(value: Header) -> Header:
    """The library writes byte arrays of type bytearray alone."""
    match value:
        case bytes():
            return bytearray(value)  # type: ignore[return-value]
        case list():
            return [_outward(each) for each in value]
        case dict():
            return {name: _outward(each) for name, each in value.items()}
        case _:
            return value


def _inward(value: object, depth: int) -> Header:
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case bytearray():
            return bytes(value)
        case datetime():
            return int(value.timestamp())
        case list() if depth < _DEEPEST:
            return [_inward(each, depth + 1) for each in value]
        case dict() if depth < _DEEPEST:
            return {str(name): _inward(each, depth + 1) for name, each in value.items()}
        case _:
            return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> int:
    return int(value.timestamp()) if isinstance(value, datetime) else 0


def _milliseconds(value: object) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
