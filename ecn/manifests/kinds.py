"""The kinds of thing that there are, and one thing of a kind. Pure."""

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """A kind, by its name in subjects."""

    NODE = "node"
    APPLICATION = "application"
    MICROSERVICE = "microservice"
    REGISTRY = "registry"
    CATALOG_ITEM = "catalog-item"
    TEMPLATE = "template"
    ROUTE = "route"
    EDGE_RESOURCE = "edge-resource"
    VOLUME = "volume"
    NETWORK = "network"
    ROUTER = "router"
    """Shown only: it follows from its node's settings, say. So is the next."""
    PUBLIC_PORT = "public-port"
    USER = "user"
    EVENT = "event"

    @property
    def plural(self) -> str:
        """As the API and `ecn get` call them. There is one network."""
        match self:
            case Kind.REGISTRY:
                return "registries"
            case Kind.NETWORK:
                return "network"
        return f"{self.value}s"


class Reference(Struct, frozen=True):
    """One thing. A microservice's or route's name is `<application>/<name>`, an edge resource's
    `<name>@<version>`."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"
