"""What an interior proxy (`ecn router run`) is told, and what it tells."""

from datetime import datetime

from msgspec import Struct, field

from agent.contract import Broker


class OpenPort(Struct, frozen=True, kw_only=True):
    """A public port that the interior proxy opens."""

    port_id: str
    port: int
    protocol: str
    """tcp or http."""
    node_id: str
    """Where the microservice is."""
    microservice: str
    """`<application>/<name>`, for people."""
    allow: list[str] = field(default_factory=list)
    """Networks from which connections are taken; none: from everywhere."""
    longest_idle: int = 0
    """Seconds, as the next; 0: no limit."""
    longest: int = 0


class RouterConfiguration(Struct, frozen=True, kw_only=True):
    """All that an interior proxy has to know: whole each time."""

    router_id: str
    name: str
    broker: Broker | None = None
    """None: the network has no interior router, so nothing can be carried."""
    ports: list[OpenPort] = field(default_factory=list)


class ClosedPort(Struct, frozen=True, kw_only=True):
    """A port that an interior proxy should have opened and could not."""

    port: int
    reason: str


class RouterReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is with an interior proxy. Telemetry: replaced by the next."""

    instance: str
    """Of several with the same token, and after a restart: 1 to 64 letters and digits."""
    host: str = ""
    """The name of the machine it runs on."""
    state: str = "waiting"
    """up: it carries connections; waiting: see the reason."""
    reason: str = ""
    node: str = ""
    """The node that its ports are of; empty: the default router's."""
    listening: list[int] = field(default_factory=list)
    closed: list[ClosedPort] = field(default_factory=list)
    connections: int = 0
    refused: int = 0
    """Since its start: by access rules."""


class ProxyDocument(Struct, frozen=True, kw_only=True):
    """An interior proxy, as it last told this controller."""

    router_id: str
    name: str
    heard_at: datetime
    report: RouterReport
