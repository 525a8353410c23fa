"""ioFog's message, as REST and WebSockets carry it, and the frames of its sockets.

Pure, and of the standard library alone: the SDK has this very file. Its names are ioFog's own.
Bytes and documents come from containers: whatever they are, they are a message or a BadIoMessage.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 4

PING = 0x09
PONG = 0x0A
ACK = 0x0B
NEW_CONFIG = 0x0C
MESSAGE = 0x0D
RECEIPT = 0x0E
NEW_EDGE_RESOURCES = 0x0F

Bytes = bytes | bytearray | memoryview

_INT = 2**31 - 1
_LONG = 2**63 - 1
# Lengths of: version (itself), id, tag, groupid, sequencenumber, sequencetotal, priority,
# timestamp, publisher, authid, authgroup, chainposition, hash, previoushash, nonce,
# difficultytarget, infotype, infoformat, contextdata, contentdata.
_HEADER = struct.Struct(">HBHBBBBBBHHBHHHBBBII")
_FRAME = struct.Struct(">BI")

_LONGEST_TEXT = {
    "id": 0xFF,
    "tag": 0xFFFF,
    "groupid": 0xFF,
    "publisher": 0xFF,
    "authid": 0xFFFF,
    "authgroup": 0xFFFF,
    "hash": 0xFFFF,
    "previoushash": 0xFFFF,
    "nonce": 0xFFFF,
    "infotype": 0xFF,
    "infoformat": 0xFF,
}
"""In bytes: what the binary form has room for."""
_LARGEST_NUMBER = {
    "sequencenumber": _INT,
    "sequencetotal": _INT,
    "priority": _INT,
    "timestamp": _LONG,
    "chainposition": _LONG,
    "difficultytarget": _INT,
}


class BadIoMessage(ValueError):
    """This is no ioMessage. Says which part of it is not right.

    field: its name; empty when it is the whole.
    """

    def __init__(self, says: str, field: str = "") -> None:
        super().__init__(says)
        self.field = field


@dataclass(frozen=True)
class IoMessage:
    """One message. Texts have at most 255 or 65535 bytes, numbers are not negative."""

    id: str = ""
    """32 hexadecimal digits, which the agent gives, as it does the timestamp."""
    tag: str = ""
    groupid: str = ""
    sequencenumber: int = 0
    sequencetotal: int = 0
    priority: int = 0
    timestamp: int = 0
    """Milliseconds since 1970."""
    publisher: str = ""
    authid: str = ""
    authgroup: str = ""
    version: int = VERSION
    chainposition: int = 0
    hash: str = ""
    previoushash: str = ""
    nonce: str = ""
    difficultytarget: int = 0
    infotype: str = ""
    infoformat: str = ""
    contextdata: bytes = b""
    contentdata: bytes = b""

    def to_binary(self) -> bytes:
        """As WebSockets and archives carry it; numbers of fixed widths, as ioFog's agent has them.

        Errors: BadIoMessage, when a text or a number does not fit.
        """
        id_, tag, group = self._text("id"), self._text("tag"), self._text("groupid")
        number, total = self._number("sequencenumber", 4), self._number("sequencetotal", 4)
        # A priority has one byte there; but nothing forbids a sender to say more.
        priority = self._number("priority", 1 if self.priority < 0x100 else 4)
        time, publisher = self._number("timestamp", 8), self._text("publisher")
        auth, auth_group = self._text("authid"), self._text("authgroup")
        position, hash_ = self._number("chainposition", 8), self._text("hash")
        previous, nonce = self._text("previoushash"), self._text("nonce")
        target = self._number("difficultytarget", 4)
        kind, form = self._text("infotype"), self._text("infoformat")
        parts = (
            *(id_, tag, group, number, total, priority, time, publisher, auth, auth_group),
            *(position, hash_, previous, nonce, target, kind, form),
            *(self.contextdata, self.contentdata),
        )
        try:
            header = _HEADER.pack(VERSION, *map(len, parts))
        except struct.error as error:
            raise BadIoMessage("its data is larger than 4 GiB") from error
        return b"".join((header, *parts))

    @staticmethod
    def from_binary(data: Bytes) -> IoMessage:
        """Of all encoders: numbers are big-endian of 0 to 8 bytes. Errors: BadIoMessage."""
        view = memoryview(data).cast("B")
        if len(view) < _HEADER.size:
            raise BadIoMessage(f"{len(view)} bytes, but its header alone has {_HEADER.size}")
        version, *lengths = _HEADER.unpack_from(view)
        if version != VERSION:
            raise BadIoMessage(f"version {version}, and not {VERSION}", "version")
        if _HEADER.size + sum(lengths) != len(view):
            raise BadIoMessage(
                f"{len(view)} bytes, where its header says {_HEADER.size + sum(lengths)}"
            )
        parts, begin = [], _HEADER.size
        for length in lengths:
            parts.append(bytes(view[begin : begin + length]))
            begin += length
        return IoMessage(
            id=_decoded("id", parts[0]),
            tag=_decoded("tag", parts[1]),
            groupid=_decoded("groupid", parts[2]),
            sequencenumber=_counted("sequencenumber", parts[3]),
            sequencetotal=_counted("sequencetotal", parts[4]),
            priority=_counted("priority", parts[5]),
            timestamp=_counted("timestamp", parts[6]),
            publisher=_decoded("publisher", parts[7]),
            authid=_decoded("authid", parts[8]),
            authgroup=_decoded("authgroup", parts[9]),
            chainposition=_counted("chainposition", parts[10]),
            hash=_decoded("hash", parts[11]),
            previoushash=_decoded("previoushash", parts[12]),
            nonce=_decoded("nonce", parts[13]),
            difficultytarget=_counted("difficultytarget", parts[14]),
            infotype=_decoded("infotype", parts[15]),
            infoformat=_decoded("infoformat", parts[16]),
            contextdata=parts[17],
            contentdata=parts[18],
        )

    def to_document(self) -> dict[str, str | int]:
        """As JSON has it: every key, the data in base64."""
        return {
            "id": self.id,
            "tag": self.tag,
            "groupid": self.groupid,
            "sequencenumber": self.sequencenumber,
            "sequencetotal": self.sequencetotal,
            "priority": self.priority,
            "timestamp": self.timestamp,
            "publisher": self.publisher,
            "authid": self.authid,
            "authgroup": self.authgroup,
            "version": self.version,
            "chainposition": self.chainposition,
            "hash": self.hash,
            "previoushash": self.previoushash,
            "nonce": self.nonce,
            "difficultytarget": self.difficultytarget,
            "infotype": self.infotype,
            "infoformat": self.infoformat,
            "contextdata": b64encode(self.contextdata).decode(),
            "contentdata": b64encode(self.contentdata).decode(),
        }

    @staticmethod
    def from_document(document: object) -> IoMessage:
        """Of parsed JSON. What is absent or null is empty or 0, what is not known is left out;
        a number may be a text, as ioFog's agent takes it. Errors: BadIoMessage."""
        if not isinstance(document, Mapping):
            raise BadIoMessage("a message is a JSON object")
        if _said_number(document, "version", VERSION) != VERSION:
            raise BadIoMessage(f"its version is not {VERSION}", "version")
        return IoMessage(
            id=_said_text(document, "id"),
            tag=_said_text(document, "tag"),
            groupid=_said_text(document, "groupid"),
            sequencenumber=_said_number(document, "sequencenumber"),
            sequencetotal=_said_number(document, "sequencetotal"),
            priority=_said_number(document, "priority"),
            timestamp=_said_number(document, "timestamp"),
            publisher=_said_text(document, "publisher"),
            authid=_said_text(document, "authid"),
            authgroup=_said_text(document, "authgroup"),
            chainposition=_said_number(document, "chainposition"),
            hash=_said_text(document, "hash"),
            previoushash=_said_text(document, "previoushash"),
            nonce=_said_text(document, "nonce"),
            difficultytarget=_said_number(document, "difficultytarget"),
            infotype=_said_text(document, "infotype"),
            infoformat=_said_text(document, "infoformat"),
            contextdata=_said_data(document, "contextdata"),
            contentdata=_said_data(document, "contentdata"),
        )

    def _text(self, name: str) -> bytes:
        text: str = getattr(self, name)
        return _encoded(name, text)

    def _number(self, name: str, width: int) -> bytes:
        number: int = getattr(self, name)
        if not 0 <= number <= _LARGEST_NUMBER[name]:
            raise BadIoMessage(f"{name} is from 0 to {_LARGEST_NUMBER[name]}", name)
        return number.to_bytes(width, "big") if number else b""


def message_frame(message: IoMessage) -> bytes:
    """A message on its socket. Errors: BadIoMessage."""
    binary = message.to_binary()
    return _FRAME.pack(MESSAGE, len(binary)) + binary


def read_message_frame(frame: Bytes) -> IoMessage:
    """What `message_frame` gives, of any sender. Errors: BadIoMessage."""
    view = memoryview(frame).cast("B")
    if len(view) < _FRAME.size or view[0] != MESSAGE:
        raise BadIoMessage("a frame with a message begins with 0D and four bytes of length")
    length = _FRAME.unpack_from(view)[1]
    if length != len(view) - _FRAME.size:
        raise BadIoMessage(f"{len(view) - _FRAME.size} bytes, where its frame says {length}")
    return IoMessage.from_binary(view[_FRAME.size :])


def receipt_frame(message_id: str, timestamp: int) -> bytes:
    """What a sender hears when its message is taken. message_id: 32 characters."""
    name = message_id.encode("ascii")
    return struct.pack(">BBB", RECEIPT, len(name), 8) + name + struct.pack(">Q", timestamp)


def read_receipt_frame(frame: Bytes) -> tuple[str, int]:
    """Id and timestamp, milliseconds since 1970. Errors: BadIoMessage."""
    data = bytes(frame)
    if len(data) < 3 or data[0] != RECEIPT or len(data) != 3 + data[1] + data[2]:
        raise BadIoMessage("a receipt is 0E, two lengths, an id and a timestamp")
    name, time = data[3 : 3 + data[1]], data[3 + data[1] :]
    return _decoded("id", name), _counted("timestamp", time)


def _encoded(name: str, text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise BadIoMessage(f"{name} has half a character", name) from error
    if len(encoded) > _LONGEST_TEXT[name]:
        raise BadIoMessage(f"{name} has {len(encoded)} bytes; {_LONGEST_TEXT[name]} fit", name)
    return encoded


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # ioFog's SDK for Node.js writes the characters themselves, as bytes.
        text = data.decode("latin-1")
        _encoded(name, text)
        return text


def _counted(name: str, data: bytes) -> int:
    if len(data) > 8:
        raise BadIoMessage(f"{name} has {len(data)} bytes, and not at most 8", name)
    number = int.from_bytes(data, "big")
    if number > _LARGEST_NUMBER[name]:
        raise BadIoMessage(f"{name} is from 0 to {_LARGEST_NUMBER[name]}", name)
    return number


def _said_text(document: Mapping[str, object], name: str) -> str:
    said = document.get(name)
    if said is None:
        return ""
    if not isinstance(said, str):
        raise BadIoMessage(f"{name} is not a text", name)
    _encoded(name, said)
    return said


def _said_number(document: Mapping[str, object], name: str, absent: int = 0) -> int:
    said = document.get(name)
    if said is None:
        return absent
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) < 20:
        said = int(said)
    largest = _LARGEST_NUMBER.get(name, _INT)
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= largest:
        raise BadIoMessage(f"{name} is not a number from 0 to {largest}", name)
    return said


def _said_data(document: Mapping[str, object], name: str) -> bytes:
    said = document.get(name)
    if said is None:
        return b""
    if not isinstance(said, str):
        raise BadIoMessage(f"{name} is not base64", name)
    text = said.rstrip("=")
    try:
        # Padding is not always there: ioFog's agent does not ask for it.
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise BadIoMessage(f"{name} is not base64", name) from error
