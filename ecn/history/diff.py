"""How two worlds differ: what was created, deleted and changed, in the API's words.

Rows that are the same, or equal, are passed over before any document is made of them: the few
differences of a large network cost a look at each row.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain

from ecn.api.history_documents import Aspect, Change, Difference, FieldChange, is_given
from ecn.history.fields import Tree, changes
from ecn.history.trees import KINDS, Row, reported, row_of, table_of, wanted
from events.application import ContainerStatus
from events.ids import MicroserviceId
from projections.world import World

PORTION = 200
"""Rows looked at in one go: about a millisecond, ten if all of them differ."""


def differences(
    before: World, after: World, *, kinds: Sequence[str] = KINDS, subject: str | None = None
) -> Iterator[list[Difference]]:
    """All differences, in portions without order, some of them empty.

    Whoever serves others meanwhile lets them have their turn between two portions.
    subject: only of this one.
    """
    for kind in kinds:
        if subject is not None:
            of, _, only = subject.partition("/")
            if of == kind:
                yield [each for each in (_difference(before, after, kind, only),) if each]
            continue
        old, new = table_of(before, kind), table_of(after, kind)
        if old is new and (kind != "microservice" or before.statuses is after.statuses):
            continue
        portion: list[Difference] = []
        gone = (key for key in old if key not in new)
        for number, key in enumerate(chain(new, gone), 1):
            if (found := _difference(before, after, kind, str(key))) is not None:
                portion.append(found)
            if number % PORTION == 0:
                yield portion
                portion = []
        yield portion


def ordered(portions: Sequence[Sequence[Difference]]) -> Iterator[Difference]:
    """By kind, then by name. A lazy merge: sorting all at once would keep others waiting."""
    for kind in KINDS:
        of_kind = (
            sorted((each for each in portion if each.subject.startswith(f"{kind}/")), key=_order)
            for portion in portions
        )
        yield from merge(*of_kind, key=_order)


def diff(before: World, after: World) -> list[Difference]:
    """All differences, in order. For small worlds; it takes its time for large ones."""
    return list(ordered(list(differences(before, after))))


def _order(each: Difference) -> tuple[str, str]:
    return each.name, each.subject


def _difference(before: World, after: World, kind: str, key: str) -> Difference | None:
    old, new = row_of(before, kind, key), row_of(after, kind, key)
    was = before.statuses.get(MicroserviceId(key)) if kind == "microservice" else None
    now = after.statuses.get(MicroserviceId(key)) if kind == "microservice" else None
    if (old is new or old == new) and (was is now or was == now):
        return None
    if old is None or new is None:
        return _whole(before, after, f"{kind}/{key}", old, new, was or now)
    fields = [
        *changes(wanted(old, before.names), wanted(new, after.names), Aspect.WANTED),
        *changes(reported(old, was), reported(new, now), Aspect.REPORTED),
    ]
    if not fields:
        return None
    return Difference(
        subject=f"{kind}/{key}",
        name=_name(after, f"{kind}/{key}"),
        change=Change.CHANGED,
        fields=fields,
        names=mentioned(fields, before, after),
    )


def _whole(
    before: World,
    after: World,
    subject: str,
    old: Row | None,
    new: Row | None,
    status: ContainerStatus | None,
) -> Difference | None:
    row, world = (new, after) if new is not None else (old, before)
    if row is None:
        return None
    document: Tree = wanted(row, world.names) | reported(row, status)
    node = f"node/{document.get('node_id', '')}"
    return Difference(
        subject=subject,
        name=_name(world, subject),
        change=Change.CREATED if new is not None else Change.DELETED,
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
    return world.names.get(subject) or subject.partition("/")[2]
