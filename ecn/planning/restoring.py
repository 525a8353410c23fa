"""The commands that let a thing stand as it stood, or why there are none. Pure.

References are followed by id where what they name is still there, else by the name it had then:
a microservice returns to the node that it ran on, also if that was renamed, and to another node
of that name if it was replaced. Ids return too, so that their history goes on, and a container
that a device never removed is right again.
"""

from msgspec import Struct

from ecn.api.plan_documents import Caution
from ecn.commands.application import (
    DeleteApplication,
    DeleteMicroservice,
)
from ecn.commands.catalog import DeleteCatalogItem, DeleteRegistry, RestoreRegistry
from ecn.commands.edge_resource import DeleteEdgeResource
from ecn.commands.node import RegisterNode, UpdateNode
from ecn.commands.route import DeleteRoute
from ecn.commands.template import DeleteTemplate
from ecn.commands.together import (
    ApplicationStanding,
    CatalogItemStanding,
    EdgeResourceStanding,
    MicroserviceStanding,
    NodeStanding,
    RouteStanding,
    SettingStanding,
    SingleCommand,
    Subject,
    TemplateStanding,
    VolumeStanding,
)
from ecn.commands.volume import DeleteVolume
from ecn.deciders.standing import id_of, name_of, standing
from ecn.errors import NameTaken, NotRestorable
from ecn.planning import restoring_applications as applications
from ecn.planning import restoring_offers as offers
from events.catalog import RegistrySettings
from events.ids import (
    ApplicationId,
    CatalogItemId,
    EdgeResourceId,
    MicroserviceId,
    NodeId,
    RegistryId,
    RouteId,
    TemplateId,
    VolumeId,
)
from events.network import DefaultRouter
from projections.network import BROKER, broker
from projections.nodes import NodeState
from projections.world import World


class Then(Struct, frozen=True):
    """What is to be restored to."""

    world: World
    lost: frozenset[str] = frozenset()
    """Ids of the secrets of that world that can't be opened any more."""


def restoring(now: World, then: Then, each: Subject) -> list[SingleCommand]:
    """The commands that let it stand as it did. Errors: NotRestorable."""
    old = id_of(then.world, each)
    stood = standing(then.world, each)
    here = id_of(now, each)
    if each.kind == "network" and BROKER in (old, here):
        return _broker(now, then.world)
    if old is None or stood is None:
        return _gone(now, then.world, each)
    match stood:
        case NodeStanding():
            return [_node_as(now, NodeId(old), stood)]
        case RegistrySettings():
            return [_registry_as(now, then, here, RegistryId(old), stood)]
        case ApplicationStanding():
            present = None if here is None else ApplicationId(here)
            return applications.application_as(now, then.world, present, ApplicationId(old), stood)
        case MicroserviceStanding():
            mine = None if here is None else MicroserviceId(here)
            return applications.microservice_as(now, then.world, mine, MicroserviceId(old))
        case RouteStanding():
            way = None if here is None else RouteId(here)
            return applications.route_as(now, then.world, way, RouteId(old))
        case TemplateStanding():
            template = None if here is None else TemplateId(here)
            return [offers.template_as(now, template, TemplateId(old), stood)]
        case CatalogItemStanding():
            item = None if here is None else CatalogItemId(here)
            return [offers.catalog_item_as(now, then.world, item, CatalogItemId(old), stood)]
        case EdgeResourceStanding():
            resource = None if here is None else EdgeResourceId(here)
            return offers.edge_resource_as(now, then.world, resource, EdgeResourceId(old), stood)
        case VolumeStanding():
            volume = None if here is None else VolumeId(here)
            return [offers.volume_as(now, then.world, volume, VolumeId(old), stood)]
        case DefaultRouter() | SettingStanding():
            return [offers.set_as(old, stood)]


def _gone(now: World, then: World, each: Subject) -> list[SingleCommand]:
    """It was not there then."""
    name, key = name_of(now, each), id_of(now, each)
    if key is None:
        return []
    match each.kind:
        case "application":
            return [DeleteApplication(application_id=ApplicationId(key))]
        case "microservice":
            return [DeleteMicroservice(microservice_id=MicroserviceId(key))]
        case "route":
            return [DeleteRoute(route_id=RouteId(key))]
        case "template":
            return [DeleteTemplate(template_id=TemplateId(key))]
        case "catalog-item":
            return [DeleteCatalogItem(catalog_item_id=CatalogItemId(key))]
        case "registry":
            return [DeleteRegistry(registry_id=RegistryId(key))]
        case "edge-resource":
            return [DeleteEdgeResource(edge_resource_id=EdgeResourceId(key))]
        case "volume":
            return [DeleteVolume(volume_id=VolumeId(key))]
        case "network":
            raise NotRestorable(
                f"{name!r} was not set at position {then.position}, and nothing unsets it",
                next_step=f"Give it the value that it should have: ecn update network {name}=VALUE",
            )
    raise NotRestorable(
        f"there was no node {name!r} at position {then.position}, and a revert deletes no node: "
        "its device would be parted from it for good",
        next_step=f"Delete it if you mean it: ecn delete node {name}",
    )


def _broker(now: World, then: World) -> list[SingleCommand]:
    if broker(now) == broker(then):
        return []
    raise NotRestorable(
        "where the interior router is, is what controllers are started with",
        next_step="Start them with another file: ecn controller --broker FILE, or --forget-broker",
    )


def _node_as(now: World, node_id: NodeId, stood: NodeStanding) -> SingleCommand:
    row = now.nodes.get(node_id)
    if row is None:
        return RegisterNode(node_id=node_id, name=stood.name, settings=stood.settings)
    return UpdateNode(
        node_id=node_id,
        name=stood.name,
        settings=stood.settings,
        seen=(row.name, row.settings),
    )


def _registry_as(
    now: World, then: Then, here: str | None, old: RegistryId, stood: RegistrySettings
) -> SingleCommand:
    name = then.world.registries[old].name
    if here is None and now.registries.one("name", name) is not None:
        raise NameTaken("registry", name)  # it would be changed, and may be about to go
    if stood.password is not None and stood.password.secret_id in then.lost:
        raise NotRestorable(
            f"the password that registry {name!r} had is destroyed, and nothing keeps a copy",
            next_step="Deploy the registry as it should be, with password_from: ecn deploy -f FILE",
        )
    return RestoreRegistry(registry_id=old, name=name, settings=stood)


def cautions(now: World, then: Then, each: Subject, about: str) -> list[Caution]:
    """What a restored thing is not."""
    if each.kind == "registry":
        was, is_ = standing(then.world, each), standing(now, each)
        if (
            isinstance(was, RegistrySettings)
            and isinstance(is_, RegistrySettings)
            and is_.password is not None
            and was.password != is_.password
        ):
            return [
                Caution(
                    code="password-destroyed",
                    about=about,
                    says="the password that it has now is destroyed: no revert brings it back",
                )
            ]
    if each.kind == "node":
        node, past = now.nodes.get(NodeId(each.key)), then.world.nodes.get(NodeId(each.key))
        parted = node is None or node.state is NodeState.REGISTERED
        if past is not None and past.state is not NodeState.REGISTERED and parted:
            return [
                Caution(
                    code="needs-a-key",
                    about=about,
                    says="its device does not come back by itself: it needs a new key",
                    next_step=f"ecn provision-key {past.name}",
                )
            ]
    return []
