"""The writer: many callers, few appends, and to each its own true answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecn import writer as writer_module
from ecn.batch import Batch, Issued, Outcome, Pending
from ecn.commands import AnyCommand
from ecn.commands.application import StartApplication, StopApplication
from ecn.commands.node import DeleteNode, RegisterNode
from ecn.deciders import rules
from ecn.errors import KeyReused, NameTaken, NotFound, Refused
from ecn.writer import Overloaded, Writer
from events.background import beside
from events.envelope import GENESIS, Head, Recorded, verify
from events.ids import CommandId, NodeId, new_id
from events.log import EventLog, LogError, LogUnavailable, MemoryLog, OutcomeUnknown
from events.node import NodeRegistered
from projections.live import Live
from projections.world import Folding, World, fold
from tests.builders import EAST, NOW, SHOP, manifest
from tests.ecn.flaky_log import Fault, FlakyLog


def clock() -> datetime:
    return NOW


def issued(command: AnyCommand, command_id: str = "") -> Issued:
    """A command as a handler issues it."""
    return Issued(
        command=command,
        actor="user/anna",
        command_id=CommandId(command_id or new_id()),
        correlation_id="request",
    )


def register(name: str, node_id: str = "", command_id: str = "") -> Issued:
    """A node is wanted; each time with a fresh id, as handlers do it."""
    node = NodeId(node_id or new_id())
    return issued(RegisterNode(node_id=node, name=name), command_id)


class Controller:
    """A world and its writer over some log."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.live = Live(log)
        self.writer = Writer(self.live, log, clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Controller"]:
        """While the writer's task runs."""
        async with beside(self.writer.run()):
            yield self

    @property
    def world(self) -> World:
        return self.live.world

    async def names(self) -> list[str]:
        """Of the nodes in the log, not in any memory."""
        world = fold(World(), await self.log.read(GENESIS.position))
        return sorted(row.name for _, row in world.nodes.items())


async def all_of(writer: Writer, commands: Sequence[Issued]) -> list[Outcome | BaseException]:
    """Everyone's answer or refusal."""
    return await asyncio.gather(
        *(writer.execute(each) for each in commands), return_exceptions=True
    )


async def checked_log(log: EventLog) -> list[Recorded]:
    """All events, gapless and chained."""
    events = await log.read(GENESIS.position)
    verify(GENESIS, events)
    return events


def is_stale(live: Live) -> bool:
    return live.stale


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)


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
    assert log.appends == [256, 256, 256, 232]
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
    assert log.appends == [2]
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


# Idempotency


async def test_a_retry_is_answered_as_the_first_time() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        first = await one.writer.execute(register("east", EAST, "key-k-1"))
        await one.writer.execute(register("west"))
        # A handler makes a new id for the retry: nobody ever sees it.
        again = await one.writer.execute(register("east", "another id", "key-k-1"))
        assert again.repeated
        assert not first.repeated
        assert (again.subject, again.events, again.position) == (
            first.subject,
            first.events,
            first.position,
        )
    assert await one.names() == ["east", "west"]


async def test_a_retry_is_answered_alike_by_another_controller() -> None:
    log = MemoryLog()
    one, other = Controller(log), Controller(log)
    async with one.running(), other.running():
        first = await one.writer.execute(register("east", EAST, "key-k-1"))
        again = await other.writer.execute(register("east", "another id", "key-k-1"))
        assert (again.repeated, again.subject, again.position) == (
            True,
            first.subject,
            first.position,
        )


async def test_duplicates_in_one_batch_are_carried_out_once() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        answers = await all_of(
            one.writer, [register("east", f"node-{n}", "key-k-1") for n in range(3)]
        )
    subjects = {answer.subject for answer in answers if isinstance(answer, Outcome)}
    assert subjects == {"node/node-0"}
    assert [a.repeated for a in answers if isinstance(a, Outcome)] == [False, True, True]
    assert log.appends == [1]


async def test_a_key_stands_for_one_request_only() -> None:
    async with Controller(FlakyLog()).running() as one:
        answers = await all_of(
            one.writer, [register("east", "", "key-k-1"), register("west", "", "key-k-2")]
        )
        assert isinstance(answers[1], KeyReused)
        with pytest.raises(KeyReused):
            await one.writer.execute(register("west", "", "key-k-3"))
    assert await one.names() == ["east"]


async def test_a_refused_command_may_be_tried_again_with_its_key() -> None:
    async with Controller(FlakyLog()).running() as one:
        await one.writer.execute(register("east", EAST))
        with pytest.raises(NameTaken):
            await one.writer.execute(register("east", "", "key-k-1"))
        await one.writer.execute(issued(DeleteNode(node_id=EAST)))
        answer = await one.writer.execute(register("east", "", "key-k-1"))
        assert not answer.repeated


async def test_commands_without_a_key_are_each_their_own() -> None:
    async with Controller(FlakyLog()).running() as one:
        await one.writer.execute(register("east", EAST, "plain-1"))
        with pytest.raises(NameTaken):
            await one.writer.execute(register("east", EAST, "plain-1"))


# When the log fails


async def test_without_the_log_nothing_is_changed_and_then_all_is_well_again() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        await one.writer.execute(register("east"))
        before = one.world
        log.faults.extend([Fault.UNAVAILABLE])
        answers = await all_of(one.writer, [register("west"), register("east")])
        assert [type(answer) for answer in answers] == [LogUnavailable, LogUnavailable]
        assert one.world is before
        await one.writer.execute(register("west"))
    assert await one.names() == ["east", "west"]


async def test_a_log_that_fails_while_catching_up_fails_the_batch_only() -> None:
    log = FlakyLog()
    one, other = Controller(log), Controller(log)
    async with one.running(), other.running():
        await other.writer.execute(register("east"))
        log.readable = False
        with pytest.raises(LogUnavailable):
            await one.writer.execute(register("west"))
        assert one.world.position == 0
        log.readable = True
        with pytest.raises(NameTaken):
            await one.writer.execute(register("east"))


@pytest.mark.parametrize(("fault", "landed"), [(Fault.LANDED, True), (Fault.NOT_LANDED, False)])
async def test_an_unknown_outcome_is_settled_by_the_retry(fault: Fault, landed: bool) -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        log.faults.append(fault)
        with pytest.raises(OutcomeUnknown):
            await one.writer.execute(register("east", "first-id", "key-k-1"))
        assert one.world.position == 0
        assert is_stale(one.live)
        again = await one.writer.execute(register("east", "second-id", "key-k-1"))
        assert again.repeated == landed
        assert again.subject == ("node/first-id" if landed else "node/second-id")
        assert again.position == 1
        assert not is_stale(one.live)
    assert await one.names() == ["east"]
    assert len(await checked_log(log)) == 1


@pytest.mark.parametrize("fault", [Fault.LANDED, Fault.NOT_LANDED])
async def test_after_an_unknown_outcome_the_next_commands_are_decided_on_the_truth(
    fault: Fault,
) -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        log.faults.append(fault)
        with pytest.raises(OutcomeUnknown):
            await one.writer.execute(register("east"))
        if fault is Fault.LANDED:
            with pytest.raises(NameTaken):
                await one.writer.execute(register("east"))
        else:
            await one.writer.execute(register("east"))
        assert one.world == fold(World(), await checked_log(log))


@settings(max_examples=150, deadline=None)
@given(
    faults=st.lists(st.sampled_from(Fault), max_size=12),
    batches=st.lists(st.integers(1, 4), min_size=1, max_size=8),
)
def test_whoever_retries_until_answered_is_served_exactly_once(
    faults: list[Fault], batches: list[int]
) -> None:
    """Keyed commands, whatever breaks: each node once in the log, each answer its position."""

    async def serve() -> None:
        log = FlakyLog()
        log.faults.extend(faults)
        answers: dict[str, Outcome] = {}

        async def insist(writer: Writer, name: str) -> None:
            while name not in answers:
                try:
                    answers[name] = await writer.execute(register(name, "", f"key-{name}-1"))
                except LogError:
                    continue

        async with Controller(log).running() as one:
            for number, many in enumerate(batches):
                async with asyncio.TaskGroup() as tasks:
                    for each in range(many):
                        tasks.create_task(insist(one.writer, f"n{number}.{each}"))
        events = await checked_log(log)
        named = {
            event.event.name: event.position
            for event in events
            if isinstance(event.event, NodeRegistered)
        }
        assert len(named) == len(events) == sum(batches)
        assert named == {name: answer.position for name, answer in answers.items()}
        assert one.world == fold(World(), events)

    asyncio.run(serve())


async def test_a_fault_of_ours_fails_its_batch_and_not_the_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Controller(FlakyLog()).running() as one:
        with monkeypatch.context() as broken:

            def fall_over(*_: object) -> None:
                raise ZeroDivisionError

            broken.setattr(rules, "node_name", fall_over)
            with pytest.raises(ZeroDivisionError):
                await one.writer.execute(register("east"))
        await one.writer.execute(register("east"))
    assert await one.names() == ["east"]


async def test_a_projection_that_falls_over_fails_its_batch_and_not_the_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Controller(FlakyLog()).running() as one:
        with monkeypatch.context() as broken:

            def fall_over(*_: object) -> None:
                raise ZeroDivisionError

            broken.setattr(Folding, "fold", fall_over)
            found = await all_of(one.writer, [register("east"), register("west")])
            assert [type(each) for each in found] == [ZeroDivisionError, ZeroDivisionError]
        await one.writer.execute(register("east"))
    assert await one.names() == ["east"]


# Deciding ahead, while an append is under way


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
