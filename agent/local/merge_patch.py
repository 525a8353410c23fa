"""JSON objects and their changes: RFC 7396 merge patches, and what a twin's object may be. Pure.

One meaning for all who need it: the agent, the controller's deciders and API, the `ecn` command.
A document is what `msgspec.json.decode` makes of JSON. Nothing here changes its arguments.

`merged(old, difference(old, new)) == new` holds for every `new` without null members: in a merge
patch null means "gone", so that no patch can set it. Lists are values, replaced whole; a null
within one is a value like any other.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw

Document = dict[str, object]
"""A JSON object."""

LARGEST = 32 * 1024
"""Bytes of a twin's section, written without spaces."""
DEEPEST = 10
"""Levels of a section: objects and lists within each other. The object itself is the first."""
LONGEST_KEY = 1024
"""Bytes of a key in UTF-8."""
LARGEST_WHOLE_NUMBER = 2**53
"""Beyond this not every reader of JSON holds a number exactly."""


_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")


class NoDocument(ValueError):
    """It is no JSON object, or none that a twin may be. `field` is the place, as `$.a.b`."""

    def __init__(self, detail: str, field: str = "$") -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


def merged(target: object, patch: object) -> object:
    """The target after the patch, as RFC 7396 says."""
    if not isinstance(patch, Mapping):
        return patch
    return changed(target if isinstance(target, Mapping) else {}, patch)


def changed(target: Mapping[str, object], patch: Mapping[str, object]) -> Document:
    """As `merged`, of an object by an object."""
    base = dict(target)
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = merged(base.get(key), value)
    return base


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> Document:
    """The smallest patch that makes the one of the other. None in `after` counts as absent."""
    patch: Document = {
        name: None for name, old in before.items() if old is not None and after.get(name) is None
    }
    for name, new in after.items():
        old = before.get(name)
        if new is None:
            continue
        if isinstance(new, dict) and isinstance(old, dict):
            within = difference(old, new)
            if within:
                patch[name] = within
        elif not same(old, new):
            patch[name] = new
    return patch


def same(one: object, other: object) -> bool:
    """Whether both are the same JSON: python would take true for 1, and 1 for 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def pointer(*path: str) -> str:
    """RFC 6901: `/net/dns`."""
    return "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in path)


def leaves(patch: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Pointer and value of each field that the patch sets or, with None, removes.

    An object is gone through, but for an empty one: that is a value.
    """
    for key, value in patch.items():
        path = above + pointer(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        else:
            yield path, value


def without(patch: Mapping[str, object], fields: frozenset[str], above: str = "") -> Document:
    """The patch without these leaves, by their pointers."""
    kept: Document = {}
    for key, value in patch.items():
        path = above + pointer(key)
        if isinstance(value, Mapping) and value:
            within = without(value, fields, path)
            if within:
                kept[key] = within
        elif path not in fields:
            kept[key] = value
    return kept


def section(content: bytes | Raw) -> Document:
    """A section of a twin. Errors: NoDocument for what may not be one."""
    document = _object(content)
    _check(document, "$", 1, nulls=False)
    _check_size(document)
    return document


def patch_document(content: bytes | Raw) -> Document:
    """A change of a section, which may say null. Errors: NoDocument."""
    document = _object(content)
    _check(document, "$", 1, nulls=True)
    return document


def _object(content: bytes | Raw) -> Document:
    if len(bytes(content)) > 2 * LARGEST:
        raise NoDocument(f"has more than {2 * LARGEST} bytes")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise NoDocument(f"is no JSON: {error}") from None
    except RecursionError:
        raise NoDocument(f"has more than {DEEPEST} levels") from None
    if not isinstance(document, dict):
        raise NoDocument("is no JSON object")
    return document


def patched(target: Mapping[str, object], patch: Mapping[str, object]) -> Document:
    """The section after a patch that `patch_document` took. Errors: NoDocument: too large."""
    after = changed(target, patch)
    _check_size(after)
    return after


def encoded(document: Mapping[str, object]) -> Raw:
    """As it is kept and sent: keys in order, so that equal documents are equal bytes."""
    return Raw(msgspec.json.encode(document, order="sorted"))


def decoded(content: bytes | Raw) -> Document:
    """What was kept. Errors: msgspec.DecodeError."""
    return msgspec.json.decode(content, type=dict[str, object])


def _check_size(document: Mapping[str, object]) -> None:
    size = len(msgspec.json.encode(document))
    if size > LARGEST:
        raise NoDocument(f"has {size} bytes then, and {LARGEST} at most are kept")


def _is_fine(value: object, level: int, *, nulls: bool) -> bool:
    """Whether `_check` would find nothing: asked first, as it is several times as quick."""
    kind = type(value)
    if kind is str:
        return "\x00" not in value  # type: ignore[operator]
    if kind is int:
        return -LARGEST_WHOLE_NUMBER <= value <= LARGEST_WHOLE_NUMBER  # type: ignore[operator]
    if isinstance(value, dict):
        return level <= DEEPEST and all(
            len(key) <= LONGEST_KEY // 4
            and _CONTROL.search(key) is None
            and (nulls or within is not None)
            and _is_fine(within, level + 1, nulls=nulls)
            for key, within in value.items()
        )
    if isinstance(value, list):
        return level <= DEEPEST and all(_is_fine(each, level + 1, nulls=True) for each in value)
    return True


def _check(value: object, field: str, level: int, *, nulls: bool) -> None:
    """Errors: NoDocument, with the place."""
    if _is_fine(value, level, nulls=nulls):
        return
    if isinstance(value, dict | list) and level > DEEPEST:
        raise NoDocument(f"has more than {DEEPEST} levels", field)
    match value:
        case dict():
            for key, within in value.items():
                _check_key(key, field)
                if within is None and not nulls:
                    raise NoDocument(
                        "is null, which only a patch may say: it removes", _at(field, key)
                    )
                _check(within, _at(field, key), level + 1, nulls=nulls)
        case list():
            for index, within in enumerate(value):
                # Within a list null is a value, also in objects there: a list is replaced whole.
                _check(within, f"{field}[{index}]", level + 1, nulls=True)
        case str() if "\x00" in value:
            raise NoDocument("has a NUL character", field)
        case bool():
            pass
        case int() if abs(value) > LARGEST_WHOLE_NUMBER:
            raise NoDocument("is beyond ±2^53, which not every reader of JSON holds", field)
        case _:
            pass


def _check_key(key: str, field: str) -> None:
    if len(key.encode()) > LONGEST_KEY:
        raise NoDocument(f"has a key of more than {LONGEST_KEY} bytes", field)
    if _CONTROL.search(key):
        raise NoDocument(f"has a key with a control character: {key!r}", field)


def _at(field: str, key: str) -> str:
    return f"{field}.{key[:40]}"


def assignment(text: str) -> Document:
    """The patch that `net.mtu=1500` stands for. The value is JSON, else text; null removes.

    Errors: ValueError, when it is none. A key with a dot in it can only be named in a patch.
    """
    path, equals, value = text.partition("=")
    keys = path.split(".")
    if not equals or not all(keys):
        raise ValueError(f"{text!r} is not NAME=VALUE, as net.mtu=1500")
    try:
        said: object = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        said = value
    patch: Document = {keys.pop(): said}
    while keys:
        patch = {keys.pop(): patch}
    return patch


def together(one: Mapping[str, object], other: Mapping[str, object]) -> Document:
    """The patch that does both, as far as none says something of what is within the other's."""
    both = dict(one)
    for key, value in other.items():
        before = both.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            both[key] = together(before, value)
        else:
            both[key] = value
    return both
