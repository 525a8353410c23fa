"""The golden story goes on: the network gets an interior router, another one, and none. Append to
the end only.

The last word is that there is none: what an agent is told of one has a password in it, which is
another each time the tests make a network.
"""

from events.envelope import KnownEvent
from events.network import Broker, BrokerSet

BROKER = "broker"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

INTERIOR: tuple[tuple[str, KnownEvent], ...] = (
    (
        "controller",
        BrokerSet(
            network_id=BROKER,
            broker=Broker(url="amqps://router.example:5671/ecn", ca_pem=PEM),
        ),
    ),
    (
        "controller",
        BrokerSet(network_id=BROKER, broker=Broker(url="amqps://gate.example:5671/ecn")),
    ),
    ("controller", BrokerSet(network_id=BROKER, broker=None)),
)
