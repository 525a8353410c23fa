"""The writer: many callers, few appends, and to each its own true answer."""

import asyncio

import pytest

from ecn import writer as writer_module
from ecn.batch import Outcome
from ecn.commands.application import StartApplication, StopApplication
from ecn.commands.node import DeleteNode
from ecn.errors import NameTaken, NotFound
from ecn.writer import Overloaded
from events.ids import CommandId, NodeId
from events.log import LogUnavailable, MemoryLog, OutcomeUnknown
from tests.builders import EAST, NOW, SHOP, manifest
from tests.ecn.controllers import (
    Controller,
    all_of,
    checked_log,
    issued,
    register,
    settled,
)
from tests.ecn.flaky_log import FlakyLog


async def test_a_command_is_answered_with_what_it_led_to() -> None:
    async with Controller(FlakyLog()).running() as one:
        answer = await one.writer.execute(register("east", EAST, "the command"))
        assert answer == Outcome(
            command_id=CommandId("the command"),
            subject=f"node/{EAST}",
            events=("node.registered.v1",),
            position=one.world.position,
        )
        (event,) = await checked_log(one.log)
        assert (event.actor, event.command_id, event.correlation_id, event.time) == (
            "user/anna",
            "the command",
            "request",
            NOW,
        )


async def test_whoever_is_answered_sees_it_in_the_world() -> None:
    async with Controller(FlakyLog()).running() as one:
        await one.writer.execute(register("east", EAST))
        assert one.world.nodes[EAST].name == "east"


async def test_a_command_that_changes_nothing_is_true_where_it_was_asked() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        await one.writer.execute(register("east"))
        answer = await one.writer.execute(issued(DeleteNode(node_id=NodeId("nobody"))))
        assert (answer.events, answer.subject, answer.position) == ((), "", 1)
        assert log.appends == [1, 0]


async def test_many_commands_at_once_are_few_appends() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        commands = [register(f"node {number}") for number in range(1000)]
        answers = await all_of(one.writer, commands)
    assert [answer.position for answer in answers if isinstance(answer, Outcome)] == list(
        range(1, 1001)
    )
    assert [a.command_id for a in answers if isinstance(a, Outcome)] == [
        each.command_id for each in commands
    ]
    assert sum(log.appends) == 1000
    assert max(log.appends) <= writer_module.BATCH
    assert len(log.appends) <= 50
    assert len(await checked_log(log)) == 1000


async def test_commands_that_come_during_an_append_are_the_next_one() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one, asyncio.TaskGroup() as tasks:
        log.gate.clear()
        tasks.create_task(one.writer.execute(register("first")))
        await settled()
        for number in range(50):
            tasks.create_task(one.writer.execute(register(f"later {number}")))
        await settled()
        assert one.world.position == 0
        log.gate.set()
    assert log.appends == [1, 50]


async def test_a_refused_command_leaves_the_others_of_its_batch_alone() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        answers = await all_of(
            one.writer,
            [
                register("east"),
                register("east"),
                issued(StartApplication(application_id=SHOP)),
                register("west"),
            ],
        )
    assert [type(answer) for answer in answers] == [Outcome, NameTaken, NotFound, Outcome]
    # In one append; where deciding takes long, on a busy machine, the first one flies before.
    assert sum(log.appends) == 2
    assert await one.names() == ["east", "west"]


async def test_a_command_sees_what_earlier_ones_of_its_batch_did() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        answers = await all_of(
            one.writer,
            [
                issued(manifest()),
                issued(StopApplication(application_id=SHOP)),
                issued(StopApplication(application_id=SHOP)),
                issued(StartApplication(application_id=SHOP)),
            ],
        )
    assert [answer.events for answer in answers if isinstance(answer, Outcome)] == [
        ("application.created.v1",),
        ("application.stopped.v1",),
        (),
        ("application.started.v1",),
    ]
    assert log.appends == [3]


async def test_even_a_refusal_is_asked_of_the_log() -> None:
    """The name was free again: another controller had deleted the node a moment ago."""
    log = MemoryLog()
    one, other = Controller(log), Controller(log)
    async with one.running(), other.running():
        await one.writer.execute(register("east", EAST))
        await other.live.catch_up()
        await other.writer.execute(issued(DeleteNode(node_id=EAST)))
        await one.writer.execute(register("east"))
        # And the other way round: taken in between.
        with pytest.raises(NameTaken):
            await other.writer.execute(register("east"))
    assert len(await checked_log(log)) == 3


# Callers and the queue


async def test_a_command_is_carried_out_though_its_caller_has_left() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        log.gate.clear()
        async with asyncio.TaskGroup() as tasks:
            leaving = tasks.create_task(one.writer.execute(register("east", EAST)))
            staying = tasks.create_task(one.writer.execute(register("west")))
            await settled()
            leaving.cancel()
            await settled()
            log.gate.set()
            assert (await staying).position == 2
    assert await one.names() == ["east", "west"]


async def test_a_full_queue_turns_callers_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE", 3)
    one = Controller(FlakyLog())
    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(one.writer.execute(register(name)))
        await settled()
        with pytest.raises(Overloaded):
            await one.writer.execute(register("d"))
        async with one.running():
            await settled()
    assert await one.names() == ["a", "b", "c"]


async def test_a_writer_that_stops_tells_all_who_wait() -> None:
    log = FlakyLog()
    one = Controller(log)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(one.writer.run())
        log.gate.clear()
        during = asyncio.ensure_future(one.writer.execute(register("east")))
        await settled()
        queued = asyncio.ensure_future(one.writer.execute(register("west")))
        await settled()
        running.cancel()
        with pytest.raises(OutcomeUnknown):
            await during
        with pytest.raises(LogUnavailable):
            await queued
    assert await one.names() == []
    with pytest.raises(LogUnavailable):
        await asyncio.wait_for(one.writer.execute(register("late")), 1)
