"""The documents of edge resources."""

from datetime import datetime

from msgspec import Raw, field

from ecn.api.documents import Answer, Page, Request
from events.edge_resource import ResourceDisplay, ResourceEndpoint


class EdgeResourceManifest(Request, frozen=True, kw_only=True):
    """A whole edge resource, of one version."""

    description: str = ""
    protocol: str = "https"
    """http, https, ws or wss."""
    endpoints: list[ResourceEndpoint] = field(default_factory=list)
    display: ResourceDisplay = ResourceDisplay()
    tags: list[str] = field(default_factory=list)
    """Given to every node that it is linked to."""
    custom: dict[str, object] = field(default_factory=dict)


class LinkedNode(Request, frozen=True, kw_only=True):
    """A node, by name or id."""

    node: str


class EdgeResourceDocument(Answer, frozen=True, kw_only=True):
    """An edge resource."""

    id: str
    name: str
    version: str
    description: str
    protocol: str
    endpoints: list[ResourceEndpoint]
    display: ResourceDisplay
    tags: list[str]
    custom: Raw
    nodes: list[str]
    """The names of those that it is linked to, sorted."""
    created_by: str
    created_at: datetime
    updated_at: datetime


class EdgeResources(Page, frozen=True, kw_only=True):
    """Sorted by name and version."""

    items: list[EdgeResourceDocument]
