"""What may stand in each kind of ioFog's YAML, by its own names. Pure.

For finding faults and their places: as in iofogctl, a field that is not here is refused.
"""

from msgspec import Struct, field


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Part of a document."""


class Metadata(Shape, frozen=True, kw_only=True):
    """A namespace is iofogctl's, and means a network: here, a context says which."""

    name: str = ""
    namespace: str = ""
    tags: list[str] | None = None


class Frame(Shape, frozen=True, kw_only=True):
    """The outside of a document."""

    api_version: str
    kind: str
    metadata: Metadata = Metadata()
    spec: dict[str, object] = field(default_factory=dict)


class RouterConfig(Shape, frozen=True, kw_only=True):
    """Of an AgentConfig."""

    router_mode: str | None = None
    messaging_port: int | None = None
    edge_router_port: int | None = None
    inter_router_port: int | None = None


class AgentConfig(Shape, frozen=True, kw_only=True):
    """How an agent is set up. What is absent stays as it is."""

    name: str | None = None
    description: str | None = None
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    host: str | None = None
    agent_type: str | int | None = None
    """auto, x86 or arm; or 0, 1, 2."""
    docker_url: str | None = None
    network_interface: str | None = None
    disk_limit: int | None = None
    disk_directory: str | None = None
    memory_limit: int | None = None
    cpu_limit: int | None = None
    log_limit: int | None = None
    log_directory: str | None = None
    log_file_count: int | None = None
    log_level: str | None = None
    status_frequency: int | None = None
    change_frequency: int | None = None
    device_scan_frequency: int | None = None
    bluetooth_enabled: bool | None = None
    watchdog_enabled: bool | None = None
    abstracted_hardware_enabled: bool | None = None
    docker_pruning_frequency: int | None = None
    available_disk_threshold: int | None = None
    time_zone: str | None = None
    upstream_routers: list[str] | None = None
    network_router: str | None = None
    router_config: RouterConfig | None = None


class PublicRouter(Shape, frozen=True, kw_only=True):
    """Where a public port opens: an agent's name or id, or `default-router`."""

    host: str | None = None
    port: int | None = None


class PublicPort(Shape, frozen=True, kw_only=True):
    """A port at the centre."""

    schemes: list[str]
    protocol: str
    enabled: bool | None = None
    router: PublicRouter | None = None
    links: list[str] | None = None


class Port(Shape, frozen=True, kw_only=True):
    """A port of the device."""

    internal: int | str
    external: int | str
    protocol: str | None = None
    public: PublicPort | None = None


class Volume(Shape, frozen=True, kw_only=True):
    """Something of the device, seen in the container."""

    host_destination: str
    container_destination: str
    access_mode: str
    type: str | None = None


class Env(Shape, frozen=True, kw_only=True):
    """A variable of the environment."""

    key: str | int
    value: str | int | float | bool


class ExtraHost(Shape, frozen=True, kw_only=True):
    """A name that the container resolves."""

    name: str
    address: str
    value: str | None = None


class Container(Shape, frozen=True, kw_only=True):
    """How the container is made."""

    root_host_access: bool | None = None
    ports: list[Port] | None = None
    volumes: list[Volume] | None = None
    env: list[Env] | None = None
    extra_hosts: list[ExtraHost] | None = None
    commands: list[str] | None = None
    log_size: int | None = None


class Images(Shape, frozen=True, kw_only=True):
    """What to run."""

    catalog_id: int | None = None
    x86: str | None = None
    arm: str | None = None
    registry: str | int | None = None


class AgentRef(Shape, frozen=True, kw_only=True):
    """Where it runs."""

    name: str
    config: dict[str, object] | None = None


class Microservice(Shape, frozen=True, kw_only=True):
    """A microservice, by itself or within an application."""

    name: str | None = None
    uuid: str | None = None
    agent: AgentRef | None = None
    images: Images | None = None
    container: Container | None = None
    config: object = None
    application: str | None = None
    rebuild: bool | None = None


class Route(Shape, frozen=True, kw_only=True):
    """A route, by itself or within an application."""

    name: str | None = None
    from_: str = field(name="from")
    to: str


class Value(Shape, frozen=True, kw_only=True):
    """What fills a template's gap."""

    key: str
    value: object = None


class TemplateRef(Shape, frozen=True, kw_only=True):
    """What an application is made of."""

    name: str
    variables: list[Value] | None = None


class Application(Shape, frozen=True, kw_only=True):
    """An application."""

    name: str | None = None
    description: str | None = None
    is_system: bool | None = None
    microservices: list[Microservice] | None = None
    routes: list[Route] | None = None
    template: TemplateRef | None = None


class Variable(Shape, frozen=True, kw_only=True):
    """A gap of a template."""

    key: str
    description: str | None = None
    default_value: object = None


class ApplicationTemplate(Shape, frozen=True, kw_only=True):
    """An application with gaps."""

    name: str | None = None
    description: str | None = None
    variables: list[Variable] | None = None
    application: Application | None = None


class Registry(Shape, frozen=True, kw_only=True):
    """A registry."""

    id: int | None = None
    url: str
    private: bool | None = None
    username: str | None = None
    password: str | None = None
    email: str | None = None
    requires_cert: bool | None = None
    certificate: str | None = None


class CatalogItem(Shape, frozen=True, kw_only=True):
    """An item of the catalog."""

    id: int | None = None
    name: str | None = None
    x86: str | None = None
    arm: str | None = None
    registry: str | None = None
    description: str | None = None
    config_example: str | None = None


class Endpoint(Shape, frozen=True, kw_only=True):
    """One call that an edge resource answers."""

    id: int | None = None
    name: str
    description: str | None = None
    method: str
    url: str
    request_type: str | None = None
    response_type: str | None = None
    request_payload_example: str | None = None
    response_payload_example: str | None = None


class Interface(Shape, frozen=True, kw_only=True):
    """The calls that an edge resource answers."""

    id: int | None = None
    endpoints: list[Endpoint] | None = None


class Display(Shape, frozen=True, kw_only=True):
    """How an edge resource is shown."""

    name: str | None = None
    icon: str | None = None
    color: str | None = None


class EdgeResource(Shape, frozen=True, kw_only=True):
    """What a site offers."""

    name: str | None = None
    version: str
    description: str | None = None
    interface_protocol: str
    interface: Interface | None = None
    display: Display | None = None
    orchestration_tags: list[str] | None = None
    custom: dict[str, object] | None = None


class LocalVolume(Shape, frozen=True, kw_only=True):
    """Files of this machine for agents."""

    name: str | None = None
    agents: list[str]
    source: str
    destination: str
    permissions: str | int | None = None
