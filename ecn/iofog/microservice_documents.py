"""Microservices as ioFog's clients are shown them: from rows of the world to answers. Pure."""

from collections.abc import Callable, Iterable

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import asdict

from ecn.agent_status import ContainerUsage
from ecn.iofog import catalog, numbers, registries, states
from ecn.iofog.microservices import volume_number
from ecn.iofog.nodes import PLATFORMS
from ecn.iofog.owners import user_number
from ecn.iofog.times import iso, milliseconds
from events.application import (
    ContainerState,
    MicroserviceSpec,
    PortMapping,
    PullPolicy,
    VolumeKind,
    VolumeMount,
)
from events.ids import ApplicationId, MicroserviceId, NodeId
from events.node import Platform
from projections import changes
from projections.catalog import catalog_item
from projections.host_templates import resolved
from projections.images import pull_for, registry_for
from projections.microservices import MicroserviceRow
from projections.nodes import NodeState
from projections.public_ports import hosting_node, links, public_of
from projections.routes import takes_all
from projections.world import World

Usage = Callable[[NodeId, MicroserviceId], ContainerUsage | None]
"""What an agent said last of one container, beyond what the log keeps."""

NO_USAGE = ContainerUsage()


class Router(Struct, frozen=True, kw_only=True):
    """Where a public port opens."""

    port: int
    host: str


class Public(Struct, frozen=True, kw_only=True):
    """How a port is reached from elsewhere."""

    links: list[str]
    protocol: str
    schemes: list[str]
    enabled: bool
    router: Router


class Port(Struct, frozen=True, kw_only=True):
    """A port of the device that leads into the container."""

    internal: int
    external: int
    protocol: str
    public: Public | UnsetType = UNSET


class Ports(Struct, frozen=True, kw_only=True):
    """All port mappings of a microservice."""

    ports: list[Port]


class VolumeMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something of the device inside the container."""

    host_destination: str
    container_destination: str
    access_mode: str
    id: int
    type: str


class VolumeMappings(Struct, frozen=True, kw_only=True, rename="camel"):
    """All volume mappings of a microservice."""

    volume_mappings: list[VolumeMapping]


class Variable(Struct, frozen=True):
    """Of the environment."""

    key: str
    value: str


class ExtraHost(Struct, frozen=True, kw_only=True):
    """A name, what it was said to stand for, and what that is just now."""

    name: str
    address: str
    value: str


class Image(Struct, frozen=True, rename="camel"):
    """What runs on one type of device."""

    container_image: str
    fog_type_id: int


class Status(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the container stands. Times in ms, since 1970 or long; percent; bytes."""

    status: str
    start_time: int
    operating_duration: int
    cpu_usage: float
    memory_usage: float
    container_id: str
    percentage: float
    error_message: str
    created_at: str
    updated_at: str


class Microservice(Struct, frozen=True, kw_only=True, rename="camel"):
    """One microservice."""

    uuid: str
    config: str
    name: str
    root_host_access: bool
    log_size: int
    delete: bool = False
    delete_with_cleanup: bool = False
    created_at: str
    updated_at: str
    application_id: int
    catalog_item_id: int | None
    registry_id: int
    iofog_uuid: str
    user_id: int | None
    ports: list[Port]
    volume_mappings: list[VolumeMapping]
    routes: list[str]
    env: list[Variable]
    cmd: list[str]
    extra_hosts: list[ExtraHost]
    images: list[Image]
    status: Status
    application: str
    flow_id: int


class Member(Microservice, frozen=True, kw_only=True, rename="camel"):
    """One microservice where its application is shown."""

    config_last_updated: int | None = None
    is_network: bool = False
    rebuild: bool
    image_snapshot: str = ""
    catalog_number: int | None = field(name="catalog_item_id")
    node_id: str = field(name="iofog_uuid")


class Microservices(Struct, frozen=True):
    """Some microservices."""

    microservices: list[Microservice]


class Created(Struct, frozen=True):
    """A microservice that has just been made."""

    uuid: str
    name: str


class Numbered(Struct, frozen=True):
    """A thing that is known by its number."""

    id: int


class PublicPort(Struct, frozen=True, kw_only=True, rename="camel"):
    """As the port manager of a cluster is told."""

    protocol: str
    queue_name: str
    public_port: int
    is_tcp: bool
    host_id: str | None


class PublicPortOf(Struct, frozen=True, kw_only=True, rename="camel"):
    """A public port and whose it is."""

    microservice_uuid: str
    public_port: PublicPort


def microservice(world: World, key: MicroserviceId, usage: Usage) -> Microservice:
    """One microservice."""
    row = world.microservices[key]
    spec = row.spec
    application = world.applications[row.application_id]
    number = numbers.on_the_wire(application.number)
    routes = sorted(
        (way for each in world.routes.find("source", key) if takes_all(way := world.routes[each])),
        key=lambda route: route.number,
    )
    return Microservice(
        uuid=key,
        config=spec.config,
        name=row.name,
        root_host_access=spec.host_network,
        log_size=spec.log_limit_mib,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
        application_id=number,
        catalog_item_id=_catalog_number(world, spec),
        registry_id=_registry_number(world, spec),
        iofog_uuid=row.node_id,
        user_id=user_number(world, row.created_by),
        ports=ports(world, spec.ports),
        volume_mappings=volume_mappings(spec.volumes),
        routes=[end for each in routes if (end := each.ends.destination) is not None],
        env=[Variable(name, value) for name, value in spec.env.items()],
        cmd=spec.command,
        extra_hosts=[
            ExtraHost(
                name=each.name, address=each.address, value=resolved(world, each.address) or ""
            )
            for each in spec.extra_hosts
        ],
        images=_images(spec),
        status=_status(world, key, row, usage(row.node_id, key)),
        application=application.name,
        flow_id=number,
    )


def member(world: World, key: MicroserviceId, usage: Usage) -> Member:
    """One microservice as a part of its application."""
    shown = microservice(world, key, usage)
    node_id = world.microservices[key].node_id
    pending = world.changes.get(node_id)
    return Member(
        **asdict(shown),
        rebuild=pending is not None and changes.to_rebuild(pending, key),
        catalog_number=shown.catalog_item_id,
        node_id=node_id,
    )


def of_application(world: World, application_id: ApplicationId) -> list[MicroserviceId]:
    """Its microservices, by name."""
    keys = world.microservices.find("application", application_id)
    return sorted(keys, key=lambda key: world.microservices[key].name)


def all_by_name(world: World) -> list[MicroserviceId]:
    """Those of all applications, by name."""
    return sorted(world.microservices, key=lambda key: (world.microservices[key].name, key))


def ports(world: World, mappings: Iterable[PortMapping]) -> list[Port]:
    """Port mappings, with their links."""
    return [
        Port(
            internal=each.container,
            external=each.host,
            protocol=each.protocol.value,
            public=UNSET if each.public is None else _public(world, each),
        )
        for each in mappings
    ]


def volume_mappings(mounts: Iterable[VolumeMount]) -> list[VolumeMapping]:
    """Volume mappings, with their numbers; without what ioFog has no word for."""
    return [
        VolumeMapping(
            host_destination=each.source,
            container_destination=each.target,
            access_mode="ro" if each.read_only else "rw",
            id=volume_number(each),
            type=each.kind.value,
        )
        for each in mounts
        if each.kind is not VolumeKind.FILES
    ]


def public_ports(world: World) -> list[PublicPortOf]:
    """All public ports of all microservices."""
    return [
        PublicPortOf(
            microservice_uuid=key,
            public_port=PublicPort(
                protocol=public.protocol.value,
                queue_name=public.queue,
                public_port=public.port,
                is_tcp=public.protocol.value == "tcp",
                host_id=hosting_node(world, public.router),
            ),
        )
        for key in all_by_name(world)
        for _, public in public_of(world, key)
    ]


def _public(world: World, mapping: PortMapping) -> Public | UnsetType:
    public = mapping.public
    if public is None:
        return UNSET
    return Public(
        links=links(world, public),
        protocol=public.protocol.value,
        schemes=public.schemes,
        enabled=public.enabled,
        router=Router(port=public.port, host=public.router),
    )


def _images(spec: MicroserviceSpec) -> list[Image]:
    """None where it is made of a catalog item: clients look there."""
    types = [(platform.value, number) for number, platform in enumerate(PLATFORMS)]
    if spec.image:
        return [Image(spec.image, number) for word, number in types if word != Platform.UNSPECIFIED]
    return [Image(spec.images[word], number) for word, number in types if word in spec.images]


def _catalog_number(world: World, spec: MicroserviceSpec) -> int | None:
    item = None if spec.catalog_item_id is None else catalog_item(world, spec.catalog_item_id)
    return None if item is None else catalog.number(item)


def _registry_number(world: World, spec: MicroserviceSpec) -> int:
    cached = pull_for(world, spec) is PullPolicy.NEVER
    return registries.registry_number(world, registry_for(world, spec), from_cache=cached)


def _status(
    world: World, key: MicroserviceId, row: MicroserviceRow, usage: ContainerUsage | None
) -> Status:
    status = world.statuses.get(key)
    word = states.shown(status, usage, heard=world.nodes[row.node_id].state is NodeState.ONLINE)
    # Of an application that is stopped, clients wait for this word.
    if word in ("DELETED", "DELETING") and not world.applications[row.application_id].started:
        word = states.STOPPED
    last = usage or NO_USAGE
    began = last.start_time
    if not began and status is not None and status.state is ContainerState.RUNNING:
        began = milliseconds(status.at)
    return Status(
        status=word,
        start_time=began,
        operating_duration=last.operating_duration,
        cpu_usage=last.cpu_usage,
        memory_usage=last.memory_usage,
        container_id=status.container_id if status is not None else "",
        percentage=last.percentage,
        error_message=status.reason if status is not None else "",
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at if status is None else status.at),
    )
