"""Worlds looked at whole: all differences at once, and the document that a patch applies to."""

from ecn.api.history_documents import Difference
from ecn.history.diff import differences, ordered
from ecn.history.fields import Tree
from ecn.history.trees import KINDS, Names, reported, wanted
from events.ids import MicroserviceId
from projections.catalog import catalog_items
from projections.things import row_of, subject_of, table_of
from projections.world import World


def diff(before: World, after: World) -> list[Difference]:
    """All differences, in order."""
    return list(ordered(list(differences(before, after))))


def document(world: World, kind: str, key: str, names: Names | None = None) -> Tree:
    """All of one thing. Errors: KeyError when it is not there.

    names: of a later moment.
    """
    row = row_of(world, kind, key)
    if row is None:
        raise KeyError(f"{kind}/{key}")
    status = world.statuses.get(MicroserviceId(key)) if kind == "microservice" else None
    twin = world.twins.get(MicroserviceId(key)) if kind == "microservice" else None
    return wanted(row, names or world.names, twin) | reported(row, status, twin)


def tree(world: World, names: Names | None = None) -> dict[str, dict[str, Tree]]:
    """All things, by kind and id: what a patch of two moments applies to.

    names: of the later one.
    """
    return {
        kind: {key: document(world, kind, key, names) for key in _keys(world, kind)}
        for kind in KINDS
    }


def _keys(world: World, kind: str) -> list[str]:
    if kind == "catalog-item":
        return [*catalog_items(world)]
    return [subject_of(kind, str(key)).partition("/")[2] for key in table_of(world, kind)]
