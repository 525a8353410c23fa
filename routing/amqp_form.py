"""A message as it goes through the interior router, and back.

Pure. Written by the link of the agent that sends it, read by the link of the agent that gets it,
by the controller for webhooks and by consumers of operators, in whatever language those are: so
all that can be stands in properties and headers with plain names, and the body is the body.

| property | what it says |
|---|---|
| `message_id` | `<message id>.<route id>`: the same whenever it is delivered again |
| `timestamp` | when it was taken, in whole seconds |
| `content_type`, `content_encoding`, `correlation_id` | as its publisher said |
| `app_id` | name of the application |
| `type` | `message`, `twin-change` (the body is a patch), or `packed`: see below |
| `priority` | 9 for the most urgent of routes, down to 0 |
| `expiration` | milliseconds that were left of its time to live |
| `delivery_mode` | 2 where its route keeps messages durably, else 1 |

| header | what it says |
|---|---|
| `ecn-route` | name of the route |
| `ecn-publisher` | id of the microservice that sent it |
| `ecn-output`, `ecn-input` | by which it was sent, and is to be received; left out when empty |
| `ecn-created` | when it was taken, in milliseconds since 1970 |
| `ecn-io` | a table: what an ioMessage says besides, left out where it did not come as one |
| `p-<name>` | a property of the message, as text |

A message that does not fit such a form (names or texts that are too long for AMQP, more than 32
KiB of properties) is `packed`: its body is the whole message in MessagePack, with the field names
of `routing.message.Message`, and of the headers only `ecn-route`, `ecn-input` are there.
"""

import msgspec
from msgspec import Struct

from routing.amqp_shapes import Arrival, Header, Properties
from routing.message import IoFields, Message

MESSAGE = "message"
TWIN_CHANGE = "twin-change"
PACKED = "packed"

LARGEST_TABLE = 32_768
"""Bytes of headers: all of them have to be in one frame, of which 128 KiB are usual."""
_LONGEST_NAME = 128
_LONGEST_TEXT = 255
_PREFIX = "p-"
_ID_LENGTH = 32


class NoMessage(Exception):
    """Nothing that an agent wrote; the sentence says why not."""


class Envelope(Struct, frozen=True, kw_only=True):
    """What a route adds to a message."""

    route_id: str
    route: str
    application: str
    input: str = ""
    priority: int | None = None
    """0 is the most urgent, 9 the least but for None."""
    expires_at: int = 0
    """Milliseconds since 1970; 0: never."""
    durable: bool = True


class Received(Struct, frozen=True, kw_only=True):
    """What came."""

    message: Message
    route_id: str
    route: str
    application: str
    input: str


def written(message: Message, envelope: Envelope, now: int) -> tuple[Properties, bytes]:
    """Properties and body. now: milliseconds since 1970."""
    message = _clean(message)
    headers: dict[str, Header] = {"ecn-route": _fit(_text(envelope.route))}
    if envelope.input:
        headers["ecn-input"] = _text(envelope.input)
    packed = not _fits(message)
    if not packed:
        headers |= _headers(message)
    left = None if envelope.expires_at == 0 else max(0, envelope.expires_at - now)
    kind = PACKED if packed else TWIN_CHANGE if message.twin_change else MESSAGE
    properties = Properties(
        message_id=f"{message.message_id}.{envelope.route_id}",
        timestamp=message.created // 1000,
        content_type="" if packed else message.content_type,
        content_encoding="" if packed else message.content_encoding,
        correlation_id="" if packed else message.correlation_id,
        app_id=_fit(_text(envelope.application)),
        kind=kind,
        priority=0 if envelope.priority is None else max(0, min(9, 9 - envelope.priority)),
        expires_in=left,
        persistent=envelope.durable,
        headers=headers,
    )
    return properties, msgspec.msgpack.encode(message) if packed else message.body


def read(arrival: Arrival) -> Received:
    """Whoever wrote it. Errors: NoMessage."""
    properties = arrival.properties
    message_id, _, route_id = properties.message_id.partition(".")
    if len(message_id) != _ID_LENGTH or not _is_hexadecimal(message_id):
        raise NoMessage("its message_id does not begin with 32 hexadecimal digits and a full stop")
    headers = properties.headers
    if properties.kind == PACKED:
        try:
            message = msgspec.msgpack.decode(arrival.body, type=Message)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise NoMessage(f"its packed body can't be read: {error}") from error
        message = msgspec.structs.replace(message, message_id=message_id)
    else:
        message = Message(
            message_id=message_id,
            created=_number(headers.get("ecn-created")) or properties.timestamp * 1000,
            publisher=_word(headers, "ecn-publisher"),
            output=_word(headers, "ecn-output"),
            twin_change=properties.kind == TWIN_CHANGE,
            content_type=properties.content_type,
            content_encoding=properties.content_encoding,
            correlation_id=properties.correlation_id,
            properties={
                name.removeprefix(_PREFIX): value
                for name, value in headers.items()
                if name.startswith(_PREFIX) and isinstance(value, str)
            },
            body=arrival.body,
            io=_io_read(headers.get("ecn-io")),
        )
    return Received(
        message=message,
        route_id=route_id,
        route=_word(headers, "ecn-route"),
        application=properties.app_id,
        input=_word(headers, "ecn-input"),
    )


def _headers(message: Message) -> dict[str, Header]:
    headers: dict[str, Header] = {
        "ecn-publisher": message.publisher,
        "ecn-created": message.created,
    }
    if message.output:
        headers["ecn-output"] = message.output
    if message.io is not None:
        headers["ecn-io"] = _io_written(message.io)
    for name, value in message.properties.items():
        headers[_PREFIX + name] = value
    return headers


def _fits(message: Message) -> bool:
    texts = (message.content_type, message.content_encoding, message.correlation_id)
    names = (len(_PREFIX) + len(name.encode()) for name in message.properties)
    numbers = _io_written(message.io).values() if message.io is not None else ()
    return (
        all(len(text.encode()) <= _LONGEST_TEXT for text in texts)
        and all(length <= _LONGEST_NAME for length in names)
        and all(-(2**63) <= each < 2**63 for each in numbers if isinstance(each, int))
        and _table_size(message) <= LARGEST_TABLE
    )


def _table_size(message: Message) -> int:
    """Bytes, rather too many than too few."""
    io = message.io
    size = len(message.publisher.encode()) + len(message.output.encode()) + 1024
    for name, value in message.properties.items():
        size += len(name.encode()) + len(value.encode()) + 16
    if io is not None:
        for each in _io_written(io).values():
            size += len(each.encode()) if isinstance(each, str) else 16
        size += len(io.context_data)
    return size


def _io_written(io: IoFields) -> dict[str, Header]:
    """What is not empty."""
    named = ((name, getattr(io, name)) for name in IoFields.__struct_fields__)
    return {name: value for name, value in named if value}


def _io_read(table: Header) -> IoFields | None:
    if not isinstance(table, dict):
        return None
    try:
        return msgspec.convert(table, IoFields, builtin_types=(bytes,))
    except msgspec.ValidationError:
        return None  # not an agent's; the rest may be as it should


def _clean(message: Message) -> Message:
    """Without what can't be written: halves of pairs, and numbers of more than 64 bits, both of
    which JSON can name."""
    try:
        msgspec.msgpack.encode(message)
    except (UnicodeEncodeError, OverflowError):
        return msgspec.structs.replace(
            message,
            output=_text(message.output),
            content_type=_text(message.content_type),
            content_encoding=_text(message.content_encoding),
            correlation_id=_text(message.correlation_id),
            properties={_text(n): _text(value) for n, value in message.properties.items()},
            io=None if message.io is None else _clean_io(message.io),
        )
    return message


def _clean_io(io: IoFields) -> IoFields:
    values = ((name, getattr(io, name)) for name in IoFields.__struct_fields__)
    cleaned: dict[str, str | int] = {}
    for name, value in values:
        if isinstance(value, str):
            cleaned[name] = _text(value)
        elif isinstance(value, int):
            cleaned[name] = max(-(2**63), min(2**64 - 1, value))
    return msgspec.structs.replace(io, **cleaned)


def _text(text: str) -> str:
    return text.encode(errors="replace").decode()


def _fit(text: str) -> str:
    """Its beginning, as far as a short text of AMQP goes."""
    return text.encode()[:_LONGEST_TEXT].decode(errors="ignore")


def _word(headers: dict[str, Header], name: str) -> str:
    value = headers.get(name)
    return value if isinstance(value, str) else ""


def _number(value: Header) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_hexadecimal(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
