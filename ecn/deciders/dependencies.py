"""Microservices that wait for others of their application: the names lead somewhere, and never
round in a circle. Pure.

A dependency is a name, as agents know it. So a renaming is followed by those that depend on the
renamed, a deletion is refused while somebody does, and a microservice of the same name may be made
anew. What is on another node is a dependency too: nobody waits for it, which plans say.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from msgspec import Struct
from msgspec.structs import replace

from ecn.deciders import find
from ecn.errors import DependedOn, Invalid, NotFound
from events.application import Dependency, MicroserviceSpec, MicroserviceUpdated
from events.ids import ApplicationId, MicroserviceId
from projections.microservices import MicroserviceRow
from projections.world import World


class Waiting(Struct, frozen=True):
    """One that is made or changed: its name, what it waits for, and its place in the request."""

    name: str
    depends_on: Sequence[Dependency]
    field: str


def check(application: str, placed: Sequence[Waiting], others: Mapping[str, list[str]]) -> None:
    """Look at an application as it will be.

    others: the names of those that stay as they are, and of what they wait for.
    Errors: NotFound for a name that nobody has; Invalid for a circle, which it names.
    """
    graph = dict(others) | {
        each.name: [other.microservice for other in each.depends_on] for each in placed
    }
    for each in placed:
        for index, other in enumerate(each.depends_on):
            field = f"{each.field}.depends_on[{index}].microservice"
            if other.microservice == each.name:
                raise Invalid(f"{each.name!r} would wait for itself", field=field)
            if other.microservice not in graph:
                raise NotFound("microservice", f"{application}/{other.microservice}", field=field)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        # It is told from what comes first to what waits for it.
        circle: list[str] = list(reversed(e.args[1]))
        fields = {each.name: each.field for each in placed}
        where = next((fields[name] for name in circle if name in fields), "$")
        raise Invalid(
            f"{circle[0]!r} would wait for itself: {' -> '.join(circle)}",
            field=f"{where}.depends_on",
        ) from e


def others(
    world: World, application: str, without: Iterable[MicroserviceId]
) -> dict[str, list[str]]:
    """The microservices of that application by name, and what each waits for.

    without: ids of those that are not there any more, or otherwise.
    """
    key = world.applications.one("name", application)
    if key is None:
        return {}
    left_out = set(without)
    return {
        row.name: [each.microservice for each in row.spec.depends_on]
        for each in world.microservices.find("application", key)
        if each not in left_out
        for row in [world.microservices[each]]
    }


def not_depended_on(world: World, microservice_id: MicroserviceId) -> None:
    """Nobody waits for it. Errors: DependedOn."""
    waiting = list(dependents(world, [microservice_id]))
    if waiting:
        name = find.microservice_name(world, microservice_id)
        raise DependedOn(name, sorted(find.microservice_name(world, each) for each in waiting))


def dependents(world: World, keys: Iterable[MicroserviceId]) -> dict[MicroserviceId, set[str]]:
    """Who waits for one of them, and under which names; but for those among them."""
    of = set(keys)
    names: dict[ApplicationId, set[str]] = {}
    for key in of:
        row = world.microservices[key]
        names.setdefault(row.application_id, set()).add(row.name)
    found: dict[MicroserviceId, set[str]] = {}
    for application_id, gone in names.items():
        for key in sorted(set(world.microservices.find("application", application_id)) - of):
            waits = {each.microservice for each in world.microservices[key].spec.depends_on} & gone
            if waits:
                found[key] = waits
    return found


def without(spec: MicroserviceSpec, names: Iterable[str]) -> MicroserviceSpec:
    """The spec of one that does not wait for these any more."""
    gone = set(names)
    left = [each for each in spec.depends_on if each.microservice not in gone]
    return replace(spec, depends_on=left)


def renamed(
    world: World, microservice_id: MicroserviceId, name: str
) -> Iterator[MicroserviceUpdated]:
    """Those that wait for it do so under its new name."""
    row = world.microservices[microservice_id]
    for key in sorted(dependents(world, [microservice_id])):
        spec = world.microservices[key].spec
        called = [
            replace(each, microservice=name) if each.microservice == row.name else each
            for each in spec.depends_on
        ]
        yield MicroserviceUpdated(microservice_id=key, spec=replace(spec, depends_on=called))


def elsewhere(world: World, row: MicroserviceRow) -> list[tuple[str, str]]:
    """What it depends on that is on another node, each with that node's name: not waited for."""
    found = []
    for each in row.spec.depends_on:
        key = world.microservices.one("name", (row.application_id, each.microservice))
        if key is not None and world.microservices[key].node_id != row.node_id:
            node_id = world.microservices[key].node_id
            found.append((each.microservice, world.nodes[node_id].name))
    return found
