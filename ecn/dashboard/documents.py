"""What the dashboard's page is told: small rows, frames of changes, telemetry.

`page/core/types.js` says the same for the page. Defaults are left out: thousands of rows are sent.
"""

from datetime import datetime

from msgspec import Struct, field

from ecn.api.catalog_documents import CatalogItemDocument
from ecn.api.documents import RegistryDocument
from ecn.api.edge_resource_documents import EdgeResourceDocument
from ecn.api.network_documents import (
    DefaultRouterDocument,
    InteriorRouterDocument,
    SettingDocument,
)
from ecn.api.template_documents import TemplateDocument
from ecn.api.volume_documents import VolumeDocument
from ecn.dashboard.brief import Brief
from events.application import PortMapping


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One row, or a part of what is told."""


class NodeItem(Item, frozen=True, kw_only=True):
    """A node in brief."""

    id: str
    name: str
    state: str
    since: datetime
    offline_reason: str = ""
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    system: bool = False
    agent_version: str = ""
    architecture: str = ""
    operating_system: str = ""
    engine_version: str = ""
    problems: list[str] = field(default_factory=list)
    """What its device says is wrong with it."""
    cpus: int = 0
    memory_mib: int = 0
    disk_mib: int = 0
    created_at: datetime
    updated_at: datetime


class ApplicationItem(Item, frozen=True, kw_only=True):
    """An application without its microservices."""

    id: str
    name: str
    description: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    started: bool = True
    system: bool = False
    state: str
    created_at: datetime
    updated_at: datetime


class MicroserviceItem(Item, frozen=True, kw_only=True):
    """A microservice in brief."""

    id: str
    name: str
    application_id: str
    node_id: str
    image: str = ""
    """The one that suits its node."""
    started: bool = True
    state: str
    reason: str = ""
    exit_code: int | None = None
    health: str = "none"
    restarts: int = 0
    at: datetime
    current: bool = False
    ports: list[PortMapping] = field(default_factory=list)
    revision: int
    created_at: datetime
    updated_at: datetime


class RouteItem(Item, frozen=True, kw_only=True):
    """A route, its ends by id."""

    id: str
    name: str
    application_id: str
    source_id: str | None = None
    """None: any microservice of the application."""
    destination_id: str | None = None
    """None: upstream."""
    output: str = ""
    input: str = ""
    condition: str = ""
    priority: int | None = None
    ttl: int | None = None
    durable: bool = True
    twin_changes: bool = False
    webhook: str = ""
    created_at: datetime
    updated_at: datetime


class NetworkItem(Item, frozen=True, kw_only=True):
    """What is set for the network: there is one."""

    id: str
    name: str
    default_router: DefaultRouterDocument | None = None
    interior_router: InteriorRouterDocument | None = None
    settings: list[SettingDocument] = field(default_factory=list)
    """Sorted by key."""


class Put(Item, frozen=True, kw_only=True):
    """Rows that are new or different, by kind."""

    nodes: list[NodeItem] = field(default_factory=list)
    applications: list[ApplicationItem] = field(default_factory=list)
    microservices: list[MicroserviceItem] = field(default_factory=list)
    routes: list[RouteItem] = field(default_factory=list)
    registries: list[RegistryDocument] = field(default_factory=list)
    catalog_items: list[CatalogItemDocument] = field(default_factory=list)
    templates: list[TemplateDocument] = field(default_factory=list)
    edge_resources: list[EdgeResourceDocument] = field(default_factory=list)
    volumes: list[VolumeDocument] = field(default_factory=list)
    """Without what is in their files."""
    network: list[NetworkItem] = field(default_factory=list)


class EventLine(Item, frozen=True, kw_only=True):
    """An event in brief."""

    position: int
    time: datetime
    type: str
    subject: str
    subject_name: str = ""
    actor_name: str = ""
    command_id: str = ""
    correlation_id: str = ""
    data: Brief | None = None


class Frame(Item, frozen=True, kw_only=True):
    """What changed up to a position, since the position before."""

    position: int
    time: datetime | None = None
    put: Put = Put()
    drop: dict[str, list[str]] = field(default_factory=dict)
    """Ids by kind, named as in `Put`."""
    events: list[EventLine] = field(default_factory=list)
    """The oldest first."""


class NodeUsageItem(Item, frozen=True, kw_only=True):
    """What a device said of itself last."""

    at: datetime | None = None
    cpu_percent: float | None = None
    memory_available_mib: int | None = None
    disk_free_mib: int | None = None
    agent_cpu_percent: float = 0.0
    agent_memory_mib: float = 0.0


class ContainerUsageItem(Item, frozen=True, kw_only=True):
    """What was said last of one container."""

    cpu_percent: float = 0.0
    memory_mib: float = 0.0
    pull_percent: float | None = None


class FlowItem(Item, frozen=True, kw_only=True):
    """How a route is now."""

    state: str
    reason: str = ""
    stored: int = 0
    stored_bytes: int = 0
    rate_in: float | None = None
    rate_out: float | None = None
    dropped: int = 0


class InteriorRouterItem(Item, frozen=True, kw_only=True):
    """What carries messages between nodes."""

    state: str
    reason: str = ""


class TelemetryPart(Item, frozen=True, kw_only=True):
    """What is not in the log: of now only, and just what changed since the part before."""

    nodes: dict[str, NodeUsageItem] = field(default_factory=dict)
    microservices: dict[str, ContainerUsageItem] = field(default_factory=dict)
    routes: dict[str, FlowItem] = field(default_factory=dict)
    interior_router: InteriorRouterItem | None = None


class StatusPart(Item, frozen=True, kw_only=True, omit_defaults=False):
    """How the controller is that answers."""

    stale: bool
    """The log can't be reached: there may be news."""
    version: str


class Frames(Item, frozen=True, kw_only=True):
    """What happened behind a position, as a film of it is shown."""

    frames: list[Frame]
    next: int | None
    """Give this as `after` to go on; none at the end."""


class Mark(Item, frozen=True, kw_only=True):
    """A position of the log, and when it was reached."""

    position: int
    time: datetime


class Timeline(Item, frozen=True, kw_only=True):
    """The log from its beginning to its end, in some steps."""

    position: int
    """Where it ends."""
    first_time: datetime | None = None
    """None: nothing ever happened."""
    points: list[Mark]
    """The first event, the last, and what lies evenly between."""


class Snapshot(Frame, frozen=True, kw_only=True):
    """All there is at a position."""

    stale: bool = False
    version: str = ""
    telemetry: TelemetryPart | None = None
    """None: of the past."""
