"""Worlds looked at whole: all differences at once, and the document that a patch applies to."""

from ecn.api.history_documents import Difference
from ecn.history.diff import differences, ordered
from ecn.history.fields import Tree
from ecn.history.trees import KINDS, reported, row_of, table_of, wanted
from events.ids import MicroserviceId
from projections.world import World


def diff(before: World, after: World) -> list[Difference]:
    """All differences, in order."""
    return list(ordered(list(differences(before, after))))


def document(world: World, kind: str, key: str) -> Tree:
    """All of one thing. Errors: KeyError when it is not there."""
    row = row_of(world, kind, key)
    if row is None:
        raise KeyError(f"{kind}/{key}")
    status = world.statuses.get(MicroserviceId(key)) if kind == "microservice" else None
    return wanted(row, world.names) | reported(row, status)


def tree(world: World) -> dict[str, dict[str, Tree]]:
    """All things, by kind and id: what a patch of two moments applies to."""
    return {
        kind: {str(key): document(world, kind, str(key)) for key in table_of(world, kind)}
        for kind in KINDS
    }
