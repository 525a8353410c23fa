"""How two worlds differ: what was created, deleted and changed, in the API's words.

Rows that are the same, or equal, are passed over before any document is made of them: the few
differences of a large network cost a look at each row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import chain, islice
from typing import Protocol, TypeVar

from ecn.api.history_documents import Aspect, Change, Difference, FieldChange, is_given
from ecn.history.fields import Tree, changes
from ecn.history.trees import KINDS, Names, reported, wanted
from events.application import ContainerStatus
from events.ids import MicroserviceId
from projections.things import Row, name_of, row_key, row_of, subject_of, table_of
from projections.twins import TwinRow
from projections.world import World

PORTION = 1000
"""Rows looked at in one go: some milliseconds at most."""
MANY = 50
"""Differences told in one go: as many milliseconds."""


def differences(
    before: World, after: World, *, kinds: Sequence[str] = KINDS, subject: str | None = None
) -> Iterator[list[Difference]]:
    """All differences, in portions that are each of one kind and ordered, some of them empty.

    Whoever serves others meanwhile lets them have their turn between two portions.
    subject: only of this one.
    """
    for kind in kinds:
        if subject is not None:
            of, _, only = subject.partition("/")
            if of == kind:
                yield list(_among(before, after, kind, [row_key(kind, only)]))
            continue
        old, new = table_of(before, kind), table_of(after, kind)
        if old is new and (kind != "microservice" or _same_beside(before, after)):
            continue
        keys = chain(new, (key if key not in new else None for key in old))
        portion: list[Difference] = []
        while some := [None if key is None else str(key) for key in islice(keys, PORTION)]:
            for found in _among(before, after, kind, some):
                portion.append(found)
                if len(portion) == MANY:
                    yield sorted(portion, key=_order)
                    portion = []
            yield sorted(portion, key=_order)
            portion = []


class Told(Protocol):
    """A difference, or what became of one on its way to somebody."""

    @property
    def subject(self) -> str:
        """See Difference."""
        ...

    @property
    def name(self) -> str:
        """See Difference."""
        ...


D = TypeVar("D", bound=Told)


def ordered(portions: Sequence[Sequence[D]]) -> Iterator[D]:
    """By kind, then by name. A lazy merge: sorting all at once would keep others waiting.

    portions: as `differences` makes them.
    """
    for kind in KINDS:
        of_kind = (each for each in portions if each and each[0].subject.startswith(f"{kind}/"))
        yield from merge(*of_kind, key=_order)


def _order(each: Told) -> tuple[str, str]:
    return each.name, each.subject


def _among(
    before: World, after: World, kind: str, keys: Iterable[str | None]
) -> Iterator[Difference]:
    """The differences of the things with these ids."""
    row_before: Callable[[str], object] = table_of(before, kind).get
    row_after: Callable[[str], object] = table_of(after, kind).get
    if kind == "catalog-item":  # what was there from the beginning was no row before it changed
        row_before, row_after = partial(row_of, before, kind), partial(row_of, after, kind)
    has_status = kind == "microservice"
    was = now = NOTHING_BESIDE
    for key in keys:
        if key is None:
            continue
        old, new = row_before(key), row_after(key)
        if has_status:
            was, now = _beside(before, key), _beside(after, key)
        if (old is new or old == new) and was == now:
            continue
        found = _difference(before, after, subject_of(kind, key), (old, was), (new, now))
        if found is not None:
            yield found


Beside = tuple[ContainerStatus | None, TwinRow | None]
"""What is known of a microservice besides its row: what was reported of it, and its twin."""
NOTHING_BESIDE: Beside = (None, None)

Side = tuple[object, Beside]
"""A row, None if there is none, and what is beside it."""


def _same_beside(before: World, after: World) -> bool:
    return before.statuses is after.statuses and before.twins is after.twins


def _beside(world: World, key: str) -> Beside:
    return world.statuses.get(MicroserviceId(key)), world.twins.get(MicroserviceId(key))


def _difference(
    before: World, after: World, subject: str, then: Side, later: Side
) -> Difference | None:
    (old, was), (new, now) = then, later
    # What refers to others says the names that they have at the later moment: that one of them is
    # called otherwise is told of it alone.
    names = max(before, after, key=lambda world: world.position).names
    if not isinstance(old, Row):
        return _whole(after, subject, new, now, Change.CREATED, names)
    if not isinstance(new, Row):
        return _whole(before, subject, old, was, Change.DELETED, names)
    fields = [
        *changes(wanted(old, names, was[1]), wanted(new, names, now[1]), Aspect.WANTED),
        *changes(reported(old, *was), reported(new, *now), Aspect.REPORTED),
    ]
    if not fields:
        return None
    return Difference(
        subject=subject,
        name=_name(after, subject),
        change=Change.CHANGED,
        fields=fields,
        names=mentioned(fields, before, after),
    )


def _whole(
    world: World,
    subject: str,
    row: object,
    beside: Beside,
    change: Change,
    names: Names,
) -> Difference | None:
    if not isinstance(row, Row):
        return None
    document: Tree = wanted(row, names, beside[1]) | reported(row, *beside)
    node = f"node/{document.get('node_id', '')}"
    return Difference(
        subject=subject,
        name=_name(world, subject),
        change=change,
        document=document,
        names={node: _name(world, node)} if node in world.names else {},
    )


def mentioned(fields: Sequence[FieldChange], before: World, after: World) -> dict[str, str]:
    """The names of the nodes that changes of `node_id` mention, at the time of each side."""
    names: dict[str, str] = {}
    for field in fields:
        if field.path == "/node_id":
            for world, node_id in ((before, field.before), (after, field.after)):
                if is_given(node_id):
                    names[f"node/{node_id}"] = _name(world, f"node/{node_id}")
    return names


def _name(world: World, subject: str) -> str:
    kind, _, key = subject.partition("/")
    return name_of(world, kind, key)
