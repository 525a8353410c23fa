"""The live world: who is woken by what, and where the tail of the log is read."""

import asyncio

import pytest

from events.application import MicroserviceMoved, MicroserviceStopped
from events.background import beside
from events.envelope import Recorded
from events.ids import NodeId, Position
from events.log import LogUnavailable, MemoryLog
from events.node import NodeDeleted, NodeWentOffline, OfflineReason
from projections import live as live_module
from projections.live import Live, follow
from projections.world import World, fold
from tests.builders import (
    EAST,
    WEB,
    WEST,
    application,
    chained,
    history,
    microservice,
    registered,
    world_after,
)
from tests.ecn.flaky_log import FlakyLog

LONG = 30.0
"""Seconds that no passing test waits."""

NODES = [NodeId(f"node-{number}") for number in range(200)]


def is_stale(live: Live) -> bool:
    return live.stale


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)


def nodes(many: int) -> list[Recorded]:
    """A log of so many registrations."""
    return history(*(registered(NodeId(f"node-{number}")) for number in range(many)))


async def log_of(events: list[Recorded]) -> FlakyLog:
    """A log that holds them."""
    log = FlakyLog()
    await log.append(events, expected=World().head)
    return log


async def test_only_the_node_that_changed_is_woken() -> None:
    everyone = (registered(node_id) for node_id in NODES)
    live = Live(MemoryLog(), world_after(*everyone, application(), microservice(node_id=NODES[7])))
    async with asyncio.TaskGroup() as tasks:
        waiting = {
            node_id: tasks.create_task(live.node_changed(node_id, at_most=LONG))
            for node_id in NODES
        }
        await settled()
        live.advance(chained(live.world.head, MicroserviceStopped(microservice_id=WEB)))
        await settled()
        assert [node_id for node_id, task in waiting.items() if task.done()] == [NODES[7]]
        for node_id in NODES:
            live.wake(node_id)


async def test_a_move_wakes_both_ends() -> None:
    live = Live(
        MemoryLog(), world_after(registered(), registered(WEST), application(), microservice())
    )
    moved = MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    async with asyncio.TaskGroup() as tasks:
        for node_id in (EAST, EAST, WEST):
            tasks.create_task(live.node_changed(node_id, at_most=LONG))
        await settled()
        live.advance(chained(live.world.head, moved))


async def test_a_deleted_node_is_woken_to_hear_of_it() -> None:
    live = Live(MemoryLog(), world_after(registered()))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live.node_changed(EAST, at_most=LONG))
        await settled()
        live.advance(chained(live.world.head, NodeDeleted(node_id=EAST)))


async def test_what_is_nothing_to_an_agent_does_not_wake_it() -> None:
    live = Live(MemoryLog(), world_after(registered()))
    offline = NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(live.node_changed(EAST, at_most=LONG))
        await settled()
        live.advance(chained(live.world.head, offline))
        await settled()
        assert not waiting.done()
        live.wake(EAST)


async def test_whoever_waits_no_more_leaves_nothing_behind() -> None:
    live = Live(MemoryLog(), world_after(registered()))
    await live.node_changed(EAST, at_most=0.01)
    assert live._node_waiters == {}
    async with asyncio.TaskGroup() as tasks:
        leaving = tasks.create_task(live.node_changed(EAST, at_most=LONG))
        staying = tasks.create_task(live.node_changed(EAST, at_most=LONG))
        await settled()
        leaving.cancel()
        await settled()
        assert not staying.done()
        live.wake(EAST)
        await staying
    assert live._node_waiters == {}


async def test_waiting_anew_right_after_being_woken_is_waiting() -> None:
    live = Live(MemoryLog(), world_after(registered()))

    async def twice() -> None:
        await live.node_changed(EAST, at_most=LONG)
        await live.node_changed(EAST, at_most=LONG)

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(twice())
        await settled()
        live.wake(EAST)
        await settled()
        assert not waiting.done()
        live.wake(EAST)


async def test_what_was_folded_before_is_folded_once() -> None:
    """The writer and the follower may both bring an event."""
    live, events = Live(MemoryLog()), nodes(4)
    live.advance(events[:2])
    live.advance(events[:3])
    live.advance(events[1:3])
    live.advance([])
    assert live.world == fold(World(), events[:3])
    assert [event.position for event in await live.events_after(Position(0), limit=9)] == [1, 2, 3]


async def test_growth_is_told_at_once_when_it_is_there_already() -> None:
    live = Live(MemoryLog(), world_after(registered()))
    assert await live.grown_beyond(Position(0), at_most=0)
    assert not await live.grown_beyond(Position(1), at_most=0.01)


async def test_growth_is_told_to_each_when_its_own_position_is_passed() -> None:
    live, events = Live(MemoryLog()), nodes(3)
    async with asyncio.TaskGroup() as tasks:
        leaving = tasks.create_task(live.grown_beyond(Position(0), at_most=LONG))
        near = tasks.create_task(live.grown_beyond(Position(0), at_most=LONG))
        far = tasks.create_task(live.grown_beyond(Position(2), at_most=LONG))
        await settled()
        leaving.cancel()
        await settled()
        live.advance(events[:1])
        await settled()
        assert near.done()
        assert not far.done()
        live.advance(events[1:])
    assert near.result()
    assert far.result()


async def test_recent_events_cost_the_log_nothing() -> None:
    log = await log_of(nodes(6))
    live = Live(log)
    await live.catch_up()
    pages = list(log.pages)
    events = [event.position for event in await live.events_after(Position(2), limit=3)]
    assert events == [3, 4, 5]
    assert await live.events_after(Position(6), limit=3) == []
    assert log.pages == pages


async def test_older_events_come_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "RECENT", 2)
    log = await log_of(nodes(6))
    live = Live(log)
    await live.catch_up()
    for after in range(6):
        read = await live.events_after(Position(after), limit=100)
        assert [event.position for event in read] == list(range(after + 1, 7))
    log.readable = False
    assert len(await live.events_after(Position(4), limit=100)) == 2
    with pytest.raises(LogUnavailable):
        await live.events_after(Position(3), limit=100)


async def test_a_world_that_came_as_rows_reads_what_is_before_it_from_the_log() -> None:
    events = nodes(3)
    live = Live(await log_of(events), fold(World(), events))
    assert await live.events_after(Position(0), limit=2) == events[:2]


async def test_catching_up_takes_as_many_pages_as_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_module, "PAGE", 4)
    events = nodes(10)
    log = await log_of(events)
    live = Live(log)
    await live.catch_up()
    assert live.world == fold(World(), events)
    assert log.pages == [4, 4, 2, 0]


async def test_catching_up_at_once_from_several_sides_reads_once() -> None:
    log = await log_of(nodes(10))
    live = Live(log)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(live.catch_up())
    assert live.world.position == 10
    assert log.pages == [10, 0, 0, 0]


async def test_a_world_is_stale_while_the_log_is_out_of_reach() -> None:
    log = await log_of(nodes(1))
    live = Live(log)
    log.readable = False
    with pytest.raises(LogUnavailable):
        await live.catch_up()
    assert is_stale(live)
    assert live.world.position == 0
    log.readable = True
    await live.catch_up()
    assert not is_stale(live)
    assert live.world.position == 1


async def test_the_follower_brings_what_others_appended() -> None:
    log = FlakyLog()
    live = Live(log)
    async with beside(follow(live, log)):
        events = nodes(3)
        await log.append(events[:2], expected=World().head)
        assert await live.grown_beyond(Position(1), at_most=LONG)
        await log.append(events[2:], expected=events[1].head)
        assert await live.grown_beyond(Position(2), at_most=LONG)


async def test_the_follower_outlives_an_absence_of_the_log() -> None:
    log = await log_of(nodes(2))
    live = Live(log)
    log.readable = False
    async with beside(follow(live, log)):
        await settled()
        assert is_stale(live)
        log.readable = True
        assert await live.grown_beyond(Position(1), at_most=LONG)
        assert not is_stale(live)


async def test_the_tail_brings_each_event_once_and_says_when_it_is_quiet() -> None:
    events = nodes(1200)
    live = Live(await log_of(events))
    live.advance(events[:1100])
    tail = live.tail(Position(0), idle=0.02)
    seen = [event.position for _ in range(3) for event in await anext(tail)]
    assert seen == list(range(1, 1101))
    assert await anext(tail) == []
    assert await anext(tail) == []
    live.advance(events[1100:])
    assert [event.position for event in await anext(tail)] == list(range(1101, 1201))


async def test_the_tail_waits_for_what_comes() -> None:
    events = nodes(2)
    live = Live(await log_of(events))
    tail = live.tail(Position(0), idle=LONG)

    async def first() -> list[int]:
        return [event.position for event in await anext(tail)]

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(first())
        await settled()
        assert not waiting.done()
        live.advance(events)
    assert waiting.result() == [1, 2]
