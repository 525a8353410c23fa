"""Edge resources: what a site offers besides its nodes (a camera, a door), and who may use it."""

from typing import ClassVar

from msgspec import Raw, Struct, field

from events.event import Event
from events.ids import EdgeResourceId, NodeId


def _nothing() -> Raw:
    """An empty object. No default value: a JSON schema could not hold it."""
    return Raw(b"{}")


class ResourceEndpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One call that the resource answers."""

    name: str
    description: str = ""
    method: str = "GET"
    url: str = ""
    request_type: str = ""
    response_type: str = ""
    request_example: str = ""
    response_example: str = ""


class ResourceDisplay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """How it is shown to people."""

    name: str = ""
    icon: str = ""
    color: str = ""


class EdgeResourceSettings(Struct, frozen=True, kw_only=True, gc=False):
    """What it is, whole."""

    description: str = ""
    protocol: str = "https"
    """http, https, ws or wss."""
    endpoints: list[ResourceEndpoint] = field(default_factory=list)
    display: ResourceDisplay = ResourceDisplay()
    tags: list[str] = field(default_factory=list)
    """Given to every node that it is linked to."""
    custom: Raw = field(default_factory=_nothing)
    """Any JSON object."""


class EdgeResourceEvent(Event, frozen=True, kw_only=True):
    """About one version of one edge resource."""

    KIND: ClassVar[str] = "edge-resource"
    edge_resource_id: EdgeResourceId


class EdgeResourceCreated(
    EdgeResourceEvent, frozen=True, kw_only=True, tag="edge-resource.created.v1"
):
    """Nodes may be linked to it. Name and version together are its alone."""

    name: str
    version: str
    settings: EdgeResourceSettings


class EdgeResourceUpdated(
    EdgeResourceEvent, frozen=True, kw_only=True, tag="edge-resource.updated.v1"
):
    """It has this name and is this now."""

    name: str
    settings: EdgeResourceSettings


class EdgeResourceLinked(
    EdgeResourceEvent, frozen=True, kw_only=True, tag="edge-resource.linked.v1"
):
    """Microservices of the node may use it."""

    node_id: NodeId


class EdgeResourceUnlinked(
    EdgeResourceEvent, frozen=True, kw_only=True, tag="edge-resource.unlinked.v1"
):
    """They may no more."""

    node_id: NodeId


class EdgeResourceDeleted(
    EdgeResourceEvent, frozen=True, kw_only=True, tag="edge-resource.deleted.v1"
):
    """It is gone, with its links."""


EdgeResourceEvents = (
    EdgeResourceCreated
    | EdgeResourceUpdated
    | EdgeResourceLinked
    | EdgeResourceUnlinked
    | EdgeResourceDeleted
)
