"""What is decided about the network as a whole: its default router, and settings by key."""

from collections.abc import Iterator
from typing import assert_never
from urllib.parse import urlsplit

from ecn.commands.network import (
    ChangeNetworkSetting,
    NetworkCommand,
    SetBroker,
    SetDefaultRouter,
)
from ecn.deciders import rules
from ecn.errors import Invalid, SystemNodeExists
from events.envelope import KnownEvent
from events.network import Broker, BrokerSet, DefaultRouterSet, NetworkSettingChanged
from events.node import DEFAULT_ROUTER
from projections.network import BROKER, broker, value_of
from projections.routers import system_node
from projections.world import World

LARGEST_CA = 1 << 18
"""Characters of the certificates that agents are to trust."""


def decide(world: World, command: NetworkCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case SetDefaultRouter():
            yield from _set_router(world, command)
        case SetBroker():
            if command.broker is not None:
                _check_broker(command.broker)
            if command.broker != broker(world):
                yield BrokerSet(network_id=BROKER, broker=command.broker)
        case ChangeNetworkSetting():
            if not command.key:
                raise Invalid("a setting has a key", field="$.key")
            rules.text(command.key, field="$.key")
            rules.text(command.value, field="$.value")
            if value_of(world, command.key) != command.value:
                yield NetworkSettingChanged(network_id=command.key, value=command.value)
        case _:
            assert_never(command)


def _check_broker(wanted: Broker) -> None:
    """Errors: Invalid."""
    rules.text(wanted.url, field="$.url")
    try:
        url = urlsplit(wanted.url)
        there = url.scheme in ("amqp", "amqps") and bool(url.hostname) and url.port != 0
    except ValueError:
        there = False
    if not there:
        raise Invalid(
            f"{wanted.url!r} is no amqp://HOST:PORT/VHOST or amqps://HOST:PORT/VHOST", field="$.url"
        )
    if url.username is not None or url.password is not None:
        raise Invalid("user and password do not belong into the URL", field="$.url")
    if len(wanted.ca_pem) > LARGEST_CA:
        raise Invalid(f"is longer than {LARGEST_CA} characters", field="$.ca_pem")
    if "PRIVATE KEY" in wanted.ca_pem:
        # It goes into the log, and to every agent.
        raise Invalid("has a private key: certificates alone belong there", field="$.ca_pem")


def _set_router(world: World, command: SetDefaultRouter) -> Iterator[KnownEvent]:
    router = command.router
    if not router.host:
        raise Invalid("a router has a host", field="$.host")
    rules.text(router.host, field="$.host")
    for part in ("messaging_port", "edge_port", "inter_router_port"):
        rules.port(getattr(router, part), field=f"$.{part}")
    node_id = system_node(world)
    if node_id is not None:
        raise SystemNodeExists(world.nodes[node_id].name)
    row = world.network.get(DEFAULT_ROUTER)
    if row is None or row.router != router:
        yield DefaultRouterSet(network_id=DEFAULT_ROUTER, router=router)
