"""The commands that let a thing stand as it stood, or why there are none. Pure.

References are followed by id where what they name is still there, else by the name it had then:
a microservice returns to the node that it ran on, also if that was renamed, and to another node
of that name if it was replaced. Ids return too, so that their history goes on, and a container
that a device never removed is right again.
"""

from msgspec import Struct

from ecn.api.plan_documents import Caution
from ecn.commands.application import (
    ApplyApplication,
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    Placement,
    StartApplication,
    StopApplication,
    UpdateMicroservice,
)
from ecn.commands.catalog import DeleteRegistry, RestoreRegistry
from ecn.commands.node import RegisterNode, UpdateNode
from ecn.commands.together import (
    ApplicationStanding,
    MicroserviceStanding,
    NodeStanding,
    SingleCommand,
    Subject,
)
from ecn.deciders.standing import microservice_id, name_of, standing
from ecn.errors import NotRestorable
from events.catalog import RegistrySettings
from events.ids import ApplicationId, MicroserviceId, NodeId, RegistryId
from projections.nodes import NodeState
from projections.world import World


class Then(Struct, frozen=True):
    """What is to be restored to."""

    world: World
    lost: frozenset[str] = frozenset()
    """Ids of the secrets of that world that can't be opened any more."""


def restoring(now: World, then: Then, each: Subject) -> list[SingleCommand]:
    """The commands that let it stand as it did. Errors: NotRestorable."""
    match standing(then.world, each):
        case NodeStanding() as stood:
            return [_node_as(now, NodeId(each.key), stood)]
        case RegistrySettings() as stood:
            return [_registry_as(now, then, each.key, stood)]
        case MicroserviceStanding() as stood:
            return [_microservice_as(now, then.world, each.key, stood)]
        case ApplicationStanding() as stood:
            return _application_as(now, then.world, each.key, stood)
    return _gone(now, then.world, each)


def _gone(now: World, then: World, each: Subject) -> list[SingleCommand]:
    """It was not there then."""
    name = name_of(now, each)
    match each.kind:
        case "application":
            application_id = now.applications.one("name", each.key)
            return [DeleteApplication(application_id=application_id)] if application_id else []
        case "microservice":
            key = microservice_id(now, each.key)
            return [DeleteMicroservice(microservice_id=key)] if key else []
        case "registry":
            registry_id = now.registries.one("name", each.key)
            return [DeleteRegistry(registry_id=registry_id)] if registry_id else []
    if each.key not in now.nodes:
        return []
    raise NotRestorable(
        f"there was no node {name!r} at position {then.position}, and a revert deletes no node: "
        "its device would be parted from it for good",
        next_step=f"Delete it if you mean it: ecn delete node {name}",
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


def _registry_as(now: World, then: Then, name: str, stood: RegistrySettings) -> SingleCommand:
    if stood.password is not None and stood.password.secret_id in then.lost:
        raise NotRestorable(
            f"the password that registry {name!r} had is destroyed, and nothing keeps a copy",
            next_step="Deploy the registry as it should be, with password_from: ecn deploy -f FILE",
        )
    registry_id = then.world.registries.one("name", name)
    return RestoreRegistry(registry_id=registry_id or RegistryId(name), name=name, settings=stood)


def _application_as(
    now: World, then: World, name: str, stood: ApplicationStanding
) -> list[SingleCommand]:
    old = then.applications.one("name", name)
    application_id = now.applications.one("name", name) or old or ApplicationId(name)
    restored: list[SingleCommand] = [
        ApplyApplication(
            application_id=application_id,
            name=name,
            description=stood.description,
            labels=stood.labels,
            microservices=[
                _placement(now, then, f"{name}/{member}", as_it_was)
                for member, as_it_was in stood.microservices.items()
            ],
        )
    ]
    kind = StartApplication if stood.started else StopApplication
    return [*restored, kind(application_id=application_id)]


def _microservice_as(
    now: World, then: World, key: str, stood: MicroserviceStanding
) -> SingleCommand:
    placement, present = _placement(now, then, key, stood), microservice_id(now, key)
    if present is not None:
        return UpdateMicroservice(
            microservice_id=present,
            placement=placement,
            seen=now.microservices[present].revision,
        )
    application = key.partition("/")[0]
    application_id = now.applications.one("name", application)
    if application_id is None:
        raise NotRestorable(
            f"its application {application!r} is not there any more",
            next_step=f"Revert the application: application/{application}",
        )
    return CreateMicroservice(application_id=application_id, placement=placement)


def _placement(now: World, then: World, key: str, stood: MicroserviceStanding) -> Placement:
    registry_id = stood.spec.registry_id
    registry = None
    if registry_id is not None:
        there = registry_id in now.registries
        registry = registry_id if there else then.registries[registry_id].name
    there = stood.node_id in now.nodes
    return Placement(
        microservice_id=microservice_id(then, key) or MicroserviceId(key),
        name=key.partition("/")[2],
        node=stood.node_id if there else then.nodes[stood.node_id].name,
        registry=registry,
        started=stood.started,
        spec=stood.spec,
    )


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
