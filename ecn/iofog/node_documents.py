"""Nodes as ioFog's clients are shown them: from the world and what the agent said. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ecn.agent_status import AgentStatus
from ecn.iofog import edge_resource_views, times
from ecn.iofog.nodes import fog_type
from ecn.iofog.owners import user_number
from ecn.iofog.states import UNKNOWN
from events.ids import NodeId
from events.node import DEFAULT_ROUTER, RouterMode
from projections.edge_resources import tags_of
from projections.images import platform_of
from projections.nodes import NodeRow, NodeState
from projections.routers import network_router, upstreams
from projections.world import World

NOWHERE = "0.0.0.0"  # noqa: S104  # shown where nothing was said; nobody listens there
RUNNING = "RUNNING"


class NodeDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """A node, whole. Times are ms since 1970 where they are numbers."""

    last_active: int
    daemon_operating_duration: int
    daemon_last_start: int
    repository_count: int
    system_time: int
    last_status_time: int
    processed_messages: int
    last_command_time: int
    log_file_count: int
    uuid: str
    name: str
    location: str | None
    gps_mode: str | None
    latitude: float | None
    longitude: float | None
    description: str | None
    daemon_status: str
    memory_usage: float
    disk_usage: float
    cpu_usage: float
    memory_violation: str | None
    disk_violation: str | None
    cpu_violation: str | None
    system_available_disk: int | UnsetType = UNSET
    system_available_memory: int | UnsetType = UNSET
    system_total_cpu: float | None
    security_status: str
    security_violation_info: str
    catalog_item_status: str | None = None
    repository_status: str | None
    ip_address: str
    ip_address_external: str
    host: str | None
    catalog_item_message_counts: str | None = None
    message_speed: float
    network_interface: str
    docker_url: str
    disk_limit: int
    disk_directory: str
    memory_limit: int
    cpu_limit: int
    log_limit: int
    log_directory: str
    bluetooth_enabled: bool
    abstracted_hardware_enabled: bool
    version: str | None
    is_ready_to_upgrade: bool
    is_ready_to_rollback: bool
    status_frequency: int
    change_frequency: int
    device_scan_frequency: int
    tunnel: str = ""
    watchdog_enabled: bool
    docker_pruning_frequency: int
    available_disk_threshold: int
    log_level: str
    is_system: bool
    router_id: int | None = None
    time_zone: str | None
    created_at: str
    updated_at: str
    fog_type_id: int
    user_id: int | None
    tags: list[str]
    router_mode: str
    messaging_port: int | UnsetType = UNSET
    inter_router_port: int | UnsetType = UNSET
    edge_router_port: int | UnsetType = UNSET
    upstream_routers: list[str] | UnsetType = UNSET
    network_router: str | UnsetType = UNSET
    edge_resources: list[edge_resource_views.LinkedResource]


class _Routing(Struct, frozen=True, kw_only=True):
    """The part of a node that depends on its router."""

    router_mode: str
    messaging_port: int | UnsetType = UNSET
    inter_router_port: int | UnsetType = UNSET
    edge_router_port: int | UnsetType = UNSET
    upstream_routers: list[str] | UnsetType = UNSET
    network_router: str | UnsetType = UNSET


def document(
    world: World, node_id: NodeId, status: AgentStatus | None, last_heard: datetime | None
) -> NodeDocument:
    """The node as it is.

    status: what its agent said last. last_heard: when any controller heard it, if one did.
    """
    row = world.nodes[node_id]
    settings, agent = row.settings, row.settings.agent
    said = status or AgentStatus(at=times.EPOCH)
    here = row.state is not NodeState.REGISTERED
    heard = [each for each in (last_heard, row.last_seen, status and status.at) if each]
    routing = _routing(world, node_id, row)
    return NodeDocument(
        last_active=times.milliseconds(max(heard)) if heard else 0,
        daemon_operating_duration=said.daemon_operating_duration,
        daemon_last_start=said.daemon_last_start,
        repository_count=said.repository_count,
        system_time=said.system_time,
        last_status_time=said.last_status_time,
        processed_messages=said.processed_messages,
        last_command_time=said.last_command_time,
        log_file_count=agent.log_files,
        uuid=node_id,
        name=row.name,
        location=settings.location,
        gps_mode=agent.gps_mode,
        latitude=settings.latitude,
        longitude=settings.longitude,
        description=settings.description,
        daemon_status=daemon_status(row, status),
        memory_usage=said.memory_usage,
        disk_usage=said.disk_usage,
        cpu_usage=said.cpu_usage,
        memory_violation=_violation(said.memory_violation),
        disk_violation=_violation(said.disk_violation),
        cpu_violation=_violation(said.cpu_violation),
        system_available_disk=_known(said.system_available_disk),
        system_available_memory=_known(said.system_available_memory),
        system_total_cpu=said.system_total_cpu,
        security_status=said.security_status,
        security_violation_info=said.security_violation_info,
        repository_status=said.repository_status,
        ip_address=said.ip_address if here else NOWHERE,
        ip_address_external=said.ip_address_external if here else NOWHERE,
        host=settings.host,
        message_speed=said.message_speed,
        network_interface=agent.network_interface,
        docker_url=agent.engine_url,
        disk_limit=agent.disk_limit_gib,
        disk_directory=agent.disk_directory,
        memory_limit=agent.memory_limit_mib,
        cpu_limit=agent.cpu_limit_percent,
        log_limit=agent.log_limit_gib,
        log_directory=agent.log_directory,
        bluetooth_enabled=agent.bluetooth,
        abstracted_hardware_enabled=agent.hardware_abstraction,
        version=said.version or row.facts.agent_version or None,
        is_ready_to_upgrade=said.ready_to_upgrade,
        is_ready_to_rollback=said.ready_to_rollback,
        status_frequency=agent.status_interval,
        change_frequency=agent.change_interval,
        device_scan_frequency=agent.device_scan_interval,
        watchdog_enabled=agent.watchdog,
        docker_pruning_frequency=agent.pruning_interval_hours,
        available_disk_threshold=agent.disk_threshold_percent,
        log_level=agent.log_level,
        is_system=settings.system,
        time_zone=agent.time_zone,
        created_at=times.iso(row.created_at),
        updated_at=times.iso(row.updated_at),
        fog_type_id=fog_type(platform_of(row)),
        user_id=user_number(world, row.created_by),
        tags=list(dict.fromkeys([*settings.tags, *tags_of(world, node_id)])),
        router_mode=routing.router_mode,
        messaging_port=routing.messaging_port,
        inter_router_port=routing.inter_router_port,
        edge_router_port=routing.edge_router_port,
        upstream_routers=routing.upstream_routers,
        network_router=routing.network_router,
        edge_resources=edge_resource_views.linked_to(world, node_id),
    )


def daemon_status(row: NodeRow, status: AgentStatus | None) -> str:
    """What the agent says it does; UNKNOWN while it is not heard.

    An agent of ours tells what it does in other ways: while it is heard, it runs.
    """
    if row.state is not NodeState.ONLINE:
        return UNKNOWN
    if status is not None:
        return status.daemon_status
    return RUNNING if row.facts.agent_version else UNKNOWN


def _routing(world: World, node_id: NodeId, row: NodeRow) -> _Routing:
    router = row.settings.router
    if router is None:
        return _Routing(router_mode=RouterMode.NONE)
    if router.mode is RouterMode.NONE:
        used = network_router(world, node_id)
        if used is None:
            return _Routing(router_mode=RouterMode.NONE)
        name = DEFAULT_ROUTER if used.default else used.node_id or DEFAULT_ROUTER
        return _Routing(router_mode=RouterMode.NONE, network_router=name)
    return _Routing(
        router_mode=router.mode,
        messaging_port=router.messaging_port,
        inter_router_port=_known(router.inter_router_port),
        edge_router_port=_known(router.edge_port),
        upstream_routers=[
            DEFAULT_ROUTER if each.default else each.node_id or DEFAULT_ROUTER
            for each in upstreams(world, node_id)
        ],
    )


def _violation(said: bool | None) -> str | None:
    return None if said is None else str(int(said))


def _known(number: int | None) -> int | UnsetType:
    return UNSET if number is None else number


class Condition(StrEnum):
    """How a filter compares."""

    HAS = "has"
    EQUALS = "equals"


class Filter(Struct, frozen=True):
    """What a listed node has to be like."""

    key: str
    value: str
    condition: Condition


def matching(documents: Iterable[NodeDocument], filters: Iterable[Filter]) -> list[NodeDocument]:
    """Those that all filters let through."""
    every = list(filters)
    if not every:
        return list(documents)
    return [each for each in documents if all(_passes(msgspec.to_builtins(each), f) for f in every)]


def _passes(said: Mapping[str, object], wanted: Filter) -> bool:
    value = said.get(wanted.key)
    match value:
        case str():
            if wanted.condition is Condition.EQUALS:
                return value == wanted.value
            return wanted.value in value
        case list():
            return wanted.condition is Condition.HAS and wanted.value in value
        case None | dict():
            return False
        case _:
            text = msgspec.json.encode(value).decode()
            if wanted.condition is Condition.EQUALS:
                return text == wanted.value
            return wanted.value in text
