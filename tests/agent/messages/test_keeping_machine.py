"""Whatever happens to it, in whatever order: the edge router against a model of a few lines.

The model knows what was acknowledged to publishers and what receivers said they have. The store is
real, also when the process is killed, which is to open the file again without having closed it.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import Struct

from agent.contract import Route
from agent.messages import keeping as keeping_module
from agent.messages.router import EdgeRouter
from agent.messages.routing import Delivery, Outgoing
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from routing.message import Message
from tests.agent.messages.running import known, route

T = TypeVar("T")

QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None
PATIENCE = float(os.environ.get("ECN_MACHINE_PATIENCE", "10"))
SECOND = 1000
# Two receivers here, one of them by two routes; one elsewhere; upstream; and one in memory alone.
ROUTES = {
    "b": route("b", output="b", priority=1, ttl=60),
    "b2": route("b2", output="both", priority=1),
    "c": route("c", destination="c", output="both", ttl=30),
    "up": route("up", destination="", output="up", priority=0),
    "low": route("low", destination="", output="up", input="x", condition="1 = 2"),
    "m": route("m", destination="c", output="m", input="m", durable=False, priority=3),
}
OUTPUTS = {"b": ["b"], "both": ["b2", "c"], "up": ["up"], "m": ["m"], "none": []}


class Kept(Struct):
    """One message for one route, as the model has it."""

    text: str
    route: str
    expires_at: int
    durable: bool = True


class Machine(RuleBasedStateMachine):
    """Publish, deliver, acknowledge, give back, expire, move, end, kill."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=QUICK))
        self.loop = asyncio.new_event_loop()
        self.clock = 10**12
        self.waiting: list[Kept] = []
        self.out: list[tuple[str, Delivery | Outgoing]] = []
        self.had: set[tuple[str, str]] = set()
        self.count = 0
        self.c_here = True
        self.router: EdgeRouter | None = None

    def run_(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(window=st.sampled_from([1, 500, 8 * 1024 * 1024]))
    def start(self, window: int) -> None:
        self.window = window
        self.open()

    def open(self) -> None:
        keeping_module.WINDOW_BYTES = self.window
        keeping_module.READ_AT_ONCE = 2 if self.window == 1 else 256
        self.journal = Journal(self.folder / "j")
        self.router = EdgeRouter(self.folder / "m", self.journal, now=lambda: self.clock)
        self.router.wish(self.desired())
        self.task = self.loop.create_task(self.router.run())
        self.run_(asyncio.sleep(0))

    def desired(self) -> Known:
        routes = [
            each if each.destination != "c" or self.c_here else _moved(each)
            for each in ROUTES.values()
        ]
        return known(*routes, here=("a", "b", "c") if self.c_here else ("a", "b"), ttl=0)

    @property
    def it(self) -> EdgeRouter:
        if self.router is None:
            raise RuntimeError("not started")
        return self.router

    @rule(output=st.sampled_from(sorted(OUTPUTS)), many=st.integers(1, 5))
    def publish(self, output: str, many: int) -> None:
        async def all_at_once() -> None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(many):
                    self.count += 1
                    message = Message(output=output, body=str(self.count).encode())
                    tasks.create_task(self.it.publish("a", message))
                    for name in OUTPUTS[output]:
                        each = ROUTES[name]
                        until = self.clock + each.ttl * SECOND if each.ttl else 0
                        self.waiting.append(Kept(str(self.count), name, until, each.durable))

        self.run_(all_at_once())

    @rule(place=st.sampled_from(["b", "c", ""]), most=st.integers(1, 4))
    def take(self, place: str, most: int) -> None:
        got = self.taken(place, most)
        for each in got:
            text = each.message.body.decode()
            name = each.route
            kept = [k for k in self.waiting if (k.text, k.route) == (text, name)]
            # Nothing comes that was not sent, that is expired, or that its receiver had.
            assert kept, (text, name)
            assert (text, name) not in self.had
            assert not any(0 < k.expires_at <= self.clock for k in kept)
            self.out.append((place, each))

    def taken(self, place: str, most: int) -> list[Delivery] | list[Outgoing]:
        """Something at least, if by the model something waits there."""
        held = {(each.message.body.decode(), each.route) for _, each in self.out}
        due = [
            kept
            for kept in self.waiting
            if self.place_of(kept.route) == place
            and not 0 < kept.expires_at <= self.clock
            and (kept.text, kept.route) not in held
        ]
        wait = PATIENCE if due else 0.005
        if place == "":
            got: list[Delivery] | list[Outgoing] = self.run_(self._outgoing(most, wait))
        else:
            got = self.run_(self.it.inbox(place).next(most, wait))
        assert bool(got) >= bool(due), due
        return got

    async def _outgoing(self, most: int, wait: float) -> list[Outgoing]:
        try:
            async with asyncio.timeout(wait):
                return await self.it.next_outgoing(most, 10**9)
        except TimeoutError:
            return []

    async def _empty(self) -> None:
        """What is expired and in the store alone is dropped when somebody looks at it."""
        async with asyncio.timeout(PATIENCE):
            while self.it.measures().waiting:
                for place in ("b", "c"):
                    assert await self.it.inbox(place).next(1, 0.01) == []
                assert await self._outgoing(1, 0.01) == []

    def place_of(self, name: str) -> str:
        destination = ROUTES[name].destination
        return "" if destination == "c" and not self.c_here else destination

    @rule(place=st.sampled_from(["b", "c", ""]), which=st.integers(0, 255), taken=st.booleans())
    def answer(self, place: str, which: int, taken: bool) -> None:
        """which: a bit for each that somebody has. How many that are is a matter of timing, so
        nothing is drawn from them."""
        mine = [each for where, each in self.out if where == place]
        some = [each for n, each in enumerate(mine) if which >> n % 8 & 1]
        self.out = [(where, e) for where, e in self.out if e not in some]
        if taken:
            for each in some:
                key = each.message.body.decode(), each.route
                self.had.add(key)
                self.waiting = [k for k in self.waiting if (k.text, k.route) != key]
        outgoing = [each for each in some if isinstance(each, Outgoing)]
        deliveries = [each for each in some if isinstance(each, Delivery)]
        inbox = self.it.inbox(place)
        if taken:
            self.run_(self.it.sent(outgoing))
            self.run_(inbox.done(deliveries))
        else:
            self.it.give_back_outgoing(outgoing)
            inbox.give_back(deliveries)

    @rule(seconds=st.integers(1, 40), sweep=st.booleans())
    def later(self, seconds: int, sweep: bool) -> None:
        self.clock += seconds * SECOND
        if sweep:
            self.run_(self.it._keeping.sweep())
            alive = [k for k in self.waiting if not 0 < k.expires_at <= self.clock]
            held = {(each.message.body.decode(), each.route) for _, each in self.out}
            expired = [k for k in self.waiting if k not in alive]
            # One that its receiver has at this moment may still be acknowledged, or given back.
            self.waiting = alive + [k for k in expired if (k.text, k.route) in held]

    @rule()
    def move(self) -> None:
        self.c_here = not self.c_here
        self.it.wish(self.desired())

    @rule(killed=st.booleans())
    def again(self, killed: bool) -> None:
        if killed:
            self.kill()
        else:
            self.end()
        # Without an acknowledgement it may come again; memory is gone.
        self.out = []
        self.waiting = [k for k in self.waiting if k.durable]
        self.open()

    def end(self) -> None:
        self.task.cancel()
        self.run_(asyncio.wait([self.task]))
        assert self.task.cancelled() or self.task.exception() is None
        self.journal.__exit__(None, None, None)

    def kill(self) -> None:
        """As the files are at this moment: somebody else goes on with a copy of them."""
        copy = Path(tempfile.mkdtemp(prefix="machine-", dir=QUICK))
        for file in self.folder.iterdir():
            shutil.copy(file, copy / file.name)
        self.end()
        shutil.rmtree(self.folder)
        self.folder = copy

    @invariant()
    def nothing_is_written_that_must_not_be(self) -> None:
        if self.router is not None:
            assert not self.router.problem
            keeping = self.router._keeping
            assert keeping.memory_bytes >= 0
            assert keeping._window_bytes >= 0
            for lane in keeping.lanes():
                assert lane.waiting >= len(lane.window)
                assert lane.waiting_bytes >= 0

    def teardown(self) -> None:
        if self.router is None:
            return
        # At the end everybody gets all that is theirs, in the order of each route.
        out, self.out = self.out, []
        for place, each in out:
            if isinstance(each, Outgoing):
                self.it.give_back_outgoing([each])
            else:
                self.it.inbox(place).give_back([each])
        order: dict[str, list[int]] = {}
        for place in ("b", "c", ""):
            while got := self.taken(place, 50):
                for each in got:
                    key = each.message.body.decode(), each.route
                    order.setdefault(each.route, []).append(int(key[0]))
                    assert key not in self.had
                    self.waiting = [k for k in self.waiting if (k.text, k.route) != key]
                if place == "":
                    self.run_(self.it.sent([e for e in got if isinstance(e, Outgoing)]))
                else:
                    inbox = self.it.inbox(place)
                    self.run_(inbox.done([e for e in got if isinstance(e, Delivery)]))
        assert all(numbers == sorted(numbers) for numbers in order.values()), order
        assert not [k for k in self.waiting if not 0 < k.expires_at <= self.clock]
        self.run_(self._empty())
        assert self.it._keeping._window_bytes == 0
        assert self.it._keeping.memory_bytes == 0
        assert not self.it._keeping._out
        self.end()
        self.loop.close()
        keeping_module.WINDOW_BYTES = 8 * 1024 * 1024
        keeping_module.READ_AT_ONCE = 256
        shutil.rmtree(self.folder)


def _moved(each: Route) -> Route:
    return route(
        each.name, destination="c", output=each.output, input=each.input, ttl=each.ttl,
        durable=each.durable, priority=each.priority, here=False,
    )  # fmt: skip


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=int(os.environ.get("ECN_MACHINE_RUNS", "10")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
