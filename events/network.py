"""The network as a whole: its default router, and settings that are only a key and a text."""

from typing import ClassVar

from msgspec import Struct

from events.event import Event


class DefaultRouter(Struct, frozen=True, kw_only=True, gc=False):
    """A router outside all nodes that the others lead to: a Kubernetes service, say."""

    host: str
    messaging_port: int = 5672
    edge_port: int = 56722
    inter_router_port: int = 56721


class NetworkEvent(Event, frozen=True, kw_only=True):
    """About one thing of the network as a whole, named by `network_id`."""

    KIND: ClassVar[str] = "network"
    network_id: str
    """`default-router`, or a setting's key."""


class DefaultRouterSet(NetworkEvent, frozen=True, kw_only=True, tag="network.router-set.v1"):
    """Nodes without another upstream lead there from now on."""

    router: DefaultRouter


class NetworkSettingChanged(
    NetworkEvent, frozen=True, kw_only=True, tag="network.setting-changed.v1"
):
    """The setting has this value now."""

    value: str


class Broker(Struct, frozen=True, kw_only=True, gc=False):
    """The interior router that carries messages between nodes, as agents reach it."""

    url: str
    """amqp://host:port/vhost or amqps://…, without user and password."""
    ca_pem: str = ""
    """Certificates to trust there besides the system's."""


class BrokerSet(NetworkEvent, frozen=True, kw_only=True, tag="network.broker-set.v1"):
    """This is the network's interior router from now on; None: there is none."""

    broker: Broker | None


NetworkEvents = BrokerSet | DefaultRouterSet | NetworkSettingChanged
