"""Events in a few words, for people who read why something is as it is. Pure."""

from typing import assert_never

from msgspec import Raw

from ecn.api.history_documents import EventGlance
from ecn.history.route_words import dropped, way, why
from events.application import (
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationRenamed,
    ApplicationStarted,
    ApplicationStopped,
    ApplicationUpdated,
    ContainerReported,
    ContainerStatus,
    Health,
    MicroserviceCreated,
    MicroserviceDeleted,
    MicroserviceMoved,
    MicroserviceRebuilt,
    MicroserviceRenamed,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    SnapshotRequested,
    TracingSwitched,
)
from events.catalog import (
    CatalogItemCreated,
    CatalogItemDeleted,
    CatalogItemUpdated,
    RegistryCreated,
    RegistryDeleted,
    RegistryUpdated,
)
from events.edge_resource import (
    EdgeResourceCreated,
    EdgeResourceDeleted,
    EdgeResourceLinked,
    EdgeResourceUnlinked,
    EdgeResourceUpdated,
)
from events.envelope import Recorded, UnknownEvent
from events.ids import NodeId
from events.network import BrokerSet, DefaultRouterSet, NetworkSettingChanged
from events.node import (
    InstructionCarriedOut,
    NodeCameOnline,
    NodeChangesAcknowledged,
    NodeDeleted,
    NodeDeprovisioned,
    NodeFactsReported,
    NodeInstructed,
    NodeProvisioned,
    NodeRegistered,
    NodeRenamed,
    NodeUpdated,
    NodeWentOffline,
    OfflineReason,
    ProvisioningKeyIssued,
    TunnelClosed,
    TunnelOpened,
)
from events.route import (
    RouteCreated,
    RouteDeleted,
    RouteDropped,
    RouteUpdated,
)
from events.session import (
    DeviceSessionClosed,
    DeviceSessionOpened,
    SessionClosed,
    SessionOpened,
)
from events.template import TemplateCreated, TemplateDeleted, TemplateUpdated
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged
from events.user import (
    TokenIssued,
    TokenRenewed,
    TokenRevoked,
    UserCreated,
    UserDeleted,
    UserPasswordChanged,
    UserProfileChanged,
    UserRoleChanged,
)
from events.volume import VolumeCreated, VolumeDeleted, VolumeUpdated
from projections import things
from projections.world import World

LONGEST_PATCH = 200
"""Characters of a patch that are shown."""

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
    kind, _, key = subject.partition("/")
    return things.name_of(world, kind, key)


def actor_name(world: World, actor: str) -> str:
    """The actor, a node by its name."""
    return f"node/{name_of(world, actor)}" if actor.startswith("node/") else actor


def node_name(world: World, node_id: NodeId) -> str:
    """The last name of a node, gone or not."""
    return name_of(world, f"node/{node_id}")


def status_text(status: ContainerStatus) -> str:
    """`running (unhealthy)`, `failed: no such image`."""
    health = "" if status.health in (Health.NONE, Health.HEALTHY) else f" ({status.health})"
    words = f"{status.state}{health}{': ' if status.reason else ''}{status.reason}"
    since = "" if status.since is None else f" since {status.since:%Y-%m-%d %H:%M:%SZ}"
    if status.repeats > 1:
        ways = ", ".join(dict.fromkeys(passed.state.value for passed in status.between))
        words += f" ({status.repeats} times{since}{', each after ' if ways else ''}{ways})"
    if status.dropped:
        words += f" (after {status.dropped} transitions{since} that the device had no room for)"
    return words


def said(world: World, recorded: Recorded) -> str:
    """What happened, in a few words that need no subject before them."""
    event = recorded.event
    match event:
        case UnknownEvent():
            return recorded.type
        case ContainerReported():
            return status_text(event.status)
        case MicroserviceCreated():
            return f"created on {node_name(world, event.node_id)} with {_made_of(event.spec)}"
        case MicroserviceMoved():
            came, went = node_name(world, event.from_node_id), node_name(world, event.to_node_id)
            return f"moved from {came} to {went}"
        case NodeRenamed() | ApplicationRenamed() | MicroserviceRenamed():
            return f"renamed to {event.name}"
        case MicroserviceRebuilt():
            return "told to be made anew"
        case TracingSwitched():
            return f"tracing switched {'on' if event.enabled else 'off'}"
        case SnapshotRequested():
            return "asked for an image of its container"
        case NodeInstructed():
            return f"told to {event.instruction}"
        case NodeChangesAcknowledged():
            return "did what it was told"
        case TunnelOpened():
            return f"told to hold a tunnel to {event.host}:{event.remote_port}"
        case TunnelClosed():
            return "told to close its tunnel"
        case RouteCreated():
            return f"created {_way(world, event)}"
        case RouteUpdated():
            return f"updated: {event.name} {_way(world, event)}"
        case RouteDropped():
            return f"lost {dropped(event)} on {node_name(world, event.node_id)}: {why(event)}"
        case EdgeResourceLinked():
            return f"attached to {node_name(world, event.node_id)}"
        case EdgeResourceUnlinked():
            return f"detached from {node_name(world, event.node_id)}"
        case DefaultRouterSet():
            return f"set to {event.router.host}"
        case BrokerSet():
            return f"set to {event.broker.url}" if event.broker is not None else "taken away"
        case NetworkSettingChanged():
            return f"set to {event.value}"
        case UserProfileChanged():
            return "goes by another name"
        case TokenRenewed():
            return "had a token renewed"
        case NodeProvisioned():
            return "a device became this node"
        case NodeDeprovisioned():
            return "parted from its device"
        case NodeCameOnline():
            return "came online"
        case NodeWentOffline():
            return f"went offline: {OFFLINE[event.reason]}"
        case NodeFactsReported():
            facts = event.facts
            problem = (
                facts.engine_problem
                or facts.storage_problem
                or facts.volume_problem
                or facts.local_api_problem
            )
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
        case (
            ApplicationCreated()
            | RegistryCreated()
            | CatalogItemCreated()
            | TemplateCreated()
            | EdgeResourceCreated()
            | VolumeCreated()
        ):
            return "created"
        case (
            ApplicationUpdated()
            | MicroserviceUpdated()
            | NodeUpdated()
            | RegistryUpdated()
            | CatalogItemUpdated()
            | TemplateUpdated()
            | EdgeResourceUpdated()
            | VolumeUpdated()
        ):
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
            | CatalogItemDeleted()
            | TemplateDeleted()
            | RouteDeleted()
            | EdgeResourceDeleted()
            | VolumeDeleted()
            | UserDeleted()
        ):
            return "deleted"
        case InstructionCarriedOut():
            detail = f": {event.detail}" if event.detail else ""
            return f"{event.instruction} {event.outcome}{detail}"
        case TwinDesiredChanged():
            where = " on the device" if event.node_id is not None else ""
            patch = _patch(event.patch)
            return f"desired properties changed{where} (version {event.version}): {patch}"
        case TwinReportedChanged():
            return f"reported properties changed (version {event.version}): {_patch(event.patch)}"
        case TwinEditOverruled():
            lost = _patch(event.patch)
            return f"a change of desired properties on the device gave way ({event.rule}): {lost}"
        case SessionOpened():
            words = f": {' '.join(event.command)}" if event.command else _ports(event.ports)
            return f"{event.kind} session opened{words}"
        case SessionClosed():
            return f"{event.kind} session closed {_lasted(event)}: {event.reason}"
        case DeviceSessionOpened():
            return f"tunnel session opened{_ports(event.ports)}"
        case DeviceSessionClosed():
            return f"tunnel session closed {_lasted(event)}: {event.reason}"
        case _:
            assert_never(event)


def _ports(ports: list[int]) -> str:
    return f" to {', '.join(str(port) for port in ports)}" if ports else ""


def _lasted(event: SessionClosed | DeviceSessionClosed) -> str:
    made = "" if event.connections is None else f" and {event.connections} connections"
    return f"after {event.seconds:.0f} s{made}"


def _patch(patch: Raw) -> str:
    text = bytes(patch).decode()
    return text if len(text) <= LONGEST_PATCH else f"{text[:LONGEST_PATCH]}…"


def _made_of(spec: MicroserviceSpec) -> str:
    if spec.catalog_item_id is not None:
        return f"item {spec.catalog_item_id} of the catalog"
    images = [spec.image] if spec.image else [spec.images[each] for each in sorted(spec.images)]
    return f"image {' or '.join(images)}"


def _way(world: World, event: RouteCreated | RouteUpdated) -> str:
    """Also between what is gone."""
    return way(event, lambda key: name_of(world, f"microservice/{key}").rpartition("/")[2])
