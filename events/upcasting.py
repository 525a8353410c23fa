"""Old versions of events, read as what they mean today.

A type that a tagged release has written never changes; a new meaning is a new version of it, and
the old one gets a row here: what to make of its document so that it is one of the next version.
The rows are followed one after the other: v1 -> v2 -> v3. The log keeps what was written; only
what is folded is new.

Pure, and asked only about types that are not current: today's events pay nothing for it.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

Document = dict[str, object]


class Upcaster(Struct, frozen=True):
    """What became of one version of a type."""

    to: str
    """The type that it is read as: the same thing, mostly, with the next number."""
    change: Callable[[Document], Document]
    """Its document as one of that type. `type` itself is seen to here."""


UPCASTERS: Mapping[str, Upcaster] = {}
"""By the type that is no longer written. Example, for a node that got a list of hosts:

    "node.registered.v1": Upcaster("node.registered.v2", lambda d: d | {"hosts": [d["host"]]})
"""


def is_old(type_: str) -> bool:
    """Whether it is a version that we wrote once and know how to read."""
    return type_ in UPCASTERS


def upcast(type_: str, data: bytes, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> bytes | None:
    """The event as one of its newest version; None for a type that we never wrote.

    Errors: msgspec.ValidationError when the document is not what that type's were: the log is
    damaged.
    """
    upcaster = upcasters.get(type_)
    if upcaster is None:
        return None
    document = msgspec.json.decode(data, type=Document)
    while upcaster is not None:
        try:
            document = {**upcaster.change(document), "type": upcaster.to}
        except (LookupError, TypeError, ValueError, AttributeError) as e:
            raise msgspec.ValidationError(f"{type_} does not read as {upcaster.to}: {e!r}") from e
        upcaster = upcasters.get(upcaster.to)
    return msgspec.json.encode(document)
