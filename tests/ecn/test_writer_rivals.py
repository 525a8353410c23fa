"""Writers that race, and what was decided ahead of an append that did not come true."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecn import writer as writer_module
from ecn.batch import Batch, Issued, Outcome, Pending
from ecn.commands import AnyCommand
from ecn.commands.node import DeleteNode, RegisterNode
from ecn.errors import NameTaken, Refused
from ecn.writer import Writer
from events.envelope import GENESIS, Head, Recorded
from events.ids import NodeId, new_id
from events.log import LogError, LogUnavailable, MemoryLog
from events.node import NodeRegistered
from projections.world import World, fold
from tests.ecn.controllers import (
    Controller,
    checked_log,
    clock,
    issued,
    register,
    settled,
)
from tests.ecn.flaky_log import Fault, FlakyLog


class Unhurried(MemoryLog):
    """Each append and read waits for some turns of the loop, as the example says."""

    def __init__(self, turns: Sequence[int]) -> None:
        super().__init__()
        self._turns = list(turns)

    async def _pause(self) -> None:
        for _ in range(self._turns.pop() if self._turns else 1):
            await asyncio.sleep(0)

    async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
        await self._pause()
        await super().append(events, expected=expected)
        await self._pause()


@settings(max_examples=150, deadline=None)
@given(
    turns=st.lists(st.integers(0, 4), max_size=40),
    asked=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["a", "b", "c", "d"]),
            st.booleans(),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=30,
    ),
)
def test_controllers_that_race_never_give_a_name_twice(
    turns: list[int], asked: list[tuple[int, str, bool, int]]
) -> None:
    """Three controllers, one log: what was answered is what stands in the log, in one order."""

    async def race() -> None:
        log = Unhurried(turns)
        controllers = [Controller(log) for _ in range(3)]
        answers: list[tuple[Issued, Outcome | Refused]] = []

        async def ask(at: Writer, command: Issued, after: int) -> None:
            for _ in range(after):
                await asyncio.sleep(0)
            try:
                answers.append((command, await at.execute(command)))
            except Refused as refused:
                answers.append((command, refused))

        async with (
            controllers[0].running(),
            controllers[1].running(),
            controllers[2].running(),
            asyncio.TaskGroup() as tasks,
        ):
            for which, name, delete, after in asked:
                node = NodeId(f"node-{name}")
                wanted: AnyCommand = (
                    DeleteNode(node_id=node) if delete else RegisterNode(node_id=node, name=name)
                )
                tasks.create_task(ask(controllers[which].writer, issued(wanted), after))
        events = await checked_log(log)
        by_command: dict[str, list[Recorded]] = {}
        for event in events:
            by_command.setdefault(event.command_id, []).append(event)
        assert len(answers) == len(asked)
        for command, answer in answers:
            mine = by_command.get(command.command_id, [])
            if isinstance(answer, Refused):
                assert mine == []
            else:
                assert answer.events == tuple(event.type for event in mine)
                assert not mine or answer.position == mine[-1].position
        world, taken = World(), set[str]()
        for event in events:
            if isinstance(event.event, NodeRegistered):
                assert event.event.name not in taken
            world = fold(world, [event])
            taken = {row.name for _, row in world.nodes.items()}
        for controller in controllers:
            await controller.live.catch_up()
            assert controller.world == world

    asyncio.run(race())


async def test_a_batch_that_others_always_overtake_is_given_up_in_the_end() -> None:
    class Overtaken(MemoryLog):
        async def append(self, events: Sequence[Recorded], *, expected: Head) -> None:
            rival = Controller(MemoryLog())
            rival.live.advance(await self.read(GENESIS.position))
            batch = Batch(rival.world, clock)
            batch.decide(Pending(register(new_id()), asyncio.get_running_loop().create_future()))
            await super().append(batch.ahead.events, expected=await self.head())
            await super().append(events, expected=expected)

    log = Overtaken()
    async with Controller(log).running() as one:
        with pytest.raises(LogUnavailable, match="20 times"):
            await one.writer.execute(register("east"))
    assert "east" not in await one.names()
    assert len(await checked_log(log)) == writer_module.TRIES


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.NOT_LANDED])
async def test_what_was_decided_on_an_append_that_failed_is_decided_again(fault: Fault) -> None:
    log = FlakyLog()
    async with Controller(log).running() as one, asyncio.TaskGroup() as tasks:
        log.gate.clear()
        log.faults.append(fault)
        first = asyncio.ensure_future(one.writer.execute(register("east")))
        await settled()
        same_name = tasks.create_task(one.writer.execute(register("east")))
        await settled()
        log.gate.set()
        with pytest.raises(LogError):
            await first
        assert (await same_name).position == 1
    assert await one.names() == ["east"]


async def test_a_refusal_decided_ahead_is_given_when_what_it_stands_on_is_in_the_log() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        log.gate.clear()
        first = asyncio.ensure_future(one.writer.execute(register("east")))
        await settled()
        refused = asyncio.ensure_future(one.writer.execute(register("east")))
        await settled()
        assert not refused.done()
        log.gate.set()
        await first
        with pytest.raises(NameTaken):
            await refused
    assert log.appends == [1, 0]


async def test_when_another_controller_was_faster_all_that_was_decided_ahead_is_too_late() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one, Controller(log).running() as other:
        log.gate.clear()
        ours = [asyncio.ensure_future(one.writer.execute(register(name))) for name in "ab"]
        await settled()
        ours += [asyncio.ensure_future(one.writer.execute(register(name))) for name in "cd"]
        theirs = asyncio.ensure_future(other.writer.execute(register("b")))
        await settled()
        # The other's append comes first.
        log.gate.set()
        found = await asyncio.gather(*ours, theirs, return_exceptions=True)
    taken = [each for each in found if isinstance(each, NameTaken)]
    assert len(taken) == 1
    assert await one.names() == ["a", "b", "c", "d"]
    await checked_log(log)
