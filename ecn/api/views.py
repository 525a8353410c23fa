"""The world as documents. Pure: the same world gives the same answer."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.api import offer_views
from ecn.api.documents import (
    ApplicationDocument,
    EventDocument,
    InstructionOutcome,
    MicroserviceDocument,
    NodeDocument,
    NodeUsage,
    OpenInstruction,
    RegistryDocument,
    RouteStatusDocument,
    UserDocument,
)
from ecn.api.manifests import (
    SPEC_FIELDS,
    catalog_item_name,
    config_document,
    volumes_as_written,
)
from events.application import ContainerState, ContainerStatus, Health
from events.envelope import Recorded
from events.ids import ApplicationId, MicroserviceId, NodeId, RegistryId, RouteId, UserId
from events.shown import shown
from projections import desired_state
from projections.images import image_for
from projections.world import World

FAILING = frozenset({ContainerState.FAILED, ContainerState.BACKING_OFF, ContainerState.UNKNOWN})


def node(
    world: World,
    node_id: NodeId,
    last_heard: datetime | None,
    said: AgentStatus | None = None,
) -> NodeDocument:
    """One node. last_heard, said: telemetry, if this controller has any."""
    row = world.nodes[node_id]
    placed = list(world.microservices.find("node", node_id))
    heard = [time for time in (row.last_seen, last_heard) if time is not None]
    return NodeDocument(
        id=node_id,
        name=row.name,
        settings=row.settings,
        state=row.state,
        since=row.since,
        offline_reason=row.offline_reason or "",
        last_seen=max(heard, default=None),
        usage=_usage(said),
        facts=row.facts,
        instructions=[
            OpenInstruction(
                told_at=each.told_at, instruction=each.instruction, version=each.version
            )
            for each in row.instructions
        ],
        outcomes=[
            InstructionOutcome(
                told_at=each.told_at,
                instruction=each.instruction,
                outcome=each.outcome,
                detail=each.detail,
                at=each.at,
            )
            for each in row.outcomes
        ],
        microservices=len(placed),
        running=sum(1 for key in placed if _runs(world, key)),
        revision=desired_state.revision(world, node_id),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _usage(said: AgentStatus | None) -> NodeUsage | None:
    if said is None:
        return None
    return NodeUsage(
        at=said.at,
        cpu_percent=said.system_total_cpu,
        memory_available_mib=_mib(said.system_available_memory),
        disk_free_mib=_mib(said.system_available_disk),
        agent_cpu_percent=said.cpu_usage,
        agent_memory_mib=said.memory_usage,
    )


def _mib(count: int | None) -> int | None:
    return None if count is None else count // (1 << 20)


Usage = Callable[[NodeId, MicroserviceId], ContainerUsage | None]
"""What agents said last of one container: telemetry."""


def microservice(
    world: World, microservice_id: MicroserviceId, usage: Usage = lambda *_: None
) -> MicroserviceDocument:
    """One microservice."""
    row = world.microservices[microservice_id]
    application_row = world.applications[row.application_id]
    node_row = world.nodes[row.node_id]
    registry_id = row.spec.registry_id
    spec = replace(row.spec, volumes=volumes_as_written(world, row.spec))
    status = world.statuses.get(microservice_id)
    return MicroserviceDocument(
        id=microservice_id,
        application=application_row.name,
        name=row.name,
        node=node_row.name,
        node_id=row.node_id,
        node_state=node_row.state,
        started=row.started,
        application_started=application_row.started,
        catalog_item=catalog_item_name(world, row.spec),
        runs_image=image_for(world, row.spec, node_row) or "",
        registry=world.registries[registry_id].name if registry_id else None,
        **{name: getattr(spec, name) for name in SPEC_FIELDS},
        config=config_document(row.spec.config),
        status=status or ContainerStatus(state=ContainerState.QUEUED, at=row.updated_at),
        tracing=row.tracing,
        pull_percent=_pulled(status, usage(row.node_id, microservice_id)),
        current=status is not None and status.revision >= row.revision,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _pulled(status: ContainerStatus | None, used: ContainerUsage | None) -> float | None:
    pulls = status is not None and status.state is ContainerState.PULLING
    return used.percentage if pulls and used is not None and used.percentage > 0 else None


def application(
    world: World,
    application_id: ApplicationId,
    usage: Usage = lambda *_: None,
    status: Callable[[RouteId], RouteStatusDocument | None] = lambda _: None,
) -> ApplicationDocument:
    """One application with its microservices, sorted by name."""
    row = world.applications[application_id]
    keys = world.microservices.find("application", application_id)
    members = sorted((microservice(world, key, usage) for key in keys), key=lambda each: each.name)
    return ApplicationDocument(
        id=application_id,
        name=row.name,
        description=row.description,
        labels=row.labels,
        started=row.started,
        system=row.system,
        state=application_state(world, application_id),
        microservices=members,
        routes=sorted(
            (
                offer_views.route(world, key, status(key))
                for key in world.routes.find("application", application_id)
            ),
            key=lambda each: each.name,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def registry(world: World, registry_id: RegistryId) -> RegistryDocument:
    """One registry, without its password."""
    row = world.registries[registry_id]
    return RegistryDocument(
        id=registry_id,
        name=row.name,
        url=row.settings.url,
        username=row.settings.username,
        has_password=row.settings.password is not None,
        email=row.settings.email,
        public=row.settings.public,
        secure=row.settings.secure,
        certificate=row.settings.certificate,
        requires_certificate=row.settings.requires_certificate,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def user(world: World, user_id: UserId) -> UserDocument:
    """One user, without anything secret."""
    row = world.users[user_id]
    return UserDocument(
        id=user_id,
        name=row.name,
        role=row.role,
        profile=row.profile,
        tokens=world.tokens.count("user", user_id),
        created_at=row.created_at,
    )


def event(world: World, recorded: Recorded) -> EventDocument:
    """One event, with the names that its subject and actor have now or had last."""
    return EventDocument(
        position=recorded.position,
        time=recorded.time,
        subject=recorded.subject,
        subject_name=world.names.get(recorded.subject) or "",
        type=recorded.type,
        actor=recorded.actor,
        actor_name=actor_name(world, recorded.actor),
        command_id=recorded.command_id,
        correlation_id=recorded.correlation_id,
        causation_id=recorded.causation_id,
        hash=recorded.hash.hex(),
        data=Raw(msgspec.json.encode(shown(recorded.data))),
    )


def _runs(world: World, microservice_id: MicroserviceId) -> bool:
    status = world.statuses.get(microservice_id)
    return status is not None and status.state is ContainerState.RUNNING


def actor_name(world: World, actor: str) -> str:
    """Who an event says it was, with a node's name in place of its id."""
    return f"node/{world.names.get(actor) or actor[5:]}" if actor.startswith("node/") else actor


SETTLED = frozenset({ContainerState.RUNNING, ContainerState.EXITED})


def application_state(world: World, application_id: ApplicationId) -> str:
    """running (all that should are), stopped, progressing, failing."""
    if not world.applications[application_id].started:
        return "stopped"
    settled = True
    for key in world.microservices.find("application", application_id):
        row = world.microservices[key]
        if not row.started:
            continue
        status = world.statuses.get(key)
        if status is None:
            settled = False
        elif status.state in FAILING or status.health is Health.UNHEALTHY:
            return "failing"
        elif status.revision < row.revision or status.state not in SETTLED:
            settled = False
    return "running" if settled else "progressing"
