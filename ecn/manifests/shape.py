"""What is wrong with a value that should become a document: every fault, with its path. Pure.

msgspec stops at the first fault and names list items but not keys; somebody who writes a manifest
wants all of them, where they are, and what was probably meant. msgspec still has the last word:
this only explains.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import Struct, inspect

from ecn.yaml_text import Path

S = TypeVar("S", bound=Struct)


class Fault(Struct, frozen=True):
    """One thing that is wrong."""

    path: Path
    message: str


class Bad(Exception):
    """A document that can't be used."""

    def __init__(self, found: Iterable[Fault]) -> None:
        super().__init__()
        self.found = list(found)


def checked(value: object, kind: type[S], path: Path) -> S:
    """The value as that. path: where it stands. Errors: Bad, with every fault."""
    found = list(faults(value, inspect.type_info(kind), path))
    if found:
        raise Bad(found)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        raise Bad([Fault(path, str(e))]) from e


def faults(value: object, kind: inspect.Type, path: Path = ()) -> Iterator[Fault]:
    """All that keeps `value` from being of that kind."""
    match kind:
        case inspect.StructType():
            yield from _struct_faults(value, kind, path)
        case inspect.UnionType():
            yield from _union_faults(value, kind, path)
        case inspect.ListType():
            if isinstance(value, list):
                for i, item in enumerate(value):
                    yield from faults(item, kind.item_type, (*path, i))
            else:
                yield _expected("a list", value, path)
        case inspect.DictType():
            if isinstance(value, dict):
                for key, item in value.items():
                    yield from faults(item, kind.value_type, (*path, key))
            else:
                yield _expected("a mapping (name: value)", value, path)
        case inspect.EnumType():
            yield from _enum_faults(value, kind, path)
        case inspect.StrType():
            if not isinstance(value, str):
                hint = ""
                if isinstance(value, bool | int | float):
                    hint = "; put it in quotes"
                yield _expected("text", value, path, hint)
        case inspect.BoolType():
            if not isinstance(value, bool):
                yield _expected("true or false", value, path)
        case inspect.IntType():
            if isinstance(value, bool) or not isinstance(value, int):
                yield _expected("a whole number", value, path)
        case inspect.FloatType():
            if isinstance(value, bool) or not isinstance(value, int | float):
                yield _expected("a number", value, path)
        case inspect.NoneType():
            if value is not None:
                yield _expected("nothing", value, path)
        case _:
            return


def path_text(path: Path) -> str:
    """As people write it: `spec.microservices[0].image`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for a word that is not among those known."""
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are: {', '.join(known)}"


def _struct_faults(value: object, kind: inspect.StructType, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _expected("a mapping (name: value)", value, path)
        return
    known = {field.encode_name: field for field in kind.fields}
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name].type, (*path, name))
        else:
            hint = did_you_mean(str(name), list(known))
            yield Fault((*path, name), f"there is no such field; {hint}")
    for name, field in known.items():
        if field.required and name not in value:
            yield Fault(path, f"{name} is missing")


def _union_faults(value: object, kind: inspect.UnionType, path: Path) -> Iterator[Fault]:
    if value is None and any(isinstance(t, inspect.NoneType) for t in kind.types):
        return
    options = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
    found = [list(faults(value, option, path)) for option in options]
    if not any(not list_ for list_ in found):
        yield from min(found, key=len)


def _enum_faults(value: object, kind: inspect.EnumType, path: Path) -> Iterator[Fault]:
    known = [str(member.value) for member in kind.cls]
    if value not in known:
        yield Fault(path, f"{shown(value)} is not possible; {did_you_mean(str(value), known)}")


def _expected(what: str, value: object, path: Path, hint: str = "") -> Fault:
    return Fault(path, f"expected {what}, found {shown(value)}{hint}")


def shown(value: object) -> str:
    """A value in an error, short."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= 40 else value[:40] + "…")
        case _:
            return str(value)
