"""The world as an ioFog agent is told of it: flags, settings, microservices. Pure."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ecn.iofog import system, times
from ecn.iofog.registries import FROM_CACHE, PUBLIC, Registry, registries, registry_number
from events.application import Protocol, PullPolicy, VolumeKind
from events.ids import MicroserviceId, NodeId
from projections import changes
from projections.changes import ChangesRow
from projections.desired_state import should_run, wanted
from projections.flags import Flag
from projections.host_templates import resolved_hosts
from projections.images import image_for, pull_for, registry_for
from projections.microservices import MicroserviceRow
from projections.routers import router_address
from projections.routes import takes_all
from projections.world import World

GET_IMAGE = "get_image"
"""Stands in a microservice whose container's image is asked for."""


class Nothing(Struct, frozen=True):
    """An answer that only says that all is well: agents want an object."""


class Flags(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent is to look at, and up to when it was told."""

    config: bool
    version: bool
    reboot: bool
    delete_node: bool
    microservice_list: bool
    microservice_config: bool
    routing: bool
    registries: bool
    tunnel: bool
    diagnostics: bool
    is_image_snapshot: bool
    prune: bool
    router_changed: bool
    linked_edge_resources: bool
    last_updated: str


_DOWN = msgspec.json.encode(dict.fromkeys(Flag, False)).removesuffix(b"}")


def flags(row: ChangesRow) -> bytes:
    """The body of an answer to a poll: all flags, and up to when they are told."""
    up = changes.up(row)
    told = _DOWN
    rebuilds = any(stamp > row.acknowledged for stamp in row.rebuilds.values())
    if up or rebuilds:
        said = {flag: flag in up for flag in Flag}
        said[Flag.MICROSERVICE_LIST] |= rebuilds
        told = msgspec.json.encode(said).removesuffix(b"}")
    return b'%s,"lastUpdated":"%s"}' % (told, times.stamp_text(changes.latest(row)).encode())


def acknowledges(row: ChangesRow, through: int) -> bool:
    """Whether an acknowledgement up to that stamp takes anything down."""
    stamps = (*row.stamps.values(), *row.rebuilds.values())
    return any(row.acknowledged < stamp <= through for stamp in stamps)


class Config(Struct, frozen=True, kw_only=True, rename="camel"):
    """A node's own settings. Never null: agents drop all of it then."""

    network_interface: str
    docker_url: str
    disk_limit: int
    disk_directory: str
    memory_limit: int
    cpu_limit: int
    log_limit: int
    log_directory: str
    log_file_count: int
    status_frequency: int
    change_frequency: int
    device_scan_frequency: int
    watchdog_enabled: bool
    latitude: float
    longitude: float
    log_level: str
    available_disk_threshold: int
    docker_pruning_frequency: int
    router_host: str | UnsetType = UNSET
    router_port: int | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


def config(world: World, node_id: NodeId) -> Config:
    """The node's own settings, and where its agent finds the router."""
    settings = world.nodes[node_id].settings
    agent, router = settings.agent, router_address(world, node_id)
    return Config(
        network_interface=agent.network_interface,
        docker_url=agent.engine_url,
        disk_limit=agent.disk_limit_gib,
        disk_directory=agent.disk_directory,
        memory_limit=agent.memory_limit_mib,
        cpu_limit=agent.cpu_limit_percent,
        log_limit=agent.log_limit_gib,
        log_directory=agent.log_directory,
        log_file_count=agent.log_files,
        status_frequency=agent.status_interval,
        change_frequency=agent.change_interval,
        device_scan_frequency=agent.device_scan_interval,
        watchdog_enabled=agent.watchdog,
        latitude=settings.latitude or 0.0,
        longitude=settings.longitude or 0.0,
        log_level=agent.log_level,
        available_disk_threshold=agent.disk_threshold_percent,
        docker_pruning_frequency=agent.pruning_interval_hours,
        router_host=UNSET if router is None else router.host,
        router_port=UNSET if router is None else router.port,
        time_zone=agent.time_zone or UNSET,
    )


class AgentRegistry(Registry, frozen=True, kw_only=True, rename="camel"):
    """A registry, with what it takes to pull from it."""

    password: str


def registries_with(world: World, passwords: Mapping[int, str]) -> list[AgentRegistry]:
    """All registries. passwords: opened, by the registry's number.

    One without a user is a public one: agents would try to log in.
    """
    return [
        AgentRegistry(
            **{
                **{field: getattr(each, field) for field in each.__struct_fields__},
                "is_public": each.is_public or not each.username,
            },
            password=passwords.get(each.id, ""),
        )
        for each in registries(world).registries
    ]


class PortMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """A port of the device that leads into a container."""

    port_internal: int
    port_external: int
    is_udp: bool


class VolumeMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something of the device that a container sees."""

    host_destination: str
    container_destination: str
    access_mode: str
    type: str


class Variable(Struct, frozen=True):
    """Of a container's environment."""

    key: str
    value: str


class Microservice(Struct, frozen=True, kw_only=True, rename="camel"):
    """One microservice that the device should run."""

    uuid: str
    image_id: str
    config: str
    rebuild: bool
    root_host_access: bool
    log_size: int
    registry_id: int
    port_mappings: list[PortMapping]
    volume_mappings: list[VolumeMapping]
    image_snapshot: str
    delete: bool = False
    delete_with_cleanup: bool = False
    env: list[Variable]
    extra_hosts: list[str]
    cmd: list[str]
    routes: list[str]
    is_consumer: bool


Anew = Callable[[World, NodeId, MicroserviceId], bool]
"""Whether a node's agent is to be told to make a container anew."""


def to_be_made_anew(world: World, node_id: NodeId, key: MicroserviceId) -> bool:
    """As long as the agent has not acknowledged it."""
    row = world.changes.get(node_id)
    return row is not None and changes.to_rebuild(row, key)


def microservices(
    world: World, node_id: NodeId, anew: Anew = to_be_made_anew
) -> list[Microservice]:
    """All that the device should run; what is left out it removes."""
    return list(_every(world, node_id, anew))


def microservice(world: World, node_id: NodeId, key: MicroserviceId) -> Microservice | None:
    """One of them."""
    return next(
        (each for each in _every(world, node_id, to_be_made_anew) if each.uuid == key), None
    )


def _every(world: World, node_id: NodeId, anew: Anew) -> Iterator[Microservice]:
    for own in system.of_node(world, node_id):
        yield _system(own)
    rows = {key: row for key, row in wanted(world, node_id).items() if should_run(world, row)}
    for key in sorted(rows, key=lambda key: rows[key].number):
        image = image_for(world, rows[key].spec, world.nodes[node_id])
        if image is not None:
            yield _users(world, key, rows[key], image, rebuild=anew(world, node_id, key))


def _system(own: system.SystemMicroservice) -> Microservice:
    return Microservice(
        uuid=own.microservice_id,
        image_id=own.image,
        config=own.config,
        rebuild=False,
        root_host_access=own.host_network,
        log_size=1,
        registry_id=PUBLIC,
        port_mappings=[
            PortMapping(port_internal=port, port_external=port, is_udp=False) for port in own.ports
        ],
        volume_mappings=[],
        image_snapshot="",
        env=[],
        extra_hosts=[],
        cmd=[],
        routes=[],
        is_consumer=False,
    )


def _users(
    world: World, key: MicroserviceId, row: MicroserviceRow, image: str, *, rebuild: bool
) -> Microservice:
    spec = row.spec
    routes = sorted(
        (way for each in world.routes.find("source", key) if takes_all(way := world.routes[each])),
        key=lambda route: route.number,
    )
    return Microservice(
        uuid=key,
        image_id=image,
        config=spec.config,
        rebuild=rebuild,
        root_host_access=spec.host_network,
        log_size=max(1, spec.log_limit_mib),
        registry_id=_registry(world, row),
        port_mappings=[
            PortMapping(
                port_internal=each.container,
                port_external=each.host,
                is_udp=each.protocol is Protocol.UDP,
            )
            for each in spec.ports
        ],
        # ioFog's agents know no memory file systems: those are left out.
        volume_mappings=[
            VolumeMapping(
                host_destination=each.source,
                container_destination=each.target,
                access_mode="ro" if each.read_only else "rw",
                type=each.kind,
            )
            for each in spec.volumes
            if each.kind in (VolumeKind.BIND, VolumeKind.VOLUME)
        ],
        image_snapshot="" if row.snapshot is None else GET_IMAGE,
        env=[Variable(name, value) for name, value in spec.env.items()],
        extra_hosts=[f"{each.name}:{each.address}" for each in resolved_hosts(world, spec)],
        cmd=spec.command,
        routes=list(
            dict.fromkeys(end for each in routes if (end := each.ends.destination) is not None)
        ),
        is_consumer=any(
            takes_all(world.routes[each]) for each in world.routes.find("destination", key)
        ),
    )


def _registry(world: World, row: MicroserviceRow) -> int:
    """By number, where its image comes from."""
    if pull_for(world, row.spec) is PullPolicy.NEVER:
        return FROM_CACHE
    return registry_number(world, registry_for(world, row.spec), from_cache=False)
