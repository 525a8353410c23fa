"""How a container is confined and equipped, beyond what every microservice says of itself.

Everything has the engine's own default; what is set here is what its container is created with.
"""

from enum import StrEnum

from msgspec import Struct, field


class Namespace(StrEnum):
    """Whose processes or shared memory a container sees."""

    OWN = ""
    HOST = "host"


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A device file of the node, inside the container."""

    host: str
    container: str = ""
    """Empty: under the same path."""
    permissions: str = "rwm"
    """Of r(ead), w(rite), m(ake)."""
    optional: bool = False
    """Left out where the node has none, instead of failing."""


class Gpus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """GPUs, or what else the engine's device drivers offer."""

    count: int = -1
    """-1: all of them. Ignored where ids are named."""
    ids: list[str] = field(default_factory=list)
    driver: str = ""
    capabilities: list[str] = field(default_factory=lambda: ["gpu"])
    optional: bool = False
    """Left out where the node's engine offers none, instead of failing."""


class Ulimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A limit of the container's processes; -1 is none."""

    name: str
    """As in `ulimit`: nofile, nproc, core and so on."""
    soft: int
    hard: int


class ContainerOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """All of them."""

    user: str = ""
    """`user`, `user:group`, names or numbers; empty is the image's."""
    groups: list[str] = field(default_factory=list)
    """Additional ones."""
    working_directory: str = ""
    host_name: str = ""
    privileged: bool = False
    """Only where the node allows it, as host namespaces and capabilities beyond the usual."""
    add_capabilities: list[str] = field(default_factory=list)
    drop_capabilities: list[str] = field(default_factory=list)
    security: list[str] = field(default_factory=list)
    """As `docker run --security-opt`: no-new-privileges, seccomp=…, apparmor=…, label=…"""
    devices: list[Device] = field(default_factory=list)
    gpus: Gpus | None = None
    read_only_root: bool = False
    init: bool = False
    """A process 1 of the engine's that reaps orphans and passes signals on."""
    pid: Namespace = Namespace.OWN
    ipc: Namespace = Namespace.OWN
    ulimits: list[Ulimit] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    dns: list[str] = field(default_factory=list)
    dns_search: list[str] = field(default_factory=list)
    shared_memory_mib: int | None = None
    memory_reservation_mib: int | None = None
    swap_limit_mib: int = 0
    """On top of the memory limit; without one it means nothing."""
    cpu_shares: int | None = None
    cpu_set: str = ""
    """Cores it may use: `0-2,5`."""
    oom_score: int = 0
    """-1000 (spared) to 1000 (killed first)."""
    runtime: str = ""
    """Of the engine's: runc, nvidia and so on."""
    log_driver: str = ""
    """Empty: files that `log_limit_mib` bounds, and that `ecn logs` reads."""
    log_options: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    stop_within: int = 10
    """Seconds between asking it to end and killing it."""
