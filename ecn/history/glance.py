"""Events in a few words, for people who read why something is as it is. Pure."""

from typing import assert_never

from ecn.api.history_documents import EventGlance
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    ContainerReported,
    ContainerStatus,
    Health,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
)
from events.catalog import RegistryCreated, RegistryDeleted, RegistryUpdated
from events.envelope import Recorded, UnknownEvent
from events.ids import NodeId
from events.node import (
    NodeCameOnline,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFactsReported,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
)
from events.user import (
    TokenIssued,
    TokenRevoked,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
    UserRoleChanged,
)
from projections.world import World

OFFLINE = {
    OfflineReason.SILENT: "nothing is heard of it",
    OfflineReason.STOPPED: "its agent was stopped",
    OfflineReason.DEPROVISIONED: "it was deprovisioned",
}


def glance(world: World, recorded: Recorded) -> EventGlance:
    """The event with the names that the world knows."""
    return EventGlance(
        position=recorded.position,
        time=recorded.time,
        type=recorded.type,
        subject=recorded.subject,
        subject_name=name_of(world, recorded.subject),
        actor=recorded.actor,
        actor_name=actor_name(world, recorded.actor),
        command_id=recorded.command_id,
        correlation_id=recorded.correlation_id,
        text=said(world, recorded),
    )


def name_of(world: World, subject: str) -> str:
    """The last name of the subject, its id if it never had one."""
    return world.names.get(subject) or subject.partition("/")[2]


def actor_name(world: World, actor: str) -> str:
    """The actor, a node by its name."""
    return f"node/{name_of(world, actor)}" if actor.startswith("node/") else actor


def node_name(world: World, node_id: NodeId) -> str:
    """The last name of a node, gone or not."""
    return name_of(world, f"node/{node_id}")


def status_text(status: ContainerStatus) -> str:
    """`running (unhealthy)`, `failed: no such image`."""
    health = "" if status.health in (Health.NONE, Health.HEALTHY) else f" ({status.health})"
    return f"{status.state}{health}{': ' if status.reason else ''}{status.reason}"


def said(world: World, recorded: Recorded) -> str:
    """What happened, in a few words that need no subject before them."""
    event = recorded.event
    match event:
        case UnknownEvent():
            return recorded.type
        case ContainerReported():
            return status_text(event.status)
        case MicroserviceCreated():
            return f"created on {node_name(world, event.node_id)} with image {event.spec.image}"
        case MicroserviceMoved():
            came, went = node_name(world, event.from_node_id), node_name(world, event.to_node_id)
            return f"moved from {came} to {went}"
        case NodeRenamed():
            return f"renamed to {event.name}"
        case NodeProvisioned():
            return "a device became this node"
        case NodeDeprovisioned():
            return "parted from its device"
        case NodeCameOnline():
            return "came online"
        case NodeWentOffline():
            return f"went offline: {OFFLINE[event.reason]}"
        case NodeFactsReported():
            problem = event.facts.engine_problem
            return f"told of a change of its device{': ' if problem else ''}{problem}"
        case ProvisioningKeyIssued():
            return "got a provisioning key"
        case NodeRegistered():
            return "registered"
        case UserRoleChanged():
            return f"became {event.role}"
        case UserPasswordChanged():
            return "got another password"
        case TokenIssued():
            return "logged in" if not event.description else f"logged in: {event.description}"
        case TokenRevoked():
            return "lost a token"
        case UserCreated():
            return f"created as {event.role}"
        case ApplicationCreated() | RegistryCreated():
            return "created"
        case ApplicationUpdated() | MicroserviceUpdated() | NodeUpdated() | RegistryUpdated():
            return "updated"
        case ApplicationStarted() | MicroserviceStarted():
            return "started"
        case ApplicationStopped() | MicroserviceStopped():
            return "stopped"
        case (
            ApplicationDeleted()
            | MicroserviceDeleted()
            | NodeDeleted()
            | RegistryDeleted()
            | UserDeleted()
        ):
            return "deleted"
        case _:
            assert_never(event)
