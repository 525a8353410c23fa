"""What operators set for a node, tell it once, and what its site offers besides it."""

from msgspec import UNSET, Raw, Struct, UnsetType, field


class NodeConfig(Struct, frozen=True, kw_only=True):
    """How the agent goes about its work; what operators set for the node."""

    log_level: str = "INFO"
    memory_limit_mib: int = 4096
    """Of the agent itself, as the next."""
    cpu_limit_percent: int = 80
    disk_limit_gib: int = 50
    pruning_interval_hours: int = 1
    disk_threshold_percent: int = 20
    """Less free disk than this, and unused images are removed."""
    pull_limit_kib: int = 0
    """KiB per second that pulls of images may take; 0 is no limit."""
    device_scan_interval: int = 20
    """Seconds."""
    message_store_mib: int = 1024
    """That undelivered messages may take on the disk."""
    message_ttl: int = 604800
    """Seconds that they are kept where their route does not say; 0: for ever."""
    when_full: str = "refuse"
    """refuse: new messages; drop-oldest: of the least urgent priority."""
    local_api: str = "own"
    """own: each microservice is known by its address or its token; open: by the id that it names,
    as with ioFog; off."""
    location: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""


class SettingsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device wants of its own NodeConfig to be otherwise. What is absent stays."""

    log_level: str | UnsetType = UNSET
    memory_limit_mib: int | UnsetType = UNSET
    disk_limit_gib: int | UnsetType = UNSET
    pruning_interval_hours: int | UnsetType = UNSET
    disk_threshold_percent: int | UnsetType = UNSET
    pull_limit_kib: int | UnsetType = UNSET
    device_scan_interval: int | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET


class Instruction(Struct, frozen=True, kw_only=True):
    """Something to do once, told until an outcome is reported."""

    told_at: int
    """Its position, which names it; they are carried out in this order."""
    kind: str
    """reboot, prune, upgrade, rollback. What an agent does not know, it says failed to."""
    version: str = ""
    """Of an upgrade: empty is the newest."""


class EdgeResource(Struct, frozen=True, kw_only=True):
    """What the node's site offers besides it."""

    edge_resource_id: str
    name: str
    version: str
    description: str = ""
    protocol: str = "https"
    endpoints: Raw = field(default_factory=lambda: Raw(b"[]"))
    """A JSON list."""
    display: Raw = field(default_factory=lambda: Raw(b"{}"))
    custom: Raw = field(default_factory=lambda: Raw(b"{}"))
    tags: list[str] = field(default_factory=list)
