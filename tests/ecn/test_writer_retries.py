"""The writer: retries are answered as the first time, whatever became of the log."""

import pytest

from ecn.batch import Outcome
from ecn.commands.node import DeleteNode
from ecn.errors import KeyReused, NameTaken
from events.log import MemoryLog
from tests.builders import EAST
from tests.ecn.controllers import Controller, all_of, issued, register
from tests.ecn.flaky_log import FlakyLog


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
