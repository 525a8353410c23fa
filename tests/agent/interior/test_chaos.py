"""Messages between two nodes while links, agents and the interior router itself fail.

More rounds: ECN_CHAOS_SEEDS=20 pytest tests/agent/interior/test_chaos.py
"""

import asyncio
import os
import random
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from agent.contract import Broker
from tests.agent.interior.nodes import Interior, Node, Receiver, elsewhere, node, receiving, until
from tests.broker_fixtures import Vhost
from tests.private_broker import PrivateBroker, private_broker
from tests.tcp_proxy import TcpProxy

SEEDS = range(int(os.environ.get("ECN_CHAOS_SEEDS", "2")))
ROUTES = {"ab": ("a", "b"), "ac": ("a", "c"), "db": ("d", "b")}
COUNT = 400
"""Of each publisher."""


def made(broker: PrivateBroker, vhost: str) -> Interior:
    interior = Interior(broker, vhost)
    interior.dead_letters()
    for each in ("n1", "n2"):
        interior.node(each)
    for each in ("b", "c"):
        interior.microservice(each)
    for name, (_, destination) in ROUTES.items():
        interior.lead(name, "n1", destination)
    return interior


def wish(one: Node, there: Broker) -> None:
    if one.node_id == "n1":
        routes = [elsewhere(name, *ends) for name, ends in ROUTES.items()]
        one.wish(*routes, here=("a", "d"), broker=there)
    else:
        one.wish(here=("b", "c"), inboxes=("b", "c"), broker=there)


class Run:
    """One that goes on through restarts of both agents."""

    def __init__(self, folder: Path, there: dict[str, Broker]) -> None:
        self._folder = folder
        self._there = there
        self.had: dict[str, list[bytes]] = {"b": [], "c": []}
        self.published = 0

    async def sender(self, chance: random.Random) -> None:
        """Publishes all, over several lives of n1."""
        while self.published < COUNT:
            async with node(self._folder / "n1", "n1") as n1:
                wish(n1, self._there["n1"])
                for _ in range(chance.randint(COUNT // 5, COUNT // 2)):
                    if self.published == COUNT:
                        break
                    number = b"%06d" % self.published
                    await n1.publish("a", b"a" + number)
                    await n1.publish("d", b"d" + number)
                    self.published += 1
                    await asyncio.sleep(chance.choice([0, 0, 0, 0.01]))
                if self.published == COUNT:
                    await until(
                        lambda: not any(each.stored for each in n1.router.statuses()), within=80
                    )

    async def receiver(self, chance: random.Random) -> None:
        """Takes all, over several lives of n2."""
        while not self.complete():
            async with node(self._folder / "n2", "n2") as n2, AsyncExitStack() as stack:
                wish(n2, self._there["n2"])
                receivers = {
                    each: await stack.enter_async_context(
                        receiving(n2, each, most=chance.randint(1, 40))
                    )
                    for each in self.had
                }
                with suppress(TimeoutError):
                    await self._all_had(list(receivers.values()), chance.uniform(0.5, 4))
            for each, receiver in receivers.items():
                self.had[each] += receiver.bodies

    async def _all_had(self, receivers: list[Receiver], within: float) -> None:
        await until(lambda: self.complete(sum(len(each.had) for each in receivers)), within)

    def complete(self, more: int = 0) -> bool:
        return sum(map(len, self.had.values())) + more >= 3 * COUNT

    def judge(self) -> None:
        """Each route in its order, all of it, nothing twice."""
        numbers = [b"%06d" % number for number in range(COUNT)]
        for receiver, sender in (("b", b"a"), ("b", b"d"), ("c", b"a")):
            came = [body[1:] for body in self.had[receiver] if body[:1] == sender]
            assert came == numbers, (receiver, sender)


@pytest.mark.parametrize("seed", SEEDS)
async def test_bad_links_and_restarting_agents(
    broker: Vhost, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.amqp.connection.HEARTBEAT", 2)
    monkeypatch.setattr("agent.messages.sending.CONFIRMED_WITHIN", 2.0)
    monkeypatch.setattr("agent.messages.sending.LOOKS_EVERY", 0.5)
    chance = random.Random(seed)
    interior = made(broker.broker, broker.name)
    async with (
        TcpProxy.before(broker.broker.port) as one,
        TcpProxy.before(broker.broker.port) as other,
    ):
        there = {
            name: interior.access(broker.broker.url(broker.name, port=proxy.port))
            for name, proxy in (("n1", one), ("n2", other))
        }
        run = Run(tmp_path, there)

        async def trouble() -> None:
            while True:
                await asyncio.sleep(chance.uniform(0.05, 1.5))
                proxy = chance.choice((one, other))
                match chance.randrange(4):
                    case 0:
                        proxy.cut_all()
                    case 1:
                        proxy.hold()
                        await asyncio.sleep(chance.uniform(0, 0.5))
                        proxy.cut_all()
                        proxy.go_on()
                    case 2:
                        proxy.hold()
                        await asyncio.sleep(chance.uniform(0, 0.3))
                        proxy.go_on()
                    case 3:
                        # Both ends think for a while that the other is there.
                        proxy.forget()
                        await asyncio.sleep(2)

        async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
            troubles = tasks.create_task(trouble())
            both = [
                tasks.create_task(run.sender(random.Random(seed + 1000))),
                tasks.create_task(run.receiver(random.Random(seed + 2000))),
            ]
            await asyncio.wait(both, return_when=asyncio.ALL_COMPLETED)
            troubles.cancel()
    run.judge()


@pytest.mark.timeout(300)
async def test_an_interior_router_that_is_killed(own_broker: PrivateBroker, tmp_path: Path) -> None:
    own_broker.make_vhost("v")
    interior = made(own_broker, "v")
    await asyncio.to_thread(own_broker.settle)
    there = {name: interior.access() for name in ("n1", "n2")}
    run = Run(tmp_path, there)
    async with asyncio.timeout(250), asyncio.TaskGroup() as tasks:
        both = [
            tasks.create_task(run.sender(random.Random(1))),
            tasks.create_task(run.receiver(random.Random(2))),
        ]
        await until(lambda: run.published > COUNT // 4)
        await asyncio.to_thread(own_broker.kill9)
        await asyncio.sleep(1)
        await asyncio.to_thread(own_broker.start)
        await asyncio.wait(both)
    run.judge()


async def test_one_that_is_short_of_memory_is_relieved_by_receivers(
    own_broker: PrivateBroker, tmp_path: Path
) -> None:
    own_broker.make_vhost("v")
    interior = made(own_broker, "v")
    numbers = [b"%06d" % number for number in range(600)]
    async with node(tmp_path / "n1", "n1") as n1, node(tmp_path / "n2", "n2") as n2:
        wish(n1, interior.access())
        wish(n2, interior.access())
        await n1.publish("d", *numbers[:300])
        await until(lambda: not any(each.stored for each in n1.router.statuses()))
        await asyncio.to_thread(own_broker.control, "set_vm_memory_high_watermark", "0.00001")
        await n1.publish("d", *numbers[300:])
        await until(lambda: "short of memory" in n1.link.problem)
        async with receiving(n2, "b") as receiver:
            # Who only receives goes on.
            await receiver.until(300)
            assert n2.link.problem == ""
            await asyncio.to_thread(own_broker.control, "set_vm_memory_high_watermark", "0.4")
            await receiver.until(600)
        assert receiver.bodies == numbers
        await until(lambda: n1.link.problem == "")


async def test_a_message_on_loan_for_too_long_is_not_doubled(tmp_path: Path) -> None:
    """RabbitMQ closes the channel of whoever does not acknowledge within half an hour."""
    broker = private_broker(
        tmp_path / "broker",
        settings="consumer_timeout = 3000\n",
        arguments="-rabbit channel_tick_interval 1000",
    )
    try:
        await asyncio.to_thread(broker.start)
        interior = made(broker, "/")
        numbers = [b"%06d" % number for number in range(200)]
        async with node(tmp_path / "n1", "n1") as n1, node(tmp_path / "n2", "n2") as n2:
            wish(n1, interior.access())
            wish(n2, interior.access())
            await n1.publish("d", *numbers)
            inbox = n2.router.inbox("b")
            first = await inbox.next(10, 10)
            await asyncio.sleep(8)
            await inbox.done(first)
            async with receiving(n2, "b") as receiver:
                await receiver.until(190)
                await asyncio.sleep(1)
        assert [each.message.body for each in first] + receiver.bodies == numbers
        assert "acknowledgement" in broker.said()
    finally:
        broker.stop()
