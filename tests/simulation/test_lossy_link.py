"""An agent, a controller, and a way between them that loses and repeats; whatever else happens.

Hypothesis tells the story: containers end, the device reboots, the engine goes and comes, the clock
is set, operators change things. At any time the controller's log is the beginning of what happened
on the device; in the end it is all of it. What runs in the end is what was wanted last.
"""

import asyncio
import random
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from agent.contract import Microservice
from tests.agent.builders import microservice, spec
from tests.agent.faked_time import JumpingLoop
from tests.simulation.controller import Controller, Way, told_again
from tests.simulation.device import Device

IMAGES = frozenset({"shop/web:1", "shop/web:2"})
NAMES = ("m1", "m2")
names = st.sampled_from(NAMES)


class LossyLink(RuleBasedStateMachine):
    """See the module."""

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        """Two microservices, and an agent that knows of them."""
        random.seed(seed)
        self.directory = TemporaryDirectory()
        self.runner = asyncio.Runner(loop_factory=JumpingLoop)
        self.controller = Controller()
        self.way = Way(self.controller, random.Random(seed))
        self.wanted = {m: microservice(m, of=spec("shop/web:1")) for m in NAMES}
        self.controller.wants(*self.wanted.values())
        self.device = Device(Path(self.directory.name) / "agent", self.way, IMAGES)
        self.do(self._begun())

    async def _begun(self) -> None:
        self.device.on()
        await asyncio.sleep(120)

    def do(self, what: Coroutine[object, object, None]) -> None:
        """In faked time."""
        self.runner.run(what)

    @rule(m=names, code=st.sampled_from([0, 1, 137]))
    def it_ends(self, m: str, code: int) -> None:
        """A container ends by itself."""

        async def end() -> None:
            for container in self.device.runs(m):
                self.device.engine.end(container.container_id, code)
            await asyncio.sleep(1)

        self.do(end())

    @rule(seconds=st.sampled_from([0.05, 3, 40, 700, 20_000]))
    def time_passes(self, seconds: float) -> None:
        """Nothing else."""
        self.do(asyncio.sleep(seconds))

    @rule(up=st.booleans())
    def the_way(self, up: bool) -> None:
        """Is cut, or open again."""
        self.way.up = up

    @rule(rounds=st.integers(1, 150), m=names)
    def it_crashes_again_and_again(self, rounds: int, m: str) -> None:
        """Many ends in a row."""

        async def crash() -> None:
            for _ in range(rounds):
                for container in self.device.runs(m):
                    self.device.engine.end(container.container_id, 1)
                await asyncio.sleep(310)

        self.do(crash())

    @rule(away=st.sampled_from([0.0, 30.0]))
    def the_agent_dies(self, away: float) -> None:
        """And is started again."""

        async def die() -> None:
            await self.device.off()
            await asyncio.sleep(away)
            self.device.on()

        self.do(die())

    @rule()
    def the_device_reboots(self) -> None:
        """All ends."""
        self.do(self.device.reboot())

    @rule(away=st.sampled_from([2.0, 600.0]))
    def the_engine_restarts(self, away: float) -> None:
        """And takes the containers along."""
        self.do(self.device.engine_restarts(away))

    @rule(days=st.sampled_from([-1, 1]))
    def the_clock_is_set(self, days: int) -> None:
        """By a day."""
        self.device.offset += timedelta(days=days)

    @rule(m=names, image=st.sampled_from(sorted(IMAGES)), running=st.booleans())
    def somebody_changes_it(self, m: str, image: str, running: bool) -> None:
        """Another image, stopped or started."""
        self.wanted[m] = replace(
            self.wanted.get(m, microservice(m)),
            revision=self.controller.revision + 1,
            spec=spec(image),
            running=running,
        )
        self.controller.wants(*self.wanted.values())

    @rule(m=names)
    def somebody_deletes_it(self, m: str) -> None:
        """From this node."""
        self.wanted.pop(m, None)
        self.controller.wants(*self.wanted.values())

    @invariant()
    def what_was_told_is_the_beginning_of_what_happened(self) -> None:
        """In order, nothing twice, nothing left out."""
        for m in NAMES:
            seen, told = happened(self.device, m), told_again(self.controller.of(m))
            assert told == seen[: len(told)]

    def teardown(self) -> None:
        """Everything works again: the log is what happened, and what runs is what was wanted."""
        if not hasattr(self, "device"):
            return
        try:
            self.way.up, self.way.chance = True, None
            self.do(asyncio.sleep(7200))
            for m in NAMES:
                assert told_again(self.controller.of(m)) == happened(self.device, m)
                self.runs_as_wanted(m, self.wanted.get(m))
            assert self.device.waiting == 0
            self.do(self.device.off())
        finally:
            self.runner.close()
            self.directory.cleanup()

    def runs_as_wanted(self, m: str, wanted: Microservice | None) -> None:
        """One container, of the right image; none where none should be."""
        running = self.device.runs(m)
        if wanted is None:
            assert not self.device.engine.of(m)
        elif wanted.running:
            (container,) = running
            assert self.device.engine.made_of(container.container_id).spec == wanted.spec
        else:
            assert not running


def happened(device: Device, m: str) -> list[tuple[object, int | None]]:
    """What the agents of the device saw of it."""
    return [(s.state, s.exit_code) for s in device.of(m)]


TestLossyLink = LossyLink.TestCase
TestLossyLink.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
