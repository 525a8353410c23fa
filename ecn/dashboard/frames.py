"""What happened between two worlds, as a frame: the rows that are others now, and the events. Pure.

A projection says which of its rows changed; a row of the dashboard may be made of several, and of
what they name. So those that may be others are made of both worlds, and the same are left out.
What a microservice is called by, or its image follows from, changes its revision when it changes:
that is told by its own view.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from ecn.dashboard import rows
from ecn.dashboard.documents import Frame
from events.envelope import Recorded
from events.ids import (
    ApplicationId,
    MicroserviceId,
    NodeId,
)
from projections.volumes import mounted_by
from projections.world import Folding, World

Changed = Mapping[str, Iterable[Hashable]]
"""By view: the keys of rows that changed."""

SAME = {
    "nodes": "nodes",
    "applications": "applications",
    "microservices": "microservices",
    "statuses": "microservices",
    "routes": "routes",
    "registries": "registries",
    "catalog": "catalog_items",
    "templates": "templates",
    "edge_resources": "edge_resources",
    "volumes": "volumes",
}
"""Kinds of rows that have the keys of a view."""


QUICK, SMALL = 20, 300
"""Changed rows, and microservices of an application, whose frame is made in a few milliseconds."""


def is_quick(after: World, changed: Changed) -> bool:
    """Whether a frame of that is made so soon that nobody else has to wait for it."""
    keys = {str(key) for view in SAME for key in changed.get(view, ())}
    if len(keys) > QUICK:
        return False
    rows_ = (after.microservices.get(MicroserviceId(key)) for key in keys)
    applications = {ApplicationId(key) for key in keys}
    applications |= {row.application_id for row in rows_ if row is not None}
    # How an application is depends on all that is in it.
    return all(after.microservices.count("application", key) <= SMALL for key in applications)


def frame(before: World, after: World, changed: Changed, events: Sequence[Recorded]) -> Frame:
    """All that differs. changed: at least what did; events: what led from one to the other."""
    put: dict[str, list[Struct]] = defaultdict(list)
    drop: dict[str, list[str]] = defaultdict(list)
    for name, keys in _touched(before, after, changed).items():
        kind = rows.KINDS[name]
        for key in sorted(keys):
            old = kind.row(before, key) if kind.has(before, key) else None
            if not kind.has(after, key):
                if old is not None:
                    drop[name].append(key)
            elif (new := kind.row(after, key)) != old:
                put[name].append(new)
    return Frame(
        position=after.position,
        time=after.head.time,
        put=rows.put(put),
        drop=dict(drop),
        events=[rows.line(after, each) for each in events],
    )


def film(world: World, events: Sequence[Recorded], *, every: int) -> Iterator[tuple[World, Frame]]:
    """What these events do to that world, in frames of so many, each with the world behind it."""
    for start in range(0, len(events), every):
        some = events[start : start + every]
        folding = Folding(world)
        folding.fold(some)
        after = folding.world()
        yield after, frame(world, after, folding.changes(), some)
        world = after


def _touched(before: World, after: World, changed: Changed) -> dict[str, set[str]]:
    """By kind, the rows that may be others, or gone, or new."""
    found: dict[str, set[str]] = defaultdict(set)
    for view, keys in changed.items():
        own = {str(key) for key in keys}
        if view in SAME:
            found[SAME[view]] |= own
        for world in (before, after):
            for kind, other in _others(view, own, world, (before, after)):
                found[kind].add(other)
    return found


def _others(
    view: str, keys: set[str], world: World, both: tuple[World, World]
) -> Iterator[tuple[str, str]]:
    """What else shows something of these rows of that view, by what the world says."""
    match view:
        case "nodes":
            for key in keys:
                yield from _of_node(NodeId(key), world, both)
        case "microservices":
            for key in keys:
                row = world.microservices.get(MicroserviceId(key))
                if row is not None:
                    yield "applications", row.application_id
                    yield from _each("volumes", mounted_by(row.spec))
                    if row.spec.catalog_item_id is not None:
                        yield "catalog_items", row.spec.catalog_item_id
        case "statuses":
            for key in keys:
                row = world.microservices.get(MicroserviceId(key))
                if row is not None:
                    yield "applications", row.application_id
        case "network":
            yield "network", rows.NETWORK
        case _:
            pass


def _of_node(key: NodeId, world: World, both: tuple[World, World]) -> Iterator[tuple[str, str]]:
    old, new = (each.nodes.get(key) for each in both)
    if any(row is not None and row.settings.system for row in (old, new)):
        yield "network", rows.NETWORK
    if old is None or new is None or old.name != new.name:
        yield from _each("edge_resources", world.edge_resources.find("node", key))
        yield from _each("volumes", world.volumes.find("node", key))


def _each(kind: str, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((kind, key) for key in keys)
