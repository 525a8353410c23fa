"""Changes that name what they are about by its kind: delete, start, stop, rename. Pure."""

from collections.abc import Callable, Mapping
from typing import assert_never

from ecn.api import plan_documents as p
from ecn.commands import application as applications
from ecn.commands import catalog, edge_resource, node, template
from ecn.commands import route as routes
from ecn.commands import volume as volumes
from ecn.commands.together import SingleCommand
from ecn.deciders import find
from ecn.errors import Invalid
from projections.world import World


def of_subject(change: p.Delete | p.Start | p.Stop | p.Rename, world: World) -> SingleCommand:
    """Its command. Errors: Invalid for a kind that it is not for; NotFound."""
    match change:
        case p.Delete():
            return _delete(change, world)
        case p.Start(subject=subject):
            return _by_kind(subject, {"application": _start_all, "microservice": _start}, world)
        case p.Stop(subject=subject):
            return _by_kind(subject, {"application": _stop_all, "microservice": _stop}, world)
        case p.Rename():
            return _rename(change, world)
        case _:
            assert_never(change)


def _rename(change: p.Rename, world: World) -> SingleCommand:
    def rename_node(world: World, ref: str) -> SingleCommand:
        row = world.nodes[node_id := find.node(world, ref)]
        return node.UpdateNode(
            node_id=node_id,
            name=change.name,
            settings=row.settings,
            seen=(row.name, row.settings),
        )

    def rename_application(world: World, ref: str) -> SingleCommand:
        row = world.applications[key := find.application(world, ref)]
        return applications.UpdateApplication(
            application_id=key, name=change.name, description=row.description, system=row.system
        )

    def rename_microservice(world: World, ref: str) -> SingleCommand:
        key = find.microservice(world, ref)
        return applications.RenameMicroservice(microservice_id=key, name=change.name)

    kinds: dict[str, Callable[[World, str], SingleCommand]] = {
        "node": rename_node,
        "application": rename_application,
        "microservice": rename_microservice,
    }
    return _by_kind(change.subject, kinds, world)


def _delete(change: p.Delete, world: World) -> SingleCommand:
    def delete_node(world: World, ref: str) -> SingleCommand:
        return node.DeleteNode(node_id=find.node(world, ref), force=change.force)

    def delete_registry(world: World, ref: str) -> SingleCommand:
        return catalog.DeleteRegistry(registry_id=find.registry(world, ref))

    def delete_application(world: World, ref: str) -> SingleCommand:
        return applications.DeleteApplication(application_id=find.application(world, ref))

    def delete_microservice(world: World, ref: str) -> SingleCommand:
        return applications.DeleteMicroservice(microservice_id=find.microservice(world, ref))

    def delete_route(world: World, ref: str) -> SingleCommand:
        return routes.DeleteRoute(route_id=find.route(world, ref))

    def delete_template(world: World, ref: str) -> SingleCommand:
        return template.DeleteTemplate(template_id=find.template(world, ref))

    def delete_catalog_item(world: World, ref: str) -> SingleCommand:
        return catalog.DeleteCatalogItem(catalog_item_id=find.catalog_item(world, ref))

    def delete_edge_resource(world: World, ref: str) -> SingleCommand:
        key = find.edge_resource(world, ref)
        return edge_resource.DeleteEdgeResource(edge_resource_id=key)

    def delete_volume(world: World, ref: str) -> SingleCommand:
        return volumes.DeleteVolume(volume_id=find.volume(world, ref))

    kinds: dict[str, Callable[[World, str], SingleCommand]] = {
        "node": delete_node,
        "application": delete_application,
        "microservice": delete_microservice,
        "route": delete_route,
        "template": delete_template,
        "catalog-item": delete_catalog_item,
        "registry": delete_registry,
        "edge-resource": delete_edge_resource,
        "volume": delete_volume,
    }
    return _by_kind(change.subject, kinds, world)


def _start_all(world: World, ref: str) -> SingleCommand:
    return applications.StartApplication(application_id=find.application(world, ref))


def _stop_all(world: World, ref: str) -> SingleCommand:
    return applications.StopApplication(application_id=find.application(world, ref))


def _start(world: World, ref: str) -> SingleCommand:
    return applications.StartMicroservice(microservice_id=find.microservice(world, ref))


def _stop(world: World, ref: str) -> SingleCommand:
    return applications.StopMicroservice(microservice_id=find.microservice(world, ref))


def _by_kind(
    subject: str, kinds: Mapping[str, Callable[[World, str], SingleCommand]], world: World
) -> SingleCommand:
    kind, slash, ref = subject.partition("/")
    if kind not in kinds or not slash or not ref:
        raise Invalid(
            f"{subject!r} is nothing for this: write <kind>/<name>, of the kinds "
            + ", ".join(kinds),
            field="$.subject",
        )
    return kinds[kind](world, ref)
