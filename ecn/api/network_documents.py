"""The documents of the network as a whole."""

from datetime import datetime

from ecn.api.documents import Answer, Page, Request


class RouterManifest(Request, frozen=True, kw_only=True):
    """The router that the nodes' routers lead to, where no node of this network carries it."""

    host: str
    messaging_port: int = 5672
    edge_port: int = 56722
    inter_router_port: int = 56721


class SettingManifest(Request, frozen=True, kw_only=True):
    """What a setting is to say."""

    value: str


class DefaultRouterDocument(Answer, frozen=True, kw_only=True):
    """Where nodes without another upstream lead."""

    node: str | None
    """The node that carries it; null for one outside all nodes."""
    host: str
    messaging_port: int
    edge_port: int
    inter_router_port: int


class SettingDocument(Answer, frozen=True, kw_only=True):
    """A setting."""

    key: str
    value: str
    updated_at: datetime


class InteriorRouterDocument(Answer, frozen=True, kw_only=True):
    """What carries messages between nodes, as agents reach it."""

    url: str
    ca_pem: str
    """Certificates that agents trust there besides their system's."""


class NetworkDocument(Page, frozen=True, kw_only=True):
    """The network as a whole."""

    default_router: DefaultRouterDocument | None
    interior_router: InteriorRouterDocument | None
    settings: list[SettingDocument]
    """Sorted by key."""
