"""All rows of a world, packed: where questions about the past begin to fold.

Pure. A snapshot is a row of frames, each the length of a zstd frame and the frame: rows of one
view as JSON. In portions, so that whoever packs or unpacks in a thread lets others have the
interpreter meanwhile.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice

import msgspec
import zstandard
from msgspec import Struct

from events.envelope import Head
from events.ids import Position
from projections.generation import Damaged, tables
from projections.view import Table
from projections.world import VIEWS, World

EVERY = 25_000
"""Events between two snapshots, near the end of the log."""

OFTEN = 40
"""So many snapshots are so close; behind them half as many twice as far apart, and so on."""

PORTION = 500
"""Rows of a frame: some 2 ms."""

_length = struct.Struct(">I")
_encoder = msgspec.json.Encoder()
_frame: msgspec.json.Decoder[tuple[str, msgspec.Raw]] = msgspec.json.Decoder(
    tuple[str, msgspec.Raw]
)
_decoders: Mapping[str, msgspec.json.Decoder[dict[str, object]]] = {
    view.name: msgspec.json.Decoder(dict[str, view.row])  # type: ignore[name-defined]
    for view in VIEWS
}


class Snapshot(Struct, frozen=True, kw_only=True):
    """A packed world."""

    head: Head
    data: bytes
    checksum: bytes
    """BLAKE2b-256 of the data."""


def packed(world: World) -> Snapshot:
    """The world as a snapshot. Some 0.3 s for ten thousand nodes: for a thread of its own."""
    compressor = zstandard.ZstdCompressor(level=3)
    frames: list[bytes] = []
    for view, table in tables(world).items():
        left = iter(table.items())
        while portion := dict(islice(left, PORTION)):
            frame = compressor.compress(_encoder.encode((view, portion)))
            frames += [_length.pack(len(frame)), frame]
    data = b"".join(frames)
    return Snapshot(head=world.head, data=data, checksum=_checksum(data))


def unpacked(snapshot: Snapshot) -> World:
    """The world again. As slow as packing it. Errors: Damaged."""
    if _checksum(snapshot.data) != snapshot.checksum:
        raise Damaged(f"the snapshot of {snapshot.head.position} is not what was written")
    rows: dict[str, dict[str, object]] = {view.name: {} for view in VIEWS}
    try:
        for view, portion in _portions(snapshot.data):
            rows[view].update(portion)
    except (KeyError, msgspec.DecodeError, zstandard.ZstdError, struct.error) as e:
        raise Damaged(f"the snapshot of {snapshot.head.position} does not read: {e}") from e
    filled: dict[str, Table[str, object]] = {
        view: table.filled(rows[view]) for view, table in tables(World()).items()
    }
    return World(head=snapshot.head, **filled)  # type: ignore[arg-type]


def _portions(data: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    decompressor = zstandard.ZstdDecompressor()
    begin = 0
    while begin < len(data):
        (length,) = _length.unpack_from(data, begin)
        begin += _length.size
        view, content = _frame.decode(decompressor.decompress(data[begin : begin + length]))
        yield view, _decoders[view].decode(content)
        begin += length


def _checksum(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


class Due(Struct, frozen=True, kw_only=True):
    """What is to be done so that snapshots stand where they should."""

    missing: Sequence[Position]
    """Places of the log that have none near, ascending."""
    superfluous: Sequence[Position]
    """Snapshots that stand closer to each other than is of use."""


def due(snapshots: Iterable[Position], end: Position, every: int = EVERY) -> Due:
    """Where snapshots should be, compared with where they are.

    The log is cut into stretches of `every` events, and a snapshot stands for the stretch that it
    is in, wherever in it. Of the last OFTEN stretches each has one, then every second one, then
    every fourth: their number grows with the logarithm of the log. A place that is given up is
    never wanted again, as the log only grows.
    """
    have: dict[int, Position] = {}
    superfluous: list[Position] = []
    last = end // every
    for position in sorted(snapshots):
        stretch = position // every
        if stretch < 1 or stretch > last or stretch in have or stretch % _apart(last - stretch):
            superfluous.append(position)
        else:
            have[stretch] = position
    missing = [
        Position(stretch * every)
        for stretch in range(1, last + 1)
        if stretch not in have and stretch % _apart(last - stretch) == 0
    ]
    return Due(missing=missing, superfluous=superfluous)


def _apart(age: int) -> int:
    """How many stretches lie between two snapshots that are so many stretches old."""
    return 1 << (age // OFTEN).bit_length()
