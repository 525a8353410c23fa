"""Which ways a message takes. Pure; the edge router asks it for each message.

The rule is that of Azure IoT Edge: all ways are tried; of those whose condition is true and that
lead to the same sink, only the most urgent is taken, so that each sink gets one copy.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from routing.language import Reading

LEAST = 10
"""How urgent a way without a priority is: less than 9."""


class Way(Struct, frozen=True, kw_only=True, gc=False):
    """A route, from where messages of one sender look at it."""

    route_id: str
    sink: str
    """What is the same for ways that lead to the same place: a microservice and its input, or
    upstream. The caller's own word."""
    priority: int | None = None
    """0 is the most urgent."""
    condition: Callable[[Reading], bool | None] | None = None
    """From `language.compiled`; None: always."""


class Chosen(Struct, frozen=True):
    """What becomes of a message."""

    taken: tuple[Way, ...]
    """One for each sink, in the order of the ways. None: no route takes it."""
    undefined: tuple[Way, ...]
    """Those whose condition was neither true nor false of this message: not taken."""


def chosen(ways: Sequence[Way], reading: Reading) -> Chosen:
    """Try all ways of the message's sender. Of equally urgent ones the first is taken."""
    best: dict[str, Way] = {}
    undefined: list[Way] = []
    for way in ways:
        if way.condition is not None:
            outcome = way.condition(reading)
            if outcome is None:
                undefined.append(way)
            if not outcome:
                continue
        other = best.get(way.sink)
        if other is None or _urgency(way) < _urgency(other):
            best[way.sink] = way
    taken = tuple(way for way in ways if best.get(way.sink) is way)
    return Chosen(taken, tuple(undefined))


def _urgency(way: Way) -> int:
    return LEAST if way.priority is None else way.priority
