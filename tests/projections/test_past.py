"""The world at any position is what the log up to there makes of it, wherever folding begins."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events.envelope import GENESIS, Recorded
from events.ids import Position
from events.log import LogUnavailable, MemoryLog, StoreUnavailable
from projections.live import Live
from projections.past import KEPT, Past
from projections.snapshot import Snapshot, packed
from projections.snapshot_store import MemorySnapshots
from projections.world import World, fold
from tests.builders import history, registered
from tests.ecn.deciders.histories import History, histories


class Counting(MemoryLog):
    """Counts what is read, and can be slow or away."""

    def __init__(self) -> None:
        super().__init__()
        self.read_events = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, after: Position, *, limit: int = 5000) -> list[Recorded]:
        if self.away:
            raise LogUnavailable("away")
        await self.gate.wait()
        found = await super().read(after, limit=limit)
        self.read_events += len(found)
        return found


async def scene(events: Sequence[Recorded]) -> tuple[Counting, Live, MemorySnapshots]:
    """A log of these events, a live world at its end, and no snapshots."""
    log = Counting()
    await log.append(events, expected=GENESIS)
    live = Live(log)
    await live.catch_up()
    log.read_events = 0
    return log, live, MemorySnapshots(log)


@settings(max_examples=40, deadline=None)
@given(histories(), st.data())
def test_any_moment_asked_in_any_order_with_any_snapshots(
    history: History, data: st.DataObject
) -> None:
    events = history.log
    positions = st.integers(0, len(events))
    snapped = data.draw(st.lists(positions.filter(bool), max_size=4))
    damaged = data.draw(st.lists(st.sampled_from(snapped), max_size=2)) if snapped else []
    asked = data.draw(st.lists(positions, min_size=1, max_size=8))

    async def ask() -> None:
        log, live, snapshots = await scene(events)
        for each in snapped:
            snapshot = packed(fold(World(), events[:each]))
            if each in damaged:
                snapshot = replace(snapshot, data=snapshot.data[:-1])
            await snapshots.put(snapshot)
        past = Past(live, log, snapshots, close=0)
        for each in asked:
            assert await past.world_at(Position(each)) == fold(World(), events[:each])

    asyncio.run(ask())


def many(size: int) -> list[Recorded]:
    """A log of nodes."""
    from events.ids import NodeId

    return history(*(registered(NodeId(f"node-{n}")) for n in range(size)))


async def test_a_snapshot_saves_the_folding_up_to_it() -> None:
    events = many(100)
    log, live, snapshots = await scene(events)
    await snapshots.put(packed(fold(World(), events[:80])))
    past = Past(live, log, snapshots, close=0)
    assert (await past.world_at(Position(85))).position == 85
    # The look at the snapshot's own event is a read too.
    assert log.read_events <= 5 + 1


async def test_what_was_asked_for_lately_is_remembered_and_of_bounded_number() -> None:
    log, live, snapshots = await scene(many(40))
    past = Past(live, log, snapshots)
    first = await past.world_at(Position(10))
    read = log.read_events
    assert await past.world_at(Position(10)) is first
    assert log.read_events == read
    await past.world_at(Position(12))
    assert log.read_events == read + 2
    for position in range(20, 20 + KEPT):
        await past.world_at(Position(position))
    assert await past.world_at(Position(10)) is not first


async def test_the_same_question_at_the_same_time_is_worked_on_once() -> None:
    log, live, snapshots = await scene(many(30))
    past = Past(live, log, snapshots)
    worlds = await asyncio.gather(*(past.world_at(Position(20)) for _ in range(10)))
    assert all(world is worlds[0] for world in worlds)
    assert log.read_events == 20


async def test_when_the_first_who_asked_leaves_the_others_are_answered() -> None:
    log, live, snapshots = await scene(many(30))
    past = Past(live, log, snapshots)
    log.gate.clear()
    first = asyncio.ensure_future(past.world_at(Position(20)))
    others = [asyncio.ensure_future(past.world_at(Position(20))) for _ in range(3)]
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    log.gate.set()
    for world in await asyncio.gather(*others):
        assert world.position == 20
    assert past._asked == {}


async def test_now_is_the_live_world_and_the_future_is_refused() -> None:
    log, live, snapshots = await scene(many(3))
    past = Past(live, log, snapshots)
    assert await past.world_at(Position(3)) is live.world
    with pytest.raises(ValueError, match="beyond"):
        await past.world_at(Position(4))
    log.away = True
    with pytest.raises(LogUnavailable):
        await past.world_at(Position(2))


class Away(MemorySnapshots):
    """Can't be asked."""

    async def positions(self) -> Sequence[Position]:
        raise StoreUnavailable("away")


async def test_a_store_that_is_away_is_a_log_that_is_away() -> None:
    log, live, _ = await scene(many(3))
    with pytest.raises(LogUnavailable):
        await Past(live, log, Away(log), close=0).world_at(Position(2))


async def test_a_snapshot_of_another_log_is_not_believed() -> None:
    events = many(10)
    log, live, snapshots = await scene(events)
    world = fold(World(), events[:5])
    wrong = replace(world, head=replace(world.head, hash=bytes(32)))
    snapshot: Snapshot = packed(replace(wrong, nodes=World().nodes))
    await snapshots.put(snapshot)
    past = Past(live, log, snapshots, close=0)
    assert await past.world_at(Position(7)) == fold(World(), events[:7])
