"""The world as the rows that the dashboard shows. Pure."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from ecn.api import offer_views, views
from ecn.dashboard.brief import brief
from ecn.dashboard.documents import (
    ApplicationItem,
    EventLine,
    MicroserviceItem,
    NetworkItem,
    NodeItem,
    Put,
    RouteItem,
)
from events.application import ContainerState, ContainerStatus
from events.envelope import Recorded
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
from projections.catalog import catalog_item, catalog_items
from projections.images import image_for
from projections.world import World

PROBLEMS = ("engine_problem", "volume_problem", "storage_problem", "local_api_problem")
NETWORK = "network"
"""The id of the one row of its kind."""


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
        state=views.application_state(world, key),
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
    return RouteItem(
        id=key,
        name=row.name,
        application_id=row.application_id,
        source_id=row.ends.source,
        destination_id=row.ends.destination,
        **asdict(row.terms),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def network(world: World) -> NetworkItem:
    """The network as a whole."""
    said = offer_views.network(world, stale=False)
    return NetworkItem(
        id=NETWORK,
        name=NETWORK,
        default_router=said.default_router,
        interior_router=said.interior_router,
        settings=said.settings,
    )


class Kind(NamedTuple):
    """Rows of one kind, as `Put` names it. Users and tokens are none of them."""

    keys: Callable[[World], Iterable[str]]
    has: Callable[[World, str], bool]
    row: Callable[[World, str], Struct]
    """Of one that is there."""


KINDS = {
    "nodes": Kind(
        lambda world: world.nodes,
        lambda world, key: key in world.nodes,
        lambda world, key: node(world, NodeId(key)),
    ),
    "applications": Kind(
        lambda world: world.applications,
        lambda world, key: key in world.applications,
        lambda world, key: application(world, ApplicationId(key)),
    ),
    "microservices": Kind(
        # Those of a node in a row: a fifth less to be sent, once it is packed.
        lambda world: sorted(world.microservices, key=lambda key: world.microservices[key].node_id),
        lambda world, key: key in world.microservices,
        lambda world, key: microservice(world, MicroserviceId(key)),
    ),
    "routes": Kind(
        lambda world: world.routes,
        lambda world, key: key in world.routes,
        lambda world, key: route(world, RouteId(key)),
    ),
    "registries": Kind(
        lambda world: world.registries,
        lambda world, key: key in world.registries,
        lambda world, key: views.registry(world, RegistryId(key)),
    ),
    "catalog_items": Kind(
        catalog_items,
        lambda world, key: catalog_item(world, CatalogItemId(key)) is not None,
        lambda world, key: offer_views.catalog_item(world, CatalogItemId(key)),
    ),
    "templates": Kind(
        lambda world: world.templates,
        lambda world, key: key in world.templates,
        lambda world, key: offer_views.template(world, TemplateId(key)),
    ),
    "edge_resources": Kind(
        lambda world: world.edge_resources,
        lambda world, key: key in world.edge_resources,
        lambda world, key: offer_views.edge_resource(world, EdgeResourceId(key)),
    ),
    "volumes": Kind(
        lambda world: world.volumes,
        lambda world, key: key in world.volumes,
        lambda world, key: offer_views.volume(world, VolumeId(key), contents=False),
    ),
    "network": Kind(
        lambda _: (NETWORK,),
        lambda _, key: key == NETWORK,
        lambda world, _: network(world),
    ),
}


def everything(world: World) -> Put:
    """All rows, in no particular order."""
    return put(
        {name: [kind.row(world, key) for key in kind.keys(world)] for name, kind in KINDS.items()}
    )


def put(rows: dict[str, list[Struct]]) -> Put:
    """These rows, by kind."""
    return Put(**rows)  # type: ignore[arg-type]  # each kind makes rows of its own type


def line(world: World, recorded: Recorded) -> EventLine:
    """One event, as it is called in that world."""
    return EventLine(
        position=recorded.position,
        time=recorded.time,
        type=recorded.type,
        subject=recorded.subject,
        subject_name=world.names.get(recorded.subject) or "",
        actor_name=views.actor_name(world, recorded.actor),
        command_id=recorded.command_id,
        correlation_id=recorded.correlation_id,
        data=brief(recorded),
    )
