"""Rows of views as bytes that outlive the process, and which program's rows they are.

Pure. A generation is one set of view versions: all its rows belong together, as a projection
reads the other views' rows. A program with other views writes a generation of its own, beside.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import cast

import msgspec
from msgspec import Struct

from events.envelope import Head
from projections.view import Table
from projections.world import VIEWS, View, World

Row = tuple[str, str, bytes]
"""View, key, and the row as JSON."""

SUM_BYTES = 16
_MODULUS = 1 << (8 * SUM_BYTES)

_encoder = msgspec.json.Encoder()
_decoders: Mapping[str, msgspec.json.Decoder[object]] = {
    view.name: msgspec.json.Decoder(view.row) for view in VIEWS
}


class Damaged(Exception):
    """What was kept is not what was written. It is made again from the log."""


def fingerprint(views: Iterable[View] = VIEWS) -> str:
    """Names, versions and shapes of all views: the same for programs that share their rows.

    The shape is in it too, so that a forgotten version never lets rows be read as what they are
    not; a new meaning of the same shape still needs a new version.
    """
    parts = [
        f"{view.name} {view.version} {msgspec.json.encode(_shape(view.row), order='sorted')!r}"
        for view in sorted(views)
    ]
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def our_fingerprint() -> str:
    """Of this program's views. Takes some milliseconds, once."""
    return fingerprint()


def _shape(row: type) -> object:
    """Its JSON schema without what is said for people."""
    return _without_words(msgspec.json.schema(row))


def _without_words(schema: object) -> object:
    match schema:
        case dict():
            return {
                name: _without_words(part)
                for name, part in schema.items()
                # A property may be called so, too: it is a schema then, no text.
                if not (name in ("description", "title") and isinstance(part, str))
            }
        case list():
            return [_without_words(part) for part in schema]
        case _:
            return schema


def encoded(row: object) -> bytes:
    """The row as JSON. The same row gives the same bytes."""
    return _encoder.encode(row)


def decoded(view: str, content: bytes) -> object:
    """The row again. Errors: Damaged."""
    try:
        return _decoders[view].decode(content)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError) as e:
        raise Damaged(f"a row of {view} does not read: {e}") from e


def number_of(view: str, key: str, content: bytes) -> int:
    """What a row adds to the sum over all rows.

    The sum says whether rows are all there and as they were written, whatever their order; taking
    a row out, or putting one in, costs no look at the others. It is against damage and editing by
    hand; whoever can compute can forge it, but not the log, which `ecn replay` holds against it.
    """
    named = f"{len(view)} {view} {len(key)} {key} ".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(named + content, digest_size=SUM_BYTES).digest(), "big")


def summed(sum_: int, *, out: int = 0, in_: int = 0) -> int:
    """The sum after rows of those numbers went out and came in."""
    return (sum_ - out + in_) % _MODULUS


def tables(world: World) -> Mapping[str, Table[str, object]]:
    """All tables of the world by the name of their view."""
    return {view.name: getattr(world, view.name) for view in VIEWS}


def rows(world: World) -> Iterable[Row]:
    """All rows of the world, encoded as they are asked for."""
    for view, table in tables(world).items():
        for key, row in table.items():
            yield view, key, encoded(row)


class Kept(Struct, frozen=True, kw_only=True):
    """Up to where rows are kept, and the sum over all of them."""

    head: Head
    sum_: int


class Rebuilding:
    """Rows on their way to being a world again."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, object]] = {view.name: {} for view in VIEWS}
        self.sum_ = 0

    def take(self, rows: Iterable[Row]) -> None:
        """More of them. Errors: Damaged."""
        sum_ = self.sum_
        for view, key, content in rows:
            row = decoded(view, content)
            self._rows[view][key] = row
            sum_ += number_of(view, key, content)
        self.sum_ = sum_ % _MODULUS

    def world(self, kept: Kept) -> World:
        """The world of all that was taken. Errors: Damaged when it is not all that was kept."""
        if self.sum_ != kept.sum_:
            raise Damaged("rows are missing, doubled, or were changed by hand")
        empty = tables(World())
        filled = {view: empty[view].filled(rows) for view, rows in self._rows.items()}
        return World(head=kept.head, **cast(dict[str, Table], filled))  # type: ignore[type-arg]
