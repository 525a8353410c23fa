"""Snapshots appear along the log, also along one that came from elsewhere, and are thinned out."""

import asyncio

from ecn.presence_store import MemoryLeadership
from ecn.snapshot_keeper import SnapshotKeeper
from events.background import beside
from events.envelope import GENESIS, KnownEvent
from events.ids import NodeId
from events.log import MemoryLog
from events.node import NodeRenamed
from projections.live import Live
from projections.past import Past
from projections.snapshot import unpacked
from projections.snapshot_store import MemorySnapshots
from projections.world import World, fold
from tests.builders import chained, history, registered


class Scene:
    """A log of renamings, and the keeper of its snapshots: one each ten events."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.live = Live(self.log)
        self.snapshots = MemorySnapshots(self.log)
        self.past = Past(self.live, self.log, self.snapshots, close=0)
        self.keeper = self.of(MemoryLeadership({}))

    def of(self, leadership: MemoryLeadership) -> SnapshotKeeper:
        """A keeper that leads, or not."""
        return SnapshotKeeper(
            self.snapshots,
            leadership,
            "views",
            self.live,
            self.past,
            every=10,
            look_every=0.01,
        )

    async def grow(self, size: int) -> None:
        """So many events more."""
        head = self.live.world.head
        events: list[KnownEvent] = [
            NodeRenamed(node_id=NodeId("node-east"), name=f"n{n}") for n in range(size)
        ]
        await self.log.append(chained(head, *events), expected=head)
        await self.live.catch_up()

    async def settled(self) -> list[int]:
        """Where there are snapshots, once nothing is left to do. All of them are right."""
        while await self.keeper.look():
            pass
        events = await self.log.read(GENESIS.position)
        for position, snapshot in self.snapshots.kept.items():
            assert unpacked(snapshot) == fold(World(), events[:position])
        return list(map(int, await self.snapshots.positions()))


async def scene() -> Scene:
    made = Scene()
    await made.log.append(history(registered()), expected=GENESIS)
    await made.live.catch_up()
    return made


async def test_each_stretch_gets_one_when_the_log_has_come_to_it() -> None:
    made = await scene()
    assert await made.settled() == []
    await made.grow(12)
    assert await made.settled() == [13]
    await made.grow(3)
    assert await made.settled() == [13]
    await made.grow(9)
    assert await made.settled() == [13, 25]


async def test_a_log_that_came_from_elsewhere_gets_all_of_them() -> None:
    made = await scene()
    await made.grow(54)
    assert await made.settled() == [10, 20, 30, 40, 55]


async def test_old_ones_are_thinned_out() -> None:
    made = await scene()
    for _ in range(12):
        await made.grow(100)
        found = await made.settled()
    assert len(found) <= 70
    assert len([each for each in found if each > 1201 - 400]) >= 40
    assert len([each for each in found if each <= 400]) <= 10


async def test_only_the_leader_makes_them() -> None:
    made = await scene()
    await made.grow(30)
    holders: dict[str, MemoryLeadership] = {}
    first, second = MemoryLeadership(holders), MemoryLeadership(holders)
    assert await first.try_lead("views")
    async with beside(made.of(second).run()):
        await asyncio.sleep(0.1)
        assert made.snapshots.kept == {}
    async with beside(made.of(first).run()), asyncio.timeout(5):
        while len(made.snapshots.kept) < 3:  # noqa: ASYNC110  # the store tells nobody
            await asyncio.sleep(0.01)
