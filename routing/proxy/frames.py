"""What the two ends of proxied connections say to each other: frames, several in a packet.

Pure. A packet is the body of one message of the broker:

    version (1) · length (1) · sender's name · session (8) · number (8) · frames
    frame: kind (1) · connection (4) · length (4) · content

All numbers are big-endian. A session is chosen at random whenever its sender begins anew; packets
of a session are numbered from 0, so that the receiver sees it when one was lost.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

VERSION = 1
LARGEST_DATA = 256 << 10
"""Bytes of one DATA frame."""
LARGEST_PACKET = 1 << 20
LONGEST_NAME = 255
LONGEST_TEXT = 512

_HEAD = struct.Struct(">8sQ")
_FRAME = struct.Struct(">BII")
_OPEN = struct.Struct(">BB")
_CREDIT = struct.Struct(">I")
OVERHEAD = _FRAME.size
"""Bytes of a frame besides its content."""


class Kind(IntEnum):
    """What a frame is, as its first byte says."""

    OPEN = 1
    OPENED = 2
    DATA = 3
    CREDIT = 4
    END = 5
    RESET = 6
    PING = 7
    PONG = 8


class Why(IntEnum):
    """Why a connection is over, or never was."""

    UNKNOWN_PORT = 1
    """No such public port leads here any more."""
    NOT_RUNNING = 2
    """The microservice's container does not run."""
    REFUSED = 3
    """It runs, and takes no connections there; or can't be reached."""
    TOO_MANY = 4
    """All connections that may be are."""
    IDLE = 5
    TOO_LONG = 6
    BROKEN = 7
    """Whoever is connected there left in the middle."""
    LOST = 8
    """The way between the two ends was lost, or something on it."""
    SILENT = 9
    """Nothing was heard in time."""
    STOPPING = 10
    """The proxy ends."""


class Open(Struct, frozen=True):
    """Somebody connected to a public port. Data may follow at once."""

    connection: int
    """Chosen by who opens; never twice in a session."""
    port_id: str
    client: str
    """Address and port of who connected, for people."""


class Opened(Struct, frozen=True):
    """The microservice took the connection."""

    connection: int


class Data(Struct, frozen=True):
    """Bytes of the connection, at least one."""

    connection: int
    content: bytes


class Credit(Struct, frozen=True):
    """So many more bytes may be sent."""

    connection: int
    more: int


class End(Struct, frozen=True):
    """No more data will follow that way; the other way goes on."""

    connection: int


class Reset(Struct, frozen=True):
    """The connection is over, both ways."""

    connection: int
    why: Why
    text: str = ""
    """A sentence for people."""


class Ping(Struct, frozen=True):
    """Are you there?"""


class Pong(Struct, frozen=True):
    """I am."""


Frame = Open | Opened | Data | Credit | End | Reset | Ping | Pong


class Packet(Struct, frozen=True):
    """Frames of one sender, in order."""

    sender: str
    """A node's id, or the routing key of an interior proxy."""
    session: bytes
    """8 bytes."""
    number: int
    frames: list[Frame]


class NoPacket(ValueError):
    """Bytes that are no packet, or of a version that is not known here."""


def encoded(frame: Frame) -> bytes:
    """One frame. Too long texts are cut."""
    match frame:
        case Open():
            port, client = _short(frame.port_id, 255), _short(frame.client, 255)
            content = _OPEN.pack(len(port), len(client)) + port + client
            return _framed(Kind.OPEN, frame.connection, content)
        case Opened():
            return _framed(Kind.OPENED, frame.connection, b"")
        case Data():
            return _framed(Kind.DATA, frame.connection, frame.content)
        case Credit():
            return _framed(Kind.CREDIT, frame.connection, _CREDIT.pack(frame.more))
        case End():
            return _framed(Kind.END, frame.connection, b"")
        case Reset():
            text = bytes((frame.why,)) + _short(frame.text, LONGEST_TEXT)
            return _framed(Kind.RESET, frame.connection, text)
        case Ping():
            return _framed(Kind.PING, 0, b"")
        case Pong():
            return _framed(Kind.PONG, 0, b"")


def packed(sender: str, session: bytes, number: int, frames: Sequence[bytes]) -> bytes:
    """A packet of frames that are encoded already: at most LARGEST_PACKET bytes of them."""
    name = sender.encode()
    return b"".join((bytes((VERSION, len(name))), name, _HEAD.pack(session, number), *frames))


def unpacked(said: bytes) -> Packet:
    """What a packet carries. Errors: NoPacket, for whatever bytes there are."""
    if len(said) < 2 or said[0] != VERSION:
        raise NoPacket("no packet of this version")
    # Frames besides: a packet may have as many bytes of them, then its own head.
    if len(said) > LARGEST_PACKET + LONGEST_NAME + 2 + _HEAD.size:
        raise NoPacket(f"{len(said)} bytes are too long for a packet")
    start = 2 + said[1]
    if len(said) < start + _HEAD.size:
        raise NoPacket("ends within its head")
    sender = _text(said[2:start])
    session, number = _HEAD.unpack_from(said, start)
    start += _HEAD.size
    frames: list[Frame] = []
    whole = memoryview(said)
    while start < len(said):
        if len(said) < start + _FRAME.size:
            raise NoPacket("ends within a frame's head")
        kind, connection, length = _FRAME.unpack_from(said, start)
        start += _FRAME.size
        if len(said) < start + length:
            raise NoPacket("ends within a frame")
        frame = _frame(kind, connection, bytes(whole[start : start + length]))
        if frame is not None:
            frames.append(frame)
        start += length
    return Packet(sender, session, number, frames)


def _framed(kind: Kind, connection: int, content: bytes) -> bytes:
    return _FRAME.pack(kind, connection, len(content)) + content


def _frame(kind: int, connection: int, content: bytes) -> Frame | None:
    """None: of a kind that a newer version knows."""
    match kind:
        case Kind.OPEN:
            if len(content) < 2 or len(content) != 2 + content[0] + content[1]:
                raise NoPacket("OPEN has not the length that it says")
            split = 2 + content[0]
            return Open(connection, _text(content[2:split]), _text(content[split:]))
        case Kind.OPENED:
            return Opened(connection)
        case Kind.DATA:
            if not 1 <= len(content) <= LARGEST_DATA:
                raise NoPacket(f"DATA of {len(content)} bytes")
            return Data(connection, content)
        case Kind.CREDIT:
            if len(content) != _CREDIT.size:
                raise NoPacket("CREDIT is no number")
            return Credit(connection, _CREDIT.unpack(content)[0])
        case Kind.END:
            return End(connection)
        case Kind.RESET:
            if not 1 <= len(content) <= LONGEST_TEXT + 1:
                raise NoPacket("RESET without a reason, or with too long a text")
            return Reset(connection, _why(content[0]), _text(content[1:]))
        case Kind.PING:
            return Ping()
        case Kind.PONG:
            return Pong()
        case _:
            return None


def _why(number: int) -> Why:
    try:
        return Why(number)
    except ValueError:
        return Why.BROKEN  # a newer version has more reasons; the text says it


def _short(text: str, most: int) -> bytes:
    """At most so many bytes of UTF-8, none of a letter that is cut."""
    return text.encode(errors="replace")[:most].decode(errors="ignore").encode()


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NoPacket("a text is no UTF-8") from None
