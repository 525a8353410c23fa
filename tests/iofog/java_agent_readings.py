"""What the Java Agent 3.1 can read of a controller's answers, as strictly as it does.

It takes text, numbers and booleans without asking whether they are there, and drops the whole
answer where a key that it needs is missing, null or of another type. Where it has a default, the
key may be missing (`UNSET`), which is not the same as null. msgspec says the same with fewer words.

Read by tests.iofog.java_agent; nothing here does anything.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

Whole = int
"""getInt and getLong: a JSON number without a fraction."""


class Answer(Struct, frozen=True, rename="camel"):
    """Unknown keys are looked over."""


class Provisioned(Answer, frozen=True, rename="camel"):
    """POST provision."""

    uuid: str
    token: str


class Config(Answer, frozen=True, rename="camel"):
    """GET config: a missing key means the agent's own default."""

    network_interface: str | UnsetType = UNSET
    docker_url: str | UnsetType = UNSET
    disk_limit: float | UnsetType = UNSET
    disk_directory: str | UnsetType = UNSET
    memory_limit: float | UnsetType = UNSET
    cpu_limit: float | UnsetType = UNSET
    log_limit: float | UnsetType = UNSET
    log_directory: str | UnsetType = UNSET
    log_file_count: Whole | UnsetType = UNSET
    status_frequency: Whole | UnsetType = UNSET
    change_frequency: Whole | UnsetType = UNSET
    device_scan_frequency: Whole | UnsetType = UNSET
    watchdog_enabled: bool | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET
    log_level: str | UnsetType = UNSET
    docker_pruning_frequency: Whole | UnsetType = UNSET
    available_disk_threshold: Whole | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


class Router(Answer, frozen=True, rename="camel"):
    """The same answer as the message bus reads it: these two it can't do without."""

    router_host: str
    router_port: Whole


class Changes(Answer, frozen=True, rename="camel"):
    """GET config/changes. These two have no default; without lastUpdated nothing is reset."""

    microservice_config: bool
    routing: bool
    last_updated: str
    config: bool = False
    version: bool = False
    reboot: bool = False
    delete_node: bool = False
    microservice_list: bool = False
    registries: bool = False
    tunnel: bool = False
    diagnostics: bool = False
    is_image_snapshot: bool = False
    prune: bool = False
    router_changed: bool = False
    linked_edge_resources: bool = False


class PortMapping(Answer, frozen=True, rename="camel"):
    """Of a microservice. Whatever isUdp is that is not true, is false."""

    port_external: Whole
    port_internal: Whole
    is_udp: bool | None = None


class VolumeMapping(Answer, frozen=True, rename="camel"):
    """Of a microservice."""

    host_destination: str
    container_destination: str
    access_mode: str
    type: str = "bind"


class Variable(Answer, frozen=True):
    """Of a microservice's environment."""

    key: str
    value: str


class Microservice(Answer, frozen=True, rename="camel"):
    """One of GET microservices."""

    uuid: str
    image_id: str
    config: str
    rebuild: bool
    root_host_access: bool
    registry_id: Whole
    log_size: Whole
    delete: bool
    delete_with_cleanup: bool
    is_consumer: bool
    port_mappings: list[PortMapping] | None
    volume_mappings: list[VolumeMapping] | None
    env: list[Variable] | None = None
    cmd: list[str] | None = None
    extra_hosts: list[str] | None = None
    routes: list[str] | None = None


class Microservices(Answer, frozen=True):
    """GET microservices."""

    microservices: list[Microservice]


class Registry(Answer, frozen=True, rename="camel"):
    """One of GET registries; of those that are not public it needs the account as well."""

    id: Whole
    url: str
    is_public: bool = False
    username: str | None = None
    password: str | None = None
    user_email: str | None = None

    def __post_init__(self) -> None:
        account = (self.username, self.password, self.user_email)
        if not self.is_public and any(each is None for each in account):
            raise ValueError("a private registry needs username, password and userEmail")


class Registries(Answer, frozen=True):
    """GET registries."""

    registries: list[Registry]


class Endpoint(Answer, frozen=True, rename="camel"):
    """Of an edge resource's interface."""

    id: Whole
    interface_id: Whole
    name: str | None = None
    method: str | None = None
    url: str | None = None


class Interface(Answer, frozen=True, rename="camel"):
    """Of an edge resource."""

    id: Whole
    edge_resource_id: Whole
    endpoints: list[Endpoint] | None = None


class EdgeResource(Answer, frozen=True, rename="camel"):
    """One of GET edgeResources."""

    id: Whole
    name: str
    version: str
    interface: Interface | None = None
    orchestration_tags: list[str] | None = None
    custom: dict[str, Raw] | None = None


class EdgeResources(Answer, frozen=True, rename="camel"):
    """GET edgeResources."""

    edge_resources: list[EdgeResource]


class VersionCommand(Answer, frozen=True, rename="camel"):
    """GET version."""

    version_command: str
    provision_key: str


class Trace(Answer, frozen=True, rename="camel"):
    """One of GET strace."""

    microservice_uuid: str
    strace_run: bool


class Traces(Answer, frozen=True, rename="camel"):
    """GET strace."""

    strace_values: list[Trace]


class Snapshot(Answer, frozen=True):
    """GET image-snapshot."""

    uuid: str


class Tunnel(Answer, frozen=True):
    """GET tunnel."""

    tunnel: dict[str, Raw]
