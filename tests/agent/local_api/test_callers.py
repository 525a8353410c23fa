"""Whoever has an address is who has it now: not who had it before."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.local_api.callers import BELIEVED, Callers, plain_address
from tests.agent.fake_engine import FakeEngine

ADDRESS = "172.18.0.2"


class SlowEngine(FakeEngine):
    """It answers when it is let, with what was so when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = 0
        self.asked: list[asyncio.Event] = []

    async def addresses(self, node_id: str) -> dict[str, str]:
        said = {ADDRESS: f"m{self.owner}"}
        gate = asyncio.Event()
        self.asked.append(gate)
        await gate.wait()
        return said

    async def answer(self) -> None:
        gates, self.asked = self.asked, []
        for gate in gates:
            gate.set()
        for _ in range(5):
            await asyncio.sleep(0)


async def played(steps: Sequence[str]) -> None:
    engine, now = SlowEngine(), 0.0
    callers = Callers("node1", engine, lambda: now)
    asking: list[tuple[int, asyncio.Task[str | None]]] = []

    def check() -> None:
        for owner_then, task in [each for each in asking if each[1].done()]:
            asking.remove((owner_then, task))
            # Somebody who had the address when the question came, or who got it since.
            assert task.result() in {f"m{n}" for n in range(owner_then, engine.owner + 1)}

    for step in [*steps, *(["answer"] * 20)]:
        match step:
            case "another":  # a container ends, and the engine says so before the next begins
                engine.owner += 1
                callers.something_happened()
            case "ask":
                asking.append((engine.owner, asyncio.create_task(callers.who(ADDRESS))))
                await asyncio.sleep(0)
            case "answer":
                await engine.answer()
            case "later":
                now += BELIEVED / 2
        await asyncio.sleep(0)
        check()
    assert asking == []


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(["another", "ask", "answer", "later"]), max_size=30))
@example(["ask", "another", "answer", "ask", "answer"])
def test_nobody_is_taken_for_who_had_the_address_before(steps: list[str]) -> None:
    asyncio.run(played(steps))


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("172.18.0.2", "172.18.0.2"),
        ("::ffff:172.18.0.2", "172.18.0.2"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_an_address_is_written_as_the_engine_does(host: str, plain: str) -> None:
    assert plain_address(host) == plain
