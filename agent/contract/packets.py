"""Packets of a multiplexer in the frames of a session, which hold less than some of them have.

A frame's content begins with a byte: 1 where the packet goes on in the next frame of the same
channel, else 0.
"""

from collections.abc import Iterator

from agent.contract.frames import LARGEST_FRAME, Channel, NoFrame, frame

LARGEST_PACKET = 2 << 20
"""Bytes. A receiver holds as many until a packet is whole."""

_ROOM = LARGEST_FRAME - 2
_LAST, _MORE = b"\0", b"\1"


def packet_frames(channel: Channel, packet: bytes) -> Iterator[bytes]:
    """The frames of a packet, one at least."""
    for start in range(0, max(len(packet), 1), _ROOM):
        mark = _MORE if start + _ROOM < len(packet) else _LAST
        yield frame(channel, mark + packet[start : start + _ROOM])


class Packets:
    """Those that come on one channel, put together again."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._size = 0

    def add(self, content: bytes) -> bytes | None:
        """The packet, with the last of its frames. Errors: NoFrame."""
        mark, piece = content[:1], content[1:]
        if mark not in (_LAST, _MORE):
            raise NoFrame("it does not say whether its packet goes on")
        self._size += len(piece)
        if self._size > LARGEST_PACKET:
            raise NoFrame(f"a packet has at most {LARGEST_PACKET} bytes")
        self._begun.append(piece)
        if mark == _MORE:
            return None
        whole = b"".join(self._begun)
        self._begun, self._size = [], 0
        return whole
