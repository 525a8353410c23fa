"""One message, as conditions look at it: what takes time is done once for all of them.

Made for each message by whoever chooses its ways (`routing/selection.py`), used for all
conditions, and thrown away.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum

import msgspec

from routing.message import JSON, UTF_8, Message

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

_ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_MARKED = {
    "utf-16": ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")),
    "utf-32": ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32")),
}


class Unreadable(Enum):
    """The body can't be asked."""

    UNREADABLE = "unreadable"


UNREADABLE = Unreadable.UNREADABLE


class Reading:
    """A message while conditions are evaluated. For one message, and one task, at a time.

    module: name of the microservice that sent it; `message.publisher` is an id, which nobody
            writes into a condition.
    device: name of the node where it was sent.
    """

    __slots__ = ("_body", "_folded", "device", "message", "module", "properties")

    def __init__(self, message: Message, *, module: str = "", device: str = "") -> None:
        self.message = message
        self.module = module
        self.device = device
        self.properties: Mapping[str, str] = message.properties
        self._folded: dict[str, str] | None = None
        self._body: Json | Unreadable | _NotYet = _NOT_YET

    def folded(self, name: str) -> str | None:
        """The property with such a name in lower case; the first, when several have it."""
        if self._folded is None:
            self._folded = {}
            for own, text in self.properties.items():
                self._folded.setdefault(own.lower(), text)
        return self._folded.get(name)

    @property
    def body(self) -> Json | Unreadable:
        """The body as JSON, or UNREADABLE: it does not say that it is, or it is not."""
        if isinstance(self._body, _NotYet):
            self._body = _read(self.message)
        return self._body


class _NotYet(Enum):
    NOT_YET = "not yet"


_NOT_YET = _NotYet.NOT_YET


def _read(message: Message) -> Json | Unreadable:
    if message.twin_change:  # it is made by us, and always a patch
        encoding = UTF_8
    else:
        encoding = message.content_encoding.lower()
        if message.content_type.lower() != JSON:
            return UNREADABLE
    if encoding not in _ENCODINGS:
        return UNREADABLE
    try:
        if encoding == "utf-8" and not message.body.startswith(b"\xef\xbb\xbf"):
            return _DECODER.decode(message.body)
        return _DECODER.decode(_text(message.body, encoding))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return UNREADABLE


def _text(body: bytes, encoding: str) -> str:
    for mark, marked in _MARKED.get(encoding, ()):
        if body.startswith(mark):
            return body.decode(marked)
    return body.decode(_ENCODINGS[encoding])


_DECODER: msgspec.json.Decoder[Json] = msgspec.json.Decoder()


def _moment(reading: Reading) -> str | None:
    try:
        at = datetime.fromtimestamp(reading.message.created / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None  # a clock that says the year 50 000 makes no message unroutable
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _created(reading: Reading) -> str | None:
    return _moment(reading) if reading.message.created else None


def _nowhere(_: Reading) -> str | None:
    return None


SYSTEM: Mapping[str, Callable[[Reading], str | None]] = {
    "messageId": lambda reading: reading.message.message_id or None,
    "correlationId": lambda reading: reading.message.correlation_id or None,
    "contentType": lambda reading: reading.message.content_type or None,
    "contentEncoding": lambda reading: reading.message.content_encoding or None,
    "connectionModuleId": lambda reading: reading.module or None,
    "connectionDeviceId": lambda reading: reading.device or None,
    "outputName": lambda reading: reading.message.output or None,
    "creationTime": _created,
    "enqueuedTime": _created,
    "edgeMessageId": lambda reading: reading.message.message_id or None,
    "edgeHubOriginInterface": lambda _: "internal",
    # Our messages have no place for these: conditions that ask for them are undefined.
    "inputName": _nowhere,
    "userId": _nowhere,
    "to": _nowhere,
    "messageSchema": _nowhere,
    "dt-subject": _nowhere,
}
"""What the network says of a message, by name without the $; None: it says nothing."""
