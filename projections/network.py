"""What is set for the network as a whole: its default router, and settings by key."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct
from msgspec.structs import replace

from events.envelope import Recorded
from events.network import DefaultRouter, DefaultRouterSet, NetworkEvents, NetworkSettingChanged
from events.node import DEFAULT_ROUTER
from projections.view import Put, Table

if TYPE_CHECKING:
    from projections.world import World

NAME, VERSION = "network", 1
SETTING = "setting/"
"""How the key of a setting begins; the default router's is DEFAULT_ROUTER."""


class NetworkRow(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is set: a router or a value, never both."""

    router: DefaultRouter | None = None
    value: str | None = None
    created_at: datetime
    updated_at: datetime
    number: int


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
        new = replace(row, router=new.router, value=new.value, updated_at=time)
    yield Put(key, new)
