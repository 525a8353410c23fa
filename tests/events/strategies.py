"""Any event at all: every type, with every field given, made from the types themselves.

Not hypothesis' own inference: it leaves out fields that have a default, and takes numbers and
text that JSON can't carry.
"""

from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import NewType, TypeVar, Union, cast, get_args, get_origin

from hypothesis import strategies as st
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import fields

from events.envelope import KnownEvent, Proposed
from events.event import Event

# Whatever UTF-8 can carry: quotes, NUL, other planes.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
times = st.datetimes(
    min_value=datetime(1971, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.just(UTC),
)

S = TypeVar("S", bound=Struct)

_SCALARS: dict[object, st.SearchStrategy[object]] = {
    str: texts,
    bytes: st.binary(max_size=12),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: times,
    NoneType: st.none(),
    Raw: st.sampled_from([Raw(b"{}"), Raw(b'{"a":[1,"\xc3\xa4",null]}')]),
    UnsetType: st.just(UNSET),
}


def _any(kind: object) -> st.SearchStrategy[object]:
    if isinstance(kind, NewType):
        return _any(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return every_field_of(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    parts = [_any(part) for part in get_args(kind) if part is not ...]
    match get_origin(kind):
        case None:
            return _SCALARS[kind]
        case origin if origin in (Union, UnionType):
            return st.one_of(parts)
        case origin if origin is list:
            return st.lists(*parts, max_size=3)
        case origin if origin is tuple:
            return st.lists(*parts, max_size=3).map(tuple)
        case origin if origin is dict:
            return st.dictionaries(*parts, max_size=3)
        case origin:
            raise NotImplementedError(origin)


def every_field_of(kind: type[S]) -> st.SearchStrategy[S]:
    """Instances of a struct."""
    return st.builds(kind, **{field.name: _any(field.type) for field in fields(kind)})


event_types = cast("list[type[Event]]", list(get_args(KnownEvent)))

events: st.SearchStrategy[Event] = st.one_of([every_field_of(kind) for kind in event_types])
proposals: st.SearchStrategy[Proposed] = every_field_of(Proposed)
