"""The lines of an exported log: its first, one for each event, its last. Pure, both ways."""

import binascii
from base64 import b64decode, b64encode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from events.chaining import Stored

FORMAT, VERSION = "ecn-log", 1

BEGINS_EVENT = b'{"position":'
"""How the line of every event begins, and no other line."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    format: str = FORMAT
    version: int = VERSION
    first: int
    """Position of the first event, and of the last; first - 1 where there is none."""
    last: int
    previous_hash: str
    """Of the event before the first, hexadecimal; zeros at the beginning of the log."""


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event. Fields in the order of the hash; hashes in hexadecimal."""

    position: int
    microseconds: int
    subject: str
    type: str
    data: str | UnsetType = UNSET
    """The exact bytes, as the text that they are; `data_base64` instead where they are none."""
    data_base64: str | UnsetType = UNSET
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str
    previous_hash: str
    hash: str


class Trailer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line."""

    count: int
    """How many events there were."""
    hash: str
    """Of the last of them, hexadecimal."""
    blake2b: str
    """BLAKE2b-256 of all bytes of the lines before this one: `b2sum -l 256` makes the same."""


_encoder = msgspec.json.Encoder()
_events = msgspec.json.Decoder(_Line)


def written(document: Header | Trailer) -> bytes:
    """The first or last line, with its end."""
    return _encoder.encode(document) + b"\n"


def event_line(event: Stored) -> bytes:
    """Its line, with its end."""
    data: str | UnsetType
    encoded: str | UnsetType
    try:
        data, encoded = event.data.decode(), UNSET
    except UnicodeDecodeError:
        data, encoded = UNSET, b64encode(event.data).decode()
    line = _Line(
        position=event.position,
        microseconds=event.microseconds,
        subject=event.subject,
        type=event.type,
        data=data,
        data_base64=encoded,
        actor=event.actor,
        command_id=event.command_id,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        previous_hash=event.previous_hash.hex(),
        hash=event.hash.hex(),
    )
    return _encoder.encode(line) + b"\n"


def event_of(content: bytes) -> Stored:
    """The event in a line. Errors: msgspec.DecodeError, ValueError."""
    line = _events.decode(content)
    match line.data, line.data_base64:
        case str(text), UnsetType():
            data = text.encode()
        case UnsetType(), str(text):
            try:
                data = b64decode(text, validate=True)
            except binascii.Error as e:
                raise ValueError(f"data_base64: {e}") from e
        case _:
            raise ValueError("it needs one of data and data_base64")
    return Stored(
        line.position,
        line.microseconds,
        line.subject,
        line.type,
        data,
        line.actor,
        line.command_id,
        line.correlation_id,
        line.causation_id,
        bytes.fromhex(line.previous_hash),
        bytes.fromhex(line.hash),
    )
