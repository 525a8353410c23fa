"""The network's settings and its default router, as ioFog's clients write and see them. Pure."""

from msgspec import Struct

from ecn.errors import NotFound
from ecn.iofog import refusals
from ecn.iofog.fields import NonEmpty, Port
from ecn.iofog.numbers import on_the_wire
from ecn.iofog.times import iso
from events.network import DefaultRouter
from events.node import DEFAULT_ROUTER
from projections.network import SETTING, setting
from projections.routers import default_router
from projections.world import World


class Setting(Struct, frozen=True, kw_only=True):
    """A key and its value."""

    key: NonEmpty
    value: str


class ShownSetting(Struct, frozen=True, kw_only=True):
    """A key and its value."""

    key: str
    value: str


class Settings(Struct, frozen=True):
    """All keys that have a value."""

    config: list[ShownSetting]


class ChangedSetting(Struct, frozen=True, kw_only=True, rename="camel"):
    """A key and its value, and since when."""

    id: int
    key: str
    value: str
    created_at: str
    updated_at: str


class SetRouter(Struct, frozen=True, kw_only=True, rename="camel"):
    """The default router to be."""

    host: str
    messaging_port: Port = 5672
    edge_router_port: Port = 56722
    inter_router_port: Port = 56721


class Router(Struct, frozen=True, kw_only=True, rename="camel"):
    """The default router."""

    host: str
    messaging_port: int
    edge_router_port: int
    inter_router_port: int


class ChangedRouter(Struct, frozen=True, kw_only=True, rename="camel"):
    """The default router, and since when."""

    id: int
    is_edge: bool
    is_default: bool
    host: str
    messaging_port: int
    edge_router_port: int
    inter_router_port: int
    created_at: str
    updated_at: str


def settings(world: World) -> Settings:
    """All of them, by key."""
    found = sorted(
        (key.removeprefix(SETTING), row.value)
        for key, row in world.network.items()
        if key.startswith(SETTING) and row.value is not None
    )
    return Settings([ShownSetting(key=key, value=value) for key, value in found])


def shown_setting(world: World, key: str) -> ShownSetting:
    """One of them. Errors: Refusal when it has no value."""
    row = setting(world, key)
    if row is None or row.value is None:
        raise unknown_key(key)
    return ShownSetting(key=key, value=row.value)


def unknown_key(key: str) -> refusals.Refusal:
    """Of a setting without a value; misspelt, as ioFog has it."""
    return refusals.not_found(f"Unkown config key '{key}'")


def changed_setting(world: World, key: str) -> ChangedSetting:
    """One that has a value. Errors: Refusal when it has none."""
    row = setting(world, key)
    if row is None or row.value is None:
        raise unknown_key(key)
    return ChangedSetting(
        id=on_the_wire(row.number),
        key=key,
        value=row.value,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
    )


def asked_router(said: SetRouter) -> DefaultRouter:
    """The router that is to be the default."""
    return DefaultRouter(
        host=said.host,
        messaging_port=said.messaging_port,
        edge_port=said.edge_router_port,
        inter_router_port=said.inter_router_port,
    )


def router(world: World) -> Router:
    """The default router. Errors: Refusal when there is none."""
    found = default_router(world)
    if found is None:
        raise refusals.not_found(f"Invalid router '{DEFAULT_ROUTER}'")
    _, there = found
    return Router(
        host=there.host,
        messaging_port=there.messaging_port,
        edge_router_port=there.edge_port,
        inter_router_port=there.inter_router_port,
    )


def changed_router(world: World) -> ChangedRouter:
    """The default router that was set. Errors: NotFound."""
    row = world.network.get(DEFAULT_ROUTER)
    if row is None or row.router is None:
        raise NotFound("router", DEFAULT_ROUTER)
    return ChangedRouter(
        id=on_the_wire(row.number),
        is_edge=False,
        is_default=True,
        host=row.router.host,
        messaging_port=row.router.messaging_port,
        edge_router_port=row.router.edge_port,
        inter_router_port=row.router.inter_router_port,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
    )
