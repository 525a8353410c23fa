"""The writer when the log fails, or we do."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecn.batch import Outcome
from ecn.deciders import rules
from ecn.errors import NameTaken
from ecn.writer import Writer
from events.log import LogError, LogUnavailable, OutcomeUnknown
from events.node import NodeRegistered
from projections.world import Folding, World, fold
from tests.ecn.controllers import (
    Controller,
    all_of,
    checked_log,
    is_stale,
    register,
)
from tests.ecn.flaky_log import Fault, FlakyLog


async def test_without_the_log_nothing_is_changed_and_then_all_is_well_again() -> None:
    log = FlakyLog()
    async with Controller(log).running() as one:
        await one.writer.execute(register("east"))
        before = one.world
        log.faults.extend([Fault.UNAVAILABLE])
        answers = await all_of(one.writer, [register("west"), register("east")])
        assert isinstance(answers[0], LogUnavailable)
        # On a busy machine it comes too late for the batch of the first, and is refused.
        assert isinstance(answers[1], LogUnavailable | NameTaken)
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
