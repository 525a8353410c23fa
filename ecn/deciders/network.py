"""What is decided about the network as a whole: its default router, and settings by key."""

from collections.abc import Iterator
from typing import assert_never

from ecn.commands.network import ChangeNetworkSetting, NetworkCommand, SetDefaultRouter
from ecn.deciders import rules
from ecn.errors import Invalid, SystemNodeExists
from events.envelope import KnownEvent
from events.network import DefaultRouterSet, NetworkSettingChanged
from events.node import DEFAULT_ROUTER
from projections.network import value_of
from projections.routers import system_node
from projections.world import World


def decide(world: World, command: NetworkCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case SetDefaultRouter():
            yield from _set_router(world, command)
        case ChangeNetworkSetting():
            if not command.key:
                raise Invalid("a setting has a key", field="$.key")
            rules.text(command.key, field="$.key")
            rules.text(command.value, field="$.value")
            if value_of(world, command.key) != command.value:
                yield NetworkSettingChanged(network_id=command.key, value=command.value)
        case _:
            assert_never(command)


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
