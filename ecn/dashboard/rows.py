"""The world as the rows that the dashboard shows. Pure."""

from msgspec.structs import asdict

from ecn.api import offer_views, views
from ecn.dashboard.brief import brief
from ecn.dashboard.documents import (
    ApplicationItem,
    EventLine,
    MicroserviceItem,
    NodeItem,
    Put,
    RouteItem,
)
from events.application import ContainerState, ContainerStatus
from events.envelope import Recorded
from events.ids import ApplicationId, MicroserviceId, NodeId, RouteId
from projections.images import image_for
from projections.world import World

PROBLEMS = ("engine_problem", "volume_problem", "storage_problem", "local_api_problem")


def everything(world: World) -> Put:
    """All rows, in no particular order."""
    return Put(
        nodes=[node(world, key) for key in world.nodes],
        applications=[application(world, key) for key in world.applications],
        microservices=[microservice(world, key) for key in world.microservices],
        routes=[route(world, key) for key in world.routes],
        registries=[views.registry(world, key) for key in world.registries],
        templates=[offer_views.template(world, key) for key in world.templates],
        edge_resources=[offer_views.edge_resource(world, key) for key in world.edge_resources],
        volumes=[offer_views.volume(world, key, contents=False) for key in world.volumes],
    )


def node(world: World, key: NodeId) -> NodeItem:
    """One node."""
    row = world.nodes[key]
    said, facts = row.settings, row.facts
    return NodeItem(
        id=key,
        name=row.name,
        state=row.state,
        since=row.since,
        offline_reason=row.offline_reason or "",
        description=said.description,
        labels=said.labels,
        tags=said.tags,
        location=said.location,
        latitude=said.latitude,
        longitude=said.longitude,
        system=said.system,
        agent_version=facts.agent_version,
        architecture=facts.architecture,
        operating_system=facts.operating_system,
        engine_version=facts.engine_version,
        problems=[text for each in PROBLEMS if (text := getattr(facts, each))],
        cpus=facts.cpus,
        memory_mib=facts.memory_mib,
        disk_mib=facts.disk_mib,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def application(world: World, key: ApplicationId) -> ApplicationItem:
    """One application."""
    row = world.applications[key]
    return ApplicationItem(
        id=key,
        name=row.name,
        description=row.description,
        labels=row.labels,
        started=row.started,
        system=row.system,
        state=views.application(world, key).state,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def microservice(world: World, key: MicroserviceId) -> MicroserviceItem:
    """One microservice."""
    row = world.microservices[key]
    said = world.statuses.get(key)
    status = said or ContainerStatus(state=ContainerState.QUEUED, at=row.updated_at)
    return MicroserviceItem(
        id=key,
        name=row.name,
        application_id=row.application_id,
        node_id=row.node_id,
        image=image_for(world, row.spec, world.nodes[row.node_id]) or "",
        started=row.started,
        state=status.state,
        reason=status.reason,
        exit_code=status.exit_code,
        health=status.health,
        restarts=status.restarts,
        at=status.at,
        current=said is not None and said.revision >= row.revision,
        ports=row.spec.ports,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def route(world: World, key: RouteId) -> RouteItem:
    """One route."""
    row = world.routes[key]
    document = asdict(offer_views.route(world, key, None))
    same = {
        name: document[name]
        for name in RouteItem.__struct_fields__
        if name in document and name not in ("id", "source_id", "destination_id")
    }
    return RouteItem(
        id=key,
        application_id=row.application_id,
        source_id=row.ends.source,
        destination_id=row.ends.destination,
        **same,
    )


def line(world: World, recorded: Recorded) -> EventLine:
    """One event."""
    said = views.event(world, recorded)
    return EventLine(
        position=said.position,
        time=said.time,
        type=said.type,
        subject=said.subject,
        subject_name=said.subject_name,
        actor_name=said.actor_name,
        command_id=said.command_id,
        correlation_id=said.correlation_id,
        data=brief(recorded),
    )
