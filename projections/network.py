"""What is set for the network as a whole: its default router, and settings by key."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.network import (
    Broker,
    BrokerSet,
    DefaultRouter,
    DefaultRouterSet,
    NetworkEvents,
    NetworkSettingChanged,
)
from events.node import DEFAULT_ROUTER
from projections.view import Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "network", 2
SETTING = "setting/"
"""How the key of a setting begins; the default router's is DEFAULT_ROUTER."""


class NetworkRow(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is set: a router, a value or the interior router, never two of them."""

    router: DefaultRouter | None = None
    value: str | None = None
    broker: Broker | None = None
    created_at: datetime
    updated_at: datetime
    number: int


BROKER = "broker"
"""The key of the interior router; no setting's key is that, as theirs begin with SETTING."""


def broker(world: "World") -> Broker | None:
    """The interior router, if the network has one."""
    row = world.network.get(BROKER)
    return None if row is None else row.broker


def table() -> Table[str, NetworkRow]:
    """An empty table."""
    return Table({})


def setting(world: "World", key: str) -> NetworkRow | None:
    """The setting of that key."""
    return world.network.get(f"{SETTING}{key}")


def value_of(world: "World", key: str) -> str | None:
    """What it is set to, if it is."""
    row = setting(world, key)
    return None if row is None else row.value


def project(
    world: "World", event: NetworkEvents, recorded: Recorded
) -> Iterator[Put[str, NetworkRow]]:
    """See view.py."""
    time = recorded.time
    match event:
        case DefaultRouterSet():
            key, new = (
                DEFAULT_ROUTER,
                NetworkRow(
                    router=event.router, created_at=time, updated_at=time, number=recorded.position
                ),
            )
        case BrokerSet():
            key, new = (
                BROKER,
                NetworkRow(
                    broker=event.broker, created_at=time, updated_at=time, number=recorded.position
                ),
            )
        case NetworkSettingChanged():
            key, new = (
                f"{SETTING}{event.network_id}",
                NetworkRow(
                    value=event.value, created_at=time, updated_at=time, number=recorded.position
                ),
            )
        case _:
            assert_never(event)
    row = world.network.get(key)
    if row is not None:
        new = replace(row, router=new.router, value=new.value, broker=new.broker, updated_at=time)
    yield Put(key, new)
