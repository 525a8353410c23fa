"""What may be asked of edge resources."""

from ecn.commands.command import Command
from events.edge_resource import EdgeResourceSettings
from events.ids import EdgeResourceId, NodeId


class CreateEdgeResource(Command, frozen=True, kw_only=True):
    """Make one; refused where name and version are taken."""

    edge_resource_id: EdgeResourceId
    name: str
    version: str
    settings: EdgeResourceSettings


class ApplyEdgeResource(Command, frozen=True, kw_only=True):
    """Let the resource of that name and version be this: made where there is none."""

    edge_resource_id: EdgeResourceId
    """For the case that it has to be made."""
    name: str
    version: str
    settings: EdgeResourceSettings


class UpdateEdgeResource(Command, frozen=True, kw_only=True):
    """Let it have this name and be this. `seen` guards against a change in between."""

    edge_resource_id: EdgeResourceId
    name: str
    settings: EdgeResourceSettings
    seen: EdgeResourceSettings


class LinkEdgeResource(Command, frozen=True, kw_only=True):
    """Let microservices of the node use it."""

    edge_resource_id: EdgeResourceId
    node_id: NodeId


class UnlinkEdgeResource(Command, frozen=True, kw_only=True):
    """Let them use it no more."""

    edge_resource_id: EdgeResourceId
    node_id: NodeId


class DeleteEdgeResource(Command, frozen=True, kw_only=True):
    """Remove it, with its links."""

    edge_resource_id: EdgeResourceId


EdgeResourceCommand = (
    CreateEdgeResource
    | ApplyEdgeResource
    | UpdateEdgeResource
    | LinkEdgeResource
    | UnlinkEdgeResource
    | DeleteEdgeResource
)
