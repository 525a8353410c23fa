"""The flags that agents poll for, and what puts one of them up. Pure."""

from collections.abc import Iterator
from enum import StrEnum

from events.ids import MicroserviceId, NodeId


class Flag(StrEnum):
    """What an agent may have to look at. Named as its agents name them."""

    CONFIG = "config"
    """The node's own settings."""
    VERSION = "version"
    """It is told to upgrade itself, or to go back."""
    REBOOT = "reboot"
    DELETE_NODE = "deleteNode"
    """Never up: an agent without a node is told otherwise."""
    MICROSERVICE_LIST = "microserviceList"
    """Which microservices there are, and what their containers are made from."""
    MICROSERVICE_CONFIG = "microserviceConfig"
    """What microservices are told while they run."""
    ROUTING = "routing"
    REGISTRIES = "registries"
    TUNNEL = "tunnel"
    DIAGNOSTICS = "diagnostics"
    IMAGE_SNAPSHOT = "isImageSnapshot"
    PRUNE = "prune"
    ROUTER_CHANGED = "routerChanged"
    LINKED_EDGE_RESOURCES = "linkedEdgeResources"


Reaction = tuple[NodeId, Flag | MicroserviceId]
"""A flag of a node, or a microservice there whose container is to be made anew."""

MICROSERVICES = (Flag.MICROSERVICE_LIST, Flag.MICROSERVICE_CONFIG)
"""Of a node on which containers come, go, or are told something else, the system's own too."""


def on(node_id: NodeId, *what: Flag | MicroserviceId) -> Iterator[Reaction]:
    """All of that on one node."""
    for each in what:
        yield node_id, each
