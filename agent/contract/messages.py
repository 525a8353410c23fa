"""Routes, the interior router and public ports, as an agent is told of them and tells of them."""

from datetime import datetime

from msgspec import Struct


class Route(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where messages of this node's microservices go."""

    route_id: str
    application: str
    name: str
    source: str = ""
    """Id of a microservice; empty: any of the application's that is here."""
    output: str = ""
    """Only what was sent by that output; empty: all."""
    twin_changes: bool = False
    """Of changed reported properties, rather than of messages."""
    condition: str = ""
    """Of the route language, without WHERE; empty: always."""
    destination: str = ""
    """Id of a microservice; empty: upstream."""
    here: bool = False
    """The destination is on this node."""
    input: str = ""
    """By which the receiver gets it."""
    priority: int | None = None
    """0 is the most urgent, 9 the least but for None."""
    ttl: int | None = None
    """Seconds until an undelivered message is dropped; 0: never; None: the node's own."""
    durable: bool = True
    """False: kept in memory alone."""


class Broker(Struct, frozen=True, kw_only=True):
    """The interior router, and this agent's own user there."""

    url: str
    """amqp://host:port/vhost or amqps://…, without user and password."""
    user: str
    password: str
    ca_pem: str = ""
    """Certificates to trust besides the system's."""


class ProxiedPort(Struct, frozen=True, kw_only=True):
    """A public port of a microservice of this node: connections come from interior proxies."""

    port_id: str
    microservice_id: str
    port: int
    """Of the container."""
    host: int = 0
    """Of the device, where it is led there; 0: it is not."""
    protocol: str = "tcp"
    """tcp or http."""


class RouteStatus(Struct, frozen=True, kw_only=True):
    """A route as it stands on this node. Telemetry: replaced by the next; counts are since the
    agent was started."""

    route_id: str
    state: str
    """up; waiting: for its receiver, or for the interior router; refusing: the store is full."""
    reason: str = ""
    stored: int = 0
    """Messages that wait, as the next in bytes."""
    stored_bytes: int = 0
    oldest_seconds: float = 0.0
    accepted: int = 0
    delivered: int = 0
    """To the receiver here, or to the interior router."""
    received: int = 0
    """From the interior router, for a receiver here."""
    dropped: int = 0
    undefined: int = 0
    """Messages for which the condition was neither true nor false."""


class DropReport(Struct, frozen=True, kw_only=True):
    """Messages of a route were dropped. Its number is of the same row as those of transitions."""

    sequence: int
    route_id: str
    reason: str
    """expired, full, gone (the route, or a microservice, is no more), lost (memory alone kept
    them), unreadable."""
    messages: int
    size: int
    """Bytes."""
    since: datetime
    """When the first of them was, and the last: the device's clock."""
    at: datetime
