"""What agents said: in memory at once, in the store soon, and known to other controllers."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import pytest

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.telemetry import Telemetry
from ecn.telemetry_store import MemoryTelemetryStore
from events.background import beside
from events.ids import MicroserviceId, NodeId
from events.log import MemoryLog, StoreUnavailable
from projections.live import Live
from tests.builders import EAST, NOW, WEST, registered, world_after

WEB = MicroserviceId("web")


class Store(MemoryTelemetryStore):
    """That can be away, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.asked = 0

    async def record(self, statuses: Mapping[NodeId, AgentStatus]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().record(statuses)

    async def statuses(self, node_ids: Collection[NodeId]) -> Mapping[NodeId, AgentStatus]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")
        return await super().statuses(node_ids)


@pytest.fixture
def store() -> Store:
    return Store()


def controller(store: Store, *, write_every: float = 60.0) -> Telemetry:
    live = Live(MemoryLog(), world_after(registered(EAST), registered(WEST)))
    return Telemetry(store, live, clock, write_every=write_every)


def clock() -> datetime:
    return NOW


def said(version: str, seconds: float = 0) -> AgentStatus:
    return AgentStatus(
        at=NOW + timedelta(seconds=seconds),
        version=version,
        containers={WEB: ContainerUsage(percentage=50)},
    )


async def test_what_was_said_is_known_at_once(store: Store) -> None:
    telemetry = controller(store)
    assert telemetry.status(EAST) is None
    assert telemetry.usage(EAST, WEB) is None
    telemetry.said(EAST, said("1"))
    assert telemetry.status(EAST) == said("1")
    assert telemetry.usage(EAST, WEB) == ContainerUsage(percentage=50)
    assert telemetry.usage(EAST, MicroserviceId("other")) is None


async def test_another_controller_learns_of_it_when_it_looks(store: Store) -> None:
    one, other = controller(store), controller(store)
    one.said(EAST, said("1"))
    await one.write()
    assert other.status(EAST) is None
    await other.look([EAST, WEST])
    assert other.status(EAST) == said("1")


async def test_a_look_does_not_bring_back_an_older_word(store: Store) -> None:
    one, other = controller(store), controller(store)
    one.said(EAST, said("1"))
    await one.write()
    other.said(EAST, said("2", seconds=5))
    await other.look([EAST])
    assert other.status(EAST) == said("2", seconds=5)
    await other.write()
    await one.look([EAST])
    assert one.status(EAST) == said("2", seconds=5)


async def test_many_looks_ask_the_store_once(store: Store) -> None:
    telemetry = controller(store)
    for _ in range(5):
        await telemetry.look([EAST, WEST])
    assert store.asked == 1


async def test_while_the_store_is_away_memory_answers_and_nothing_is_lost(store: Store) -> None:
    telemetry = controller(store)
    telemetry.said(EAST, said("1"))
    store.away = True
    with pytest.raises(StoreUnavailable):
        await telemetry.write()
    await telemetry.look([EAST])
    assert telemetry.status(EAST) == said("1")
    store.away = False
    await telemetry.write()
    assert await store.statuses([EAST]) == {EAST: said("1")}


async def test_it_survives_a_restart_and_even_the_last_second_is_written(store: Store) -> None:
    before = controller(store)
    async with beside(before.run()):
        await asyncio.sleep(0)
        before.said(EAST, said("1"))
    after = controller(store)
    assert await after.known(EAST) == said("1")


async def test_a_deleted_node_is_forgotten(store: Store) -> None:
    stranger = NodeId("deleted meanwhile")
    telemetry = controller(store)
    telemetry.said(stranger, said("1"))
    await store.record({stranger: said("1"), EAST: said("1")})
    await telemetry.write()
    assert telemetry.status(stranger) is None
    assert await store.statuses([stranger, EAST]) == {EAST: said("1")}


async def test_who_was_deleted_while_nobody_looked_is_swept_at_the_second_time(
    store: Store,
) -> None:
    stranger, gone = NodeId("deleted long ago"), MicroserviceId("deleted too")
    await store.put_hardware(stranger, "hw", "{}", NOW)
    await store.put_hardware(EAST, "hw", "{}", NOW)
    await store.append_trace(EAST, gone, b"trace")
    telemetry = controller(store)
    await telemetry.sweep()
    assert await store.known() == (frozenset({stranger, EAST}), frozenset({gone}))
    await telemetry.sweep()
    assert await store.known() == (frozenset({EAST}), frozenset())


async def test_a_fault_in_the_store_does_not_end_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = controller(store, write_every=0.001)
    failed = asyncio.Event()

    async def broken(_: Mapping[NodeId, AgentStatus]) -> None:
        failed.set()
        raise RuntimeError("a mistake of ours")

    async with beside(telemetry.run()):
        monkeypatch.setattr(store, "record", broken)
        await asyncio.wait_for(failed.wait(), 5)
        monkeypatch.undo()
        telemetry.said(EAST, said("1"))
        for _ in range(500):
            if await store.statuses([EAST]):
                break
            await asyncio.sleep(0.01)
    assert await store.statuses([EAST]) == {EAST: said("1")}
