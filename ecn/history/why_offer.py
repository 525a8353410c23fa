"""Why something is as it is that nothing is reported of: routes, templates, the catalog,
registries, edge resources, volumes, what is set for the network. It is as somebody made it."""

from ecn.api.history_documents import Step
from ecn.history.asking import Question, latest
from ecn.history.glance import glance, name_of, said
from ecn.history.own import WANTING, family
from ecn.history.steps import MOST, command_of, last_of, made_by, many
from events.application import ApplicationDeleted, MicroserviceDeleted
from events.catalog import CatalogItemDeleted, RegistryDeleted
from events.edge_resource import EdgeResourceDeleted
from events.envelope import Recorded
from events.event import Event
from events.filter import EventFilter
from events.node import NodeDeleted
from events.route import RouteDeleted
from events.template import TemplateDeleted
from events.volume import VolumeDeleted
from projections.edge_resources import EdgeResourceRow
from projections.routes import RouteRow, ends_as_written
from projections.things import row_of
from projections.volumes import VolumeRow
from projections.world import World

DELETIONS: dict[str, type[Event] | None] = {
    "route": RouteDeleted,
    "template": TemplateDeleted,
    "catalog-item": CatalogItemDeleted,
    "registry": RegistryDeleted,
    "edge-resource": EdgeResourceDeleted,
    "volume": VolumeDeleted,
    "network": None,
}
"""By kind, what ends it; None where nothing does."""


def offer(world: World, subject: str) -> Question[Step]:
    """The chain of one that is there."""
    kind = subject.partition("/")[0]
    changes = yield from _changes(world, subject, kind)
    because = []
    if changes:
        because.append((yield from made_by(world, changes[0])))
    if len(changes) > 1:
        because.append(many(world, "before that", changes[1:]))
    event = glance(world, changes[0]) if changes else None
    return Step(what="state", text=_state(world, subject), event=event, because=because)


def gone(world: World, subject: str) -> Question[Step]:
    """The chain of one that is no more. Errors: KeyError when nothing tells of its end."""
    kind = subject.partition("/")[0]
    ending = DELETIONS[kind]
    deleted = None if ending is None else (yield from last_of(world, subject, ending))
    if deleted is None:
        raise KeyError(subject)
    text = "gone: it was deleted"
    together = yield from latest(
        EventFilter(command_id=deleted.command_id), upto=world.position, limit=1
    )
    if together and isinstance(
        together[0].event, ApplicationDeleted | MicroserviceDeleted | NodeDeleted
    ):
        with_whom = together[0].subject
        text += f" with {with_whom.partition('/')[0]} {name_of(world, with_whom)}"
    because = [(yield from command_of(world, deleted))]
    changes = yield from _changes(world, subject, kind)
    if changes:
        last = f"as it was last: {said(world, changes[0])}"
        because.append((yield from made_by(world, changes[0], text=last)))
    return Step(what="state", text=text, event=glance(world, deleted), because=because)


def _changes(world: World, subject: str, kind: str) -> Question[list[Recorded]]:
    """What made it as it is, the newest first."""
    found: list[Recorded] = []
    for each in WANTING[kind]:
        wanted = EventFilter(subject=subject, type_prefix=family(each))
        found += yield from latest(wanted, upto=world.position, limit=MOST + 2)
    return sorted(found, key=lambda each: -each.position)


def _state(world: World, subject: str) -> str:
    kind, _, key = subject.partition("/")
    row = row_of(world, kind, key)
    match row:
        case RouteRow():
            source, destination = ends_as_written(
                row.ends, lambda key: name_of(world, f"microservice/{key}").rpartition("/")[2]
            )
            return f"from {source} to {destination}"
        case EdgeResourceRow():
            names = sorted(name_of(world, f"node/{each}") for each in row.node_ids)
            return f"attached to {', '.join(names)}" if names else "attached to no node"
        case VolumeRow():
            names = sorted(name_of(world, f"node/{each}") for each in row.settings.node_ids)
            return f"for {', '.join(names)}" if names else "for no node"
    return "as it was made"
