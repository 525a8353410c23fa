"""What a container is made from, and when it is made, started and replaced."""

from enum import StrEnum

from msgspec import Struct, field


class RestartPolicy(StrEnum):
    """When a container that ended by itself is started again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ON_UNHEALTHY = "on-unhealthy"
    ALWAYS = "always"


class PullPolicy(StrEnum):
    """When the registry is asked for the image."""

    ON_CREATE = "on-create"
    """Before each creation; a local image serves when the registry fails."""
    ALWAYS = "always"
    """Before each creation; without an answer nothing is created."""
    IF_NOT_PRESENT = "if-not-present"
    NEVER = "never"


class Port(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A port of the device that leads into the container."""

    host: int
    container: int
    protocol: str = "tcp"
    address: str = ""


class Mount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something of the device, seen inside the container at `target`.

    kind: bind, volume, tmpfs; files, whose source is the id of a Volume of the desired state.
    """

    target: str
    source: str = ""
    kind: str = "volume"
    read_only: bool = False
    size_mib: int | None = None
    """Of a tmpfs."""


class ExtraHost(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name that the container resolves to an address."""

    name: str
    address: str


class HealthCheck(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The engine's: a command whose exit code 0 means healthy. Times in seconds."""

    command: list[str] = field(default_factory=list)
    """Empty: none, and not the image's own either."""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


class Probe(Struct, frozen=True, kw_only=True):
    """A question that the agent itself asks a container's port. Times in seconds."""

    port: int
    http_path: str | None = None
    """A GET of it, which 200 to 399 answers well; None: that it takes a connection is enough."""
    http_host: str = ""
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    """So many failures in a row mean unhealthy."""
    start_period: float = 0.0
    """Failures within it do not count."""


class Condition(StrEnum):
    """What has to be true of another microservice first."""

    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"


class Dependency(Struct, frozen=True, kw_only=True):
    """Another microservice of the same application, by name. One that is not on this node is not
    waited for. By name, as another one may come to bear it without anything being said of this."""

    microservice: str
    condition: Condition = Condition.STARTED


class ReplaceMode(StrEnum):
    """How a container gives way to the next one."""

    STOP_FIRST = "stop-first"
    BLUE_GREEN = "blue-green"


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device file of the node, inside the container at `container` (empty: the same path)."""

    host: str
    container: str = ""
    permissions: str = "rwm"
    optional: bool = False
    """Left out where there is none."""


class Gpus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the engine's device drivers offer. count -1: all."""

    count: int = -1
    ids: list[str] = field(default_factory=list)
    driver: str = ""
    capabilities: list[str] = field(default_factory=lambda: ["gpu"])
    optional: bool = False


class Ulimit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A limit of the container's processes; -1 is none."""

    name: str
    soft: int
    hard: int


class ContainerOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a container is confined and equipped. Explained in events/container_options.py."""

    user: str = ""
    groups: list[str] = field(default_factory=list)
    working_directory: str = ""
    host_name: str = ""
    privileged: bool = False
    add_capabilities: list[str] = field(default_factory=list)
    drop_capabilities: list[str] = field(default_factory=list)
    security: list[str] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    gpus: Gpus | None = None
    read_only_root: bool = False
    init: bool = False
    pid: str = ""
    """Empty or host, as `ipc`."""
    ipc: str = ""
    ulimits: list[Ulimit] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    dns: list[str] = field(default_factory=list)
    dns_search: list[str] = field(default_factory=list)
    shared_memory_mib: int | None = None
    memory_reservation_mib: int | None = None
    swap_limit_mib: int = 0
    cpu_shares: int | None = None
    cpu_set: str = ""
    oom_score: int = 0
    runtime: str = ""
    log_driver: str = ""
    log_options: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    stop_within: int = 10


class Registry(Struct, frozen=True, kw_only=True):
    """Where to pull from, and as whom."""

    url: str
    username: str = ""
    password: str = ""
    ca_pem: str = ""
    """Certificates to trust there besides the system's, where the operator named some."""


class ContainerSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a container is made from: a container made from another spec has to be replaced."""

    image: str
    """Empty where there is none for this device's platform: nothing can be made then."""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)
    """Empty on the host's network, where nothing has to be led anywhere."""
    volumes: list[Mount] = field(default_factory=list)
    extra_hosts: list[ExtraHost] = field(default_factory=list)
    host_network: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    health_check: HealthCheck | None = None
    memory_limit_mib: int | None = None
    cpu_limit: float | None = None
    pids_limit: int | None = None
    log_limit_mib: int = 10
    disk_limit_mib: int | None = None
    """Of what it writes into its container's own file system."""
    options: ContainerOptions = ContainerOptions()
    generation: int = 0
    """Another one wants another container, although all else may be the same."""
