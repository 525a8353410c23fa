"""Two documents, field by field. Pure, over plain values as JSON has them.

Objects are compared key by key, lists as wholes: of a list of ports it helps nobody to hear that
the second one became the first.
"""

from collections.abc import Iterator, Mapping

from msgspec import UNSET

from ecn.api.history_documents import Aspect, FieldChange, pointer

Tree = dict[str, object]
"""A document: an object of plain values."""


def same(one: object, other: object) -> bool:
    """Whether both are the same JSON. Python would take true for 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def changes(
    before: Mapping[str, object], after: Mapping[str, object], aspect: Aspect, above: str = ""
) -> Iterator[FieldChange]:
    """The fields that differ, in the order of the later document, then those that are gone.

    above: the pointer under which both documents stand.
    """
    for key, new in after.items():
        path = above + pointer(key)
        old = before.get(key, UNSET)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from changes(old, new, aspect, path)
        elif not same(old, new):
            yield FieldChange(path=path, aspect=aspect, before=old, after=new)
    for key, old in before.items():
        if key not in after:
            yield FieldChange(path=above + pointer(key), aspect=aspect, before=old)


def leaves(document: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Pointer and value of all that is not made of further keys. An empty object is a leaf."""
    for key, value in document.items():
        path = above + pointer(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        else:
            yield path, value
