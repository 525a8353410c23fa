"""From the body of a request to a typed document, as leniently as ioFog reads it.

What is lenient: no body is an empty one, of a key that stands twice the last counts, unknown keys
are ignored, 10.0 is a whole number. What is wrong is told in ioFog's sentences, the first only.
"""

import re
from typing import TypeVar

import msgspec
from msgspec import inspect

from ecn.iofog import refusals

T = TypeVar("T")

JSON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "object": "object",
    "array": "array",
    "null": "null",
}
WHERE = re.compile(r" - at `(\$.*)`\Z", re.DOTALL)
MISSING = re.compile(r"Object missing required field `(.+)`")
TYPE = re.compile(r"Expected `([^`]+)`, got `[^`]+`")
LENGTH = re.compile(r"Expected `(?:str|array|object)` of length (>=|<=) (\d+)")
PATTERN = re.compile(r"Expected `str` matching regex ")
LEAST = re.compile(r"Expected `(?:int|float)` >=? ([-\d.e+]+)")
MOST = re.compile(r"Expected `(?:int|float)` <=? ([-\d.e+]+)")
ENUM = re.compile(r"Invalid enum value (.+)")
FRACTION = re.compile(rb"[0-9](\.[0-9]|[eE])")
"""Where a number that is no whole one may stand, or a whole one that is written like one."""
DEEPEST = 200
"""Levels of a body; the engine that renders templates goes down by recursion."""


def document(content: bytes) -> object:
    """JSON as plain values. Errors: Refusal when it is none."""
    if not content.strip():
        return {}
    try:
        said = msgspec.json.decode(content)
        # Most bodies need no walk through all that is in them.
        if FRACTION.search(content) or content.count(b"{") + content.count(b"[") > DEEPEST:
            said = _whole(said, DEEPEST)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise refusals.invalid(f"The body is no JSON: {e}") from e
    return {} if said is None else said


def typed(said: object, type_: type[T]) -> T:
    """The document as that type. Errors: Refusal, in ioFog's words."""
    try:
        return msgspec.convert(said, type_)
    except msgspec.ValidationError as e:
        raise refusals.invalid(_told(str(e), type_)) from e


def _whole(said: object, deep: int) -> object:
    """The same with 10.0 as 10, as JavaScript has it."""
    match said:
        case float() if said.is_integer() and abs(said) < 1 << 63:
            return int(said)
        case dict() if deep:
            return {key: _whole(value, deep - 1) for key, value in said.items()}
        case list() if deep:
            return [_whole(each, deep - 1) for each in said]
        case dict() | list():
            raise RecursionError(f"it is more than {DEEPEST} levels deep")
    return said


def _told(error: str, type_: type) -> str:
    """What msgspec says, as ioFog says it."""
    found = WHERE.search(error)
    what = error[: found.start()] if found else error
    path = found[1].removeprefix("$").removeprefix(".") if found else ""
    place = path or "instance"
    if missing := MISSING.match(what):
        return f"Required field '{missing[1]}' is missing"
    if wrong := TYPE.match(what):
        types = ",".join(JSON_TYPES.get(each, each) for each in wrong[1].split(" | "))
        return f"Field '{place}' is not of a type(s) {types}"
    if length := LENGTH.match(what):
        which = "minimum" if length[1] == ">=" else "maximum"
        return f"Field {place} does not meet {which} length of {length[2]}"
    if PATTERN.match(what):
        return f"Invalid format for field '{place}'"
    if least := LEAST.match(what):
        return f"{place} must have a minimum value of {_number(least[1])}"
    if most := MOST.match(what):
        return f"{place} must have a maximum value of {_number(most[1])}"
    if ENUM.match(what):
        words = ",".join(_words(inspect.type_info(type_), path))
        return f"Field {place} is not one of enum values: {words}"
    return f"{place}: {what}"


def _number(text: str) -> str:
    return text.removesuffix(".0")


def _words(kind: inspect.Type, path: str) -> list[str]:
    """The words that may stand at that place of a type."""
    steps = re.findall(r"[^.\[\]]+|\[[^\]]*\]", path)
    kinds = [kind]
    for step in steps:
        kinds = [inner for each in kinds for inner in _within(each, step)]
    return [word for each in kinds for word in _of_enum(each)]


def _within(kind: inspect.Type, step: str) -> list[inspect.Type]:
    match kind:
        case inspect.UnionType():
            return [inner for each in kind.types for inner in _within(each, step)]
        case inspect.Metadata():
            return _within(kind.type, step)
        case inspect.StructType():
            return [each.type for each in kind.fields if each.encode_name == step]
        case inspect.CollectionType() if step.startswith("["):
            return [kind.item_type]
        case inspect.DictType() if step.startswith("["):
            return [kind.value_type]
    return []


def _of_enum(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.UnionType():
            return [word for each in kind.types for word in _of_enum(each)]
        case inspect.Metadata():
            return _of_enum(kind.type)
        case inspect.LiteralType():
            return [str(each) for each in kind.values]
        case inspect.EnumType():
            return [str(each.value) for each in kind.cls]
    return []
