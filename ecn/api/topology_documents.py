"""Documents of the routers that there are: where each runs, where it leads, how it is."""

from datetime import datetime
from enum import StrEnum

from msgspec import field

from ecn.api.documents import Answer, Page


class RouterKind(StrEnum):
    """What a router does."""

    BROKER = "broker"
    """The interior router: carries messages and connections between nodes and the centre."""
    INTERIOR = "interior"
    """A node's own, to which other routers may lead."""
    EDGE = "edge"
    """A node's own: it leads elsewhere, and nobody leads to it."""
    SHARED = "shared"
    """None of its own: the node uses another one's."""
    DEFAULT = "default"
    """The default router outside all nodes, as it was set for the network."""
    PROXY = "proxy"
    """An interior proxy: opens public ports."""


class RouterDocument(Answer, frozen=True, kw_only=True):
    """One router."""

    name: str
    """Of a node's, the node's; of a proxy's, its user's."""
    kind: RouterKind
    node: str | None = None
    """The node that it runs on."""
    host: str = ""
    ports: list[int] = field(default_factory=list)
    """Those on which it listens."""
    upstreams: list[str] = field(default_factory=list)
    """Names of the routers that it leads to; of a shared one the one that it uses."""
    downstreams: list[str] = field(default_factory=list)
    """Names of those that lead to it, or use it."""
    state: str
    """up, waiting, refusing, down, unknown; of a node that is not online, the node's."""
    reason: str = ""
    heard_at: datetime | None = None
    """When its word was last heard, where it has one."""
    stored_messages: int = 0
    """That wait on the node, as the next in bytes."""
    stored_bytes: int = 0
    connections: int = 0
    """Of a proxy."""


class Routers(Page, frozen=True, kw_only=True):
    """The interior router, the default one, those of nodes by name, and proxies."""

    items: list[RouterDocument]
