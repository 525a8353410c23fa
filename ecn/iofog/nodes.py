"""Nodes as ioFog's clients write them: from the body of a request to our settings. Pure."""

from typing import Annotated, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from ecn.iofog.fields import Natural, NonEmpty, Port
from ecn.iofog.refusals import invalid
from events.node import (
    DEFAULT_ROUTER,
    AgentSettings,
    GpsMode,
    NodeSettings,
    Platform,
    RouterMode,
    RouterSettings,
)
from projections.routers import usual_upstreams

T = TypeVar("T")

PLATFORMS = (Platform.UNSPECIFIED, Platform.X86, Platform.ARM)
"""By ioFog's number of the type."""

FogType = Annotated[int, Meta(ge=0, le=2)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


def fog_type(platform: Platform) -> int:
    """ioFog's number of a platform."""
    return PLATFORMS.index(platform)


class AgentFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """What users and agents alike may say of how an agent works. Sizes and times as in ioFog:
    GiB, but MiB of memory; seconds, but hours of pruning."""

    docker_url: str | UnsetType = UNSET
    disk_limit: Natural | UnsetType = UNSET
    disk_directory: str | UnsetType = UNSET
    memory_limit: Natural | UnsetType = UNSET
    cpu_limit: Natural | UnsetType = UNSET
    log_limit: Natural | UnsetType = UNSET
    log_directory: str | UnsetType = UNSET
    log_file_count: Natural | UnsetType = UNSET
    log_level: str | UnsetType = UNSET
    status_frequency: Natural | UnsetType = UNSET
    change_frequency: Natural | UnsetType = UNSET
    device_scan_frequency: Natural | UnsetType = UNSET
    watchdog_enabled: bool | UnsetType = UNSET
    docker_pruning_frequency: Natural | UnsetType = UNSET
    available_disk_threshold: Natural | UnsetType = UNSET
    latitude: Latitude | UnsetType = UNSET
    longitude: Longitude | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


class UpdateNode(AgentFields, frozen=True, kw_only=True, rename="camel"):
    """What of a node is to be another. What is not said stays."""

    name: NonEmpty | UnsetType = UNSET
    fog_type: FogType | UnsetType = UNSET
    location: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    host: str | UnsetType = UNSET
    bluetooth_enabled: bool | UnsetType = UNSET
    abstracted_hardware_enabled: bool | UnsetType = UNSET
    is_system: bool | UnsetType = UNSET
    router_mode: RouterMode | UnsetType = UNSET
    messaging_port: Port | UnsetType = UNSET
    edge_router_port: Port | UnsetType = UNSET
    inter_router_port: Port | UnsetType = UNSET
    upstream_routers: list[NonEmpty] | UnsetType = UNSET
    network_router: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


class CreateNode(UpdateNode, frozen=True, kw_only=True, rename="camel"):
    """A new node."""

    name: NonEmpty
    fog_type: FogType


class AgentConfig(AgentFields, frozen=True, kw_only=True, rename="camel"):
    """What an agent says of its own settings, which count then."""

    network_interface: str | UnsetType = UNSET
    gps_mode: str | UnsetType = UNSET


def created(said: CreateNode) -> NodeSettings:
    """The settings of a new node. Errors: Refusal."""
    return _settings(NodeSettings(router=RouterSettings()), said, new=True)


def updated(before: NodeSettings, said: UpdateNode) -> NodeSettings:
    """The settings of a node that had others. Errors: Refusal."""
    return _settings(before, said, new=False)


def reported(before: NodeSettings, said: AgentConfig) -> NodeSettings:
    """The settings of a node whose agent says how it is set."""
    agent = _agent(before.agent, said)
    mode = before.agent.gps_mode
    if said.gps_mode is not UNSET:
        known = said.gps_mode.strip().lower()
        mode = GpsMode(known) if known in tuple(GpsMode) else mode
    return replace(
        before,
        latitude=_or(said.latitude, before.latitude),
        longitude=_or(said.longitude, before.longitude),
        agent=replace(
            agent,
            network_interface=_or(said.network_interface, agent.network_interface),
            gps_mode=mode,
        ),
    )


def _settings(before: NodeSettings, said: UpdateNode, *, new: bool) -> NodeSettings:
    agent = _agent(before.agent, said)
    somewhere = any(each for each in (said.latitude, said.longitude) if each is not UNSET)
    system = _or(said.is_system, before.system)
    host = _or(said.host, before.host)
    router = _router(before.router, said, system=system, new=new)
    if router is not None and router.mode is not RouterMode.NONE and not host:
        raise invalid('"host" is required')
    if new and system and router is not None and router.mode is not RouterMode.INTERIOR:
        raise invalid(f"Invalid router mode '{router.mode}'")
    return replace(
        before,
        description=_or(said.description, before.description),
        tags=_or(said.tags, before.tags),
        host=host,
        location=_or(said.location, before.location),
        latitude=_or(said.latitude, before.latitude),
        longitude=_or(said.longitude, before.longitude),
        platform=before.platform if said.fog_type is UNSET else PLATFORMS[said.fog_type],
        system=system,
        router=router,
        agent=replace(
            agent,
            bluetooth=_or(said.bluetooth_enabled, agent.bluetooth),
            hardware_abstraction=_or(said.abstracted_hardware_enabled, agent.hardware_abstraction),
            gps_mode=GpsMode.MANUAL if somewhere else agent.gps_mode,
        ),
    )


def _agent(before: AgentSettings, said: AgentFields) -> AgentSettings:
    return replace(
        before,
        engine_url=_or(said.docker_url, before.engine_url),
        disk_limit_gib=_or(said.disk_limit, before.disk_limit_gib),
        disk_directory=_or(said.disk_directory, before.disk_directory),
        memory_limit_mib=_or(said.memory_limit, before.memory_limit_mib),
        cpu_limit_percent=_or(said.cpu_limit, before.cpu_limit_percent),
        log_limit_gib=_or(said.log_limit, before.log_limit_gib),
        log_directory=_or(said.log_directory, before.log_directory),
        log_files=_or(said.log_file_count, before.log_files),
        log_level=_or(said.log_level, before.log_level),
        status_interval=_or(said.status_frequency, before.status_interval),
        change_interval=_or(said.change_frequency, before.change_interval),
        device_scan_interval=_or(said.device_scan_frequency, before.device_scan_interval),
        watchdog=_or(said.watchdog_enabled, before.watchdog),
        pruning_interval_hours=_or(said.docker_pruning_frequency, before.pruning_interval_hours),
        disk_threshold_percent=_or(said.available_disk_threshold, before.disk_threshold_percent),
        time_zone=_or(said.time_zone, before.time_zone),
    )


def _router(
    before: RouterSettings | None, said: UpdateNode, *, system: bool, new: bool
) -> RouterSettings | None:
    """The node's router. Upstreams that nobody names are the usual ones where a router is new."""
    mentioned = (
        said.router_mode,
        said.messaging_port,
        said.edge_router_port,
        said.inter_router_port,
        said.upstream_routers,
        said.network_router,
    )
    if before is None:
        if all(each is UNSET for each in mentioned):
            return None
        before = RouterSettings(mode=RouterMode.NONE)
    mode = _or(said.router_mode, before.mode)
    if mode is RouterMode.NONE:
        network_router = _or(said.network_router, before.network_router) or DEFAULT_ROUTER
        return RouterSettings(mode=mode, network_router=network_router)
    interior = mode is RouterMode.INTERIOR
    edge_port = _or(said.edge_router_port, before.edge_port)
    inter_router_port = _or(said.inter_router_port, before.inter_router_port)
    if interior and (edge_port is None or inter_router_port is None):
        missing = "edgeRouterPort" if edge_port is None else "interRouterPort"
        raise invalid(f"Required field '{missing}' is missing")
    begun = new or before.mode is RouterMode.NONE
    known = usual_upstreams(system=system) if begun else before.upstreams
    return RouterSettings(
        mode=mode,
        messaging_port=_or(said.messaging_port, before.messaging_port),
        edge_port=edge_port if interior else None,
        inter_router_port=inter_router_port if interior else None,
        upstreams=list(dict.fromkeys(_or(said.upstream_routers, known))),
    )


def _or(said: T | UnsetType, before: T) -> T:
    return before if isinstance(said, UnsetType) else said
