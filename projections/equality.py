"""Whether two worlds are the same, and if not, where they first differ: for people, no secrets.

Pure. Rows are compared in portions, so that whoever serves meanwhile can do so in between.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice

import msgspec
from msgspec import Struct

from events.shown import HIDDEN
from projections import credentials
from projections.generation import Damaged, decoded, encoded, tables
from projections.world import World

PORTION = 1000
"""Rows: a millisecond, most of them being the very same object or equal."""

NOTHING = "nothing"
SECRET = "(hidden)"  # noqa: S105  # what is shown in the place of one
_HIDDEN = HIDDEN | {"redeemed_key_hash", "env", "config", "content"}
"""Also where people keep passwords."""


class Difference(Struct, frozen=True, kw_only=True):
    """Where two worlds are not the same."""

    view: str
    key: str
    field: str
    """Dotted, as in `spec.image`; empty where the whole row is in one of them only."""
    expected: str
    """What follows from the log, as JSON; `nothing` where it should not be."""
    found: str


def differences(expected: World, found: World) -> Iterator[Difference | None]:
    """All differences, the tables in order; a None between two portions without one.

    expected: as folded from the log. Both of the same position.
    """
    wanted, had = tables(expected), tables(found)
    for view, table in wanted.items():
        if table is had[view]:
            continue
        more = (key for key in had[view] if key not in table)
        keys = chain(table, more)
        while portion := list(islice(keys, PORTION)):
            for key in portion:
                difference = of_rows(view, key, table.get(key), had[view].get(key))
                if difference is not None:
                    yield difference
            yield None


def of_content(view: str, key: str, expected: object | None, content: bytes) -> Difference | None:
    """How a row that was kept differs from the one that it should be. expected: None for no row."""
    if expected is not None and encoded(expected) == content:
        return None
    try:
        found = decoded(view, content)
    except Damaged:
        return _difference(view, key, "", expected, NOTHING, found_text="something unreadable")
    difference = of_rows(view, key, expected, found)
    if difference is not None:
        return difference
    return _difference(view, key, "", expected, found, found_text="the same, written otherwise")


def of_rows(
    view: str, key: str, expected: object | None, found: object | None
) -> Difference | None:
    """How the two rows differ, named by the first field. None: they do not."""
    if expected is found or expected == found:
        return None
    if expected is None or found is None:
        return _difference(view, key, "", expected, found)
    field, one, other = _first(_plain(expected), _plain(found))
    return _difference(view, key, field, one, other)


def _plain(row: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(row))  # Raw is no builtin until it is read


def _first(expected: object, found: object) -> tuple[str, object, object]:
    """The first field in which two documents differ, dotted, and its two values."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in chain(expected, (more for more in found if more not in expected)):
            one, other = expected.get(name), found.get(name)
            if one != other or (name in expected) != (name in found):
                field, one, other = _first(one, other)
                return f"{name}.{field}".rstrip("."), one, other
    return "", expected, found


def _difference(
    view: str,
    key: str,
    field: str,
    expected: object | None,
    found: object | None,
    *,
    found_text: str = "",
) -> Difference:
    hidden = not _HIDDEN.isdisjoint(field.split("."))
    one, other = (SECRET, "another: " + SECRET) if hidden else (_text(expected), _text(found))
    return Difference(
        view=view,
        # The key of a withdrawn credential is its hash.
        key=f"{key[:8]}…" if view == credentials.NAME else key,
        field=field,
        expected=one,
        found=found_text or other,
    )


def _text(value: object | None) -> str:
    if value is None:
        return NOTHING
    return msgspec.json.encode(_without_hidden(_plain(value))).decode()


def _without_hidden(value: object) -> object:
    match value:
        case dict():
            return {
                name: SECRET if name in _HIDDEN and part else _without_hidden(part)
                for name, part in value.items()
            }
        case list():
            return [_without_hidden(each) for each in value]
        case _:
            return value
