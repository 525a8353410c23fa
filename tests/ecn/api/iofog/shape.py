"""Shapes of JSON documents, as recorded exchanges say what comes back: see exchange.py."""

import re
from collections.abc import Callable, Iterator

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9A-Za-z]{32}")
OTHERS = "..."


def _is_number(said: object) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool)


KINDS: dict[str, Callable[[object], bool]] = {
    "$string": lambda said: isinstance(said, str),
    "$integer": lambda said: isinstance(said, int) and not isinstance(said, bool),
    "$number": _is_number,
    "$boolean": lambda said: isinstance(said, bool),
    "$null": lambda said: said is None,
    "$any": lambda said: True,
    "$uuid": lambda said: isinstance(said, str) and UUID.fullmatch(said) is not None,
    "$time": lambda said: isinstance(said, str) and TIME.fullmatch(said) is not None,
}


def differences(shape: object, said: object, place: str = "$") -> list[str]:
    """Where the document is not as its shape says; none if it is."""
    return list(_differences(shape, said, place))


def _differences(shape: object, said: object, place: str) -> Iterator[str]:
    match shape:
        case str() if shape.removesuffix("?") in KINDS:
            good = KINDS[shape.removesuffix("?")](said) or (shape.endswith("?") and said is None)
            if not good:
                yield f"{place} is no {shape}: {said!r}"
        case {"$each": each}:
            if not isinstance(said, list):
                yield f"{place} is no list: {said!r}"
                return
            for number, one in enumerate(said):
                yield from _differences(each, one, f"{place}[{number}]")
        case {"$some": some}:
            if not isinstance(said, list) or all(differences(some, one) for one in said):
                yield f"{place} has none like {some!r}: {said!r}"
        case dict():
            yield from _of_document(shape, said, place)
        case list():
            if not isinstance(said, list) or len(said) != len(shape):
                yield f"{place} is no list of {len(shape)}: {said!r}"
                return
            for number, (inner, one) in enumerate(zip(shape, said, strict=True)):
                yield from _differences(inner, one, f"{place}[{number}]")
        case _:
            if said != shape or isinstance(said, bool) is not isinstance(shape, bool):
                yield f"{place} is not {shape!r}: {said!r}"


def _of_document(shape: dict[str, object], said: object, place: str) -> Iterator[str]:
    if not isinstance(said, dict):
        yield f"{place} is no document: {said!r}"
        return
    wanted = {key: value for key, value in shape.items() if key != OTHERS}
    for key, inner in wanted.items():
        if key in said:
            yield from _differences(inner, said[key], f"{place}.{key}")
        else:
            yield f"{place}.{key} is absent"
    if OTHERS not in shape:
        for key in said.keys() - wanted.keys():
            yield f"{place}.{key} is too much: {said[key]!r}"
