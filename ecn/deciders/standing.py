"""How a thing stands: all of it that operators decide, and nothing that devices tell."""

from collections.abc import Callable

from ecn.commands.together import (
    ApplicationStanding,
    CatalogItemStanding,
    EdgeResourceStanding,
    MicroserviceStanding,
    NodeStanding,
    RouteStanding,
    SettingStanding,
    Standing,
    Subject,
    TemplateStanding,
    VolumeStanding,
)
from ecn.deciders import find
from ecn.errors import NotFound
from events.ids import ApplicationId, MicroserviceId
from projections import things
from projections.applications import ApplicationRow
from projections.catalog import CatalogItemRow
from projections.edge_resources import EdgeResourceRow
from projections.microservices import MicroserviceRow
from projections.network import BROKER, NetworkRow
from projections.nodes import NodeRow
from projections.registries import RegistryRow
from projections.routes import RouteRow, end_names
from projections.templates import TemplateRow
from projections.twins import twin_of
from projections.volumes import VolumeRow
from projections.world import World

FINDERS: dict[str, Callable[[World, str], str]] = {
    "node": find.node,
    "application": find.application,
    "microservice": find.microservice,
    "route": find.route,
    "template": find.template,
    "catalog-item": find.catalog_item,
    "registry": find.registry,
    "edge-resource": find.edge_resource,
    "volume": find.volume,
    "network": find.set_for_network,
}
"""By kind, what a name or an id means. Users are not here: nobody brings back how they stood."""

KINDS = tuple(FINDERS)


def standing(world: World, subject: Subject) -> Standing | None:
    """How it stands in this world, None when there is no such thing."""
    key = id_of(world, subject)
    row = None if key is None else things.row_of(world, subject.kind, key)
    match row:
        case NodeRow():
            return NodeStanding(row.name, row.settings)
        case ApplicationRow():
            return _of_application(world, ApplicationId(key or ""), row)
        case MicroserviceRow():
            return _of_microservice(world, MicroserviceId(key or ""))
        case RouteRow():
            return _of_route(world, row)
        case TemplateRow():
            return TemplateStanding(row.name, row.settings)
        case CatalogItemRow():
            return CatalogItemStanding(row.name, row.settings)
        case RegistryRow():
            return row.settings
        case EdgeResourceRow():
            linked = tuple(sorted(row.node_ids))
            return EdgeResourceStanding(row.name, row.version, row.settings, linked)
        case VolumeRow():
            return VolumeStanding(row.name, row.settings)
        case NetworkRow():
            if row.broker is not None or key == BROKER:
                return None  # controllers say where it is, each time they are started
            return row.router if row.router is not None else SettingStanding(row.value or "")
    return None


def id_of(world: World, subject: Subject) -> str | None:
    """The id that it has in this world, None when there is no such thing.

    Errors: NotFound for a kind that is none.
    """
    if subject.kind not in FINDERS:
        raise NotFound("kind of subject", subject.kind)
    for ref in (subject.key, subject.was):
        if ref and things.row_of(world, subject.kind, ref) is not None:
            return ref
    try:
        return FINDERS[subject.kind](world, subject.key)
    except NotFound:
        return None


def name_of(world: World, subject: Subject) -> str:
    """What people call it in this world, or called it last."""
    named = things.name_of(world, subject.kind, subject.key)
    if named == subject.key and subject.was:
        return things.name_of(world, subject.kind, subject.was)
    return named


def _of_microservice(world: World, key: MicroserviceId) -> MicroserviceStanding:
    row, twin = world.microservices[key], twin_of(world, key)
    return MicroserviceStanding(row.name, row.node_id, row.started, row.spec, twin.desired)


def _of_route(world: World, row: RouteRow) -> RouteStanding:
    return RouteStanding(row.name, *end_names(world, row.ends), row.terms)


def _of_application(
    world: World, application_id: ApplicationId, row: ApplicationRow
) -> ApplicationStanding:
    members = [
        _of_microservice(world, key)
        for key in world.microservices.find("application", application_id)
    ]
    routes = [
        _of_route(world, world.routes[key])
        for key in world.routes.find("application", application_id)
    ]
    return ApplicationStanding(
        row.name,
        row.description,
        row.labels,
        row.started,
        row.system,
        {each.name: each for each in sorted(members, key=lambda each: each.name)},
        {each.name: each for each in sorted(routes, key=lambda each: each.name)},
    )
