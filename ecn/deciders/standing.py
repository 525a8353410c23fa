"""How a thing stands: all of it that operators decide, and nothing that devices tell."""

from ecn.commands.together import (
    ApplicationStanding,
    MicroserviceStanding,
    NodeStanding,
    Standing,
    Subject,
)
from ecn.errors import NotFound
from events.ids import ApplicationId, MicroserviceId, NodeId
from projections.microservices import MicroserviceRow
from projections.world import World

KINDS = ("node", "application", "microservice", "registry")


def standing(world: World, subject: Subject) -> Standing | None:
    """How it stands in this world, None when there is no such thing."""
    match subject.kind:
        case "node":
            node = world.nodes.get(NodeId(subject.key))
            return None if node is None else NodeStanding(node.name, node.settings)
        case "registry":
            registry_id = world.registries.one("name", subject.key)
            return None if registry_id is None else world.registries[registry_id].settings
        case "microservice":
            key = microservice_id(world, subject.key)
            return None if key is None else _of_microservice(world.microservices[key])
        case "application":
            application_id = world.applications.one("name", subject.key)
            return None if application_id is None else _of_application(world, application_id)
    raise NotFound("kind of subject", subject.kind)


def microservice_id(world: World, key: str) -> MicroserviceId | None:
    """The microservice `<application>/<name>`, by its name only."""
    application, _, name = key.partition("/")
    application_id = world.applications.one("name", application)
    if application_id is None:
        return None
    return world.microservices.one("name", (application_id, name))


def name_of(world: World, subject: Subject) -> str:
    """What people call it in this world, or called it last."""
    if subject.kind != "node":
        return subject.key
    return world.names.get(f"node/{subject.key}") or subject.key


def _of_microservice(row: MicroserviceRow) -> MicroserviceStanding:
    return MicroserviceStanding(row.node_id, row.started, row.spec)


def _of_application(world: World, application_id: ApplicationId) -> ApplicationStanding:
    row = world.applications[application_id]
    members = sorted(
        (
            world.microservices[key]
            for key in world.microservices.find("application", application_id)
        ),
        key=lambda member: member.name,
    )
    return ApplicationStanding(
        row.description,
        row.labels,
        row.started,
        {member.name: _of_microservice(member) for member in members},
    )
