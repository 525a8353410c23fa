"""A field that does not exist, and the one that was probably meant. Pure.

msgspec says which field of which place is unknown; what would be known there, it does not say.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from msgspec import inspect

UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL)
STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[[^\]]*\]")
SHORT = 20
"""So many fields are named, where none is like the one that was said."""


def hint(fault: str, place: str, type_: object) -> str:
    """What to add to a fault; nothing where it is about something else.

    fault: msgspec's sentence. place: its path, from `$`. type_: what the whole should have been.
    """
    found = UNKNOWN.fullmatch(fault)
    if found is None:
        return ""
    known = sorted({name for each in _at(type_, place) for name in _fields(each)})
    close = get_close_matches(found["field"].lower(), known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are: {', '.join(known)}" if 0 < len(known) <= SHORT else ""


def _at(type_: object, place: str) -> list[inspect.Type]:
    """The types that a value at that place may have; more than one in a union."""
    here = [inspect.type_info(type_)]
    for step in STEP.finditer(place):
        name = step["name"]
        here = [
            deeper for each in here for option in _options(each) for deeper in _below(option, name)
        ]
    return [option for each in here for option in _options(each)]


def _options(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        yield from kind.types
    else:
        yield kind


def _below(kind: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    """name: of a field; None for an item of a list, or a value of a mapping."""
    match kind:
        case inspect.StructType():
            yield from (each.type for each in kind.fields if each.encode_name == name)
        case inspect.ListType() if name is None:
            yield kind.item_type
        case inspect.DictType():
            yield kind.value_type


def _fields(kind: inspect.Type) -> list[str]:
    return (
        [each.encode_name for each in kind.fields] if isinstance(kind, inspect.StructType) else []
    )
