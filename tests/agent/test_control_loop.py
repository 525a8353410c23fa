"""The control loop against an engine in memory, in faked time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import ContainerState, Health, Microservice, Registry, RestartPolicy
from agent.errors import PortTaken
from agent.lifecycle.control_loop import ControlLoop
from agent.lifecycle.engine import EngineState
from agent.local.config_delivery import ConfigDelivery
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from tests.agent.builders import NODE, microservice, new_container, spec
from tests.agent.fake_engine import FakeEngine
from tests.agent.faked_time import now, run
from tests.agent.waiting import until_true

IMAGE = "ecn-test/busybox:1"
S = ContainerState


class Scene:
    """A loop at work, and what it can be asked."""

    def __init__(self, engine: FakeEngine, journal: Journal, folder: Path) -> None:
        self.engine, self.journal, self.folder = engine, journal, folder
        self.loop = ControlLoop(NODE, engine, journal, ConfigDelivery(folder), now)
        self.revision = 0

    def wish(self, *microservices: Microservice) -> None:
        self.revision += 1
        self.loop.wish(
            Known(
                revision=self.revision,
                microservices={m.microservice_id: m for m in microservices},
            )
        )

    def states(self, m: str = "m1") -> list[ContainerState]:
        return [
            r.status.state
            for r in self.journal.pending(10_000).containers
            if r.microservice_id == m
        ]

    async def state(self, state: ContainerState, m: str = "m1", within: float = 1000) -> None:
        await until_true(lambda: self.states(m)[-1:] == [state], within)

    def runs(self, m: str = "m1") -> bool:
        return [c.state for c in self.engine.of(m)] == [EngineState.RUNNING]


@asynccontextmanager
async def scene(folder: Path, engine: FakeEngine | None = None) -> AsyncIterator[Scene]:
    with Journal(folder / "journal.sqlite") as journal:
        at_work = Scene(engine or FakeEngine({IMAGE}, now=now), journal, folder / "microservices")
        task = asyncio.get_running_loop().create_task(at_work.loop.run())
        try:
            yield at_work
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await task


def test_it_makes_what_is_desired_and_tells_each_change_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            await asyncio.sleep(3600)
            assert s.states() == [S.STARTING, S.RUNNING]
            assert s.engine.count("create") == 1
            assert (s.folder / "m1" / "config.json").read_text() == "{}"

    run(story)


def test_without_a_known_desired_state_nothing_is_touched(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        await engine.create(new_container(NODE.node_id))
        async with scene(tmp_path, engine):
            await asyncio.sleep(100)
        assert len(engine.of("m1")) == 1

    run(story)


def test_a_crash_loop_backs_off_to_the_second_and_counts(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice(of=spec(IMAGE, ("exit", "1"))))
            clock = asyncio.get_running_loop().time
            starts: list[float] = []
            while len(starts) < 7:
                count = s.engine.count("start")
                await until_true(lambda count=count: s.engine.count("start") > count, 1000)  # type: ignore[misc]
                starts.append(clock())
            gaps = [b - a for a, b in pairwise(starts)]
            assert gaps == pytest.approx([10, 20, 40, 80, 160, 300], abs=0.5)
            assert s.journal.memory("m1").restarts == 6
            told = [r.status for r in s.journal.pending(100).containers]
            assert {t.exit_code for t in told if t.state is S.BACKING_OFF} == {1}

    run(story)


def test_after_a_stable_run_it_counts_from_the_beginning(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            for expected in (10.0, 20.0):
                s.engine.end(s.engine.of("m1")[0].container_id)
                assert not s.runs()
                before = asyncio.get_running_loop().time()
                await until_true(s.runs, 100)
                took = asyncio.get_running_loop().time() - before
                assert took == pytest.approx(expected, abs=0.5)
            await asyncio.sleep(601)
            s.engine.end(s.engine.of("m1")[0].container_id)
            await asyncio.sleep(9)
            assert not s.runs()
            await until_true(s.runs, 2)

    run(story)


def test_what_can_not_be_made_is_told_once_and_tried_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        engine.failing["start"] = PortTaken("the port 80 is already in use on this device")
        async with scene(tmp_path, engine) as s:
            s.wish(microservice())
            await asyncio.sleep(3600)
            assert s.states() == [S.STARTING, S.FAILED]
            attempts = engine.count("start")
            assert 14 <= attempts <= 18  # 10 20 40 80 160, then every 300 s
            assert engine.of("m1") == []
            del engine.failing["start"]
            await s.state(S.RUNNING, within=301)

    run(story)


def test_a_slow_pull_holds_up_nobody_and_is_shared(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, registry={"slow:1"}, now=now)
        engine.pull_gate["slow:1"] = gate = asyncio.Event()
        async with scene(tmp_path, engine) as s:
            slow = [microservice(f"s{n}", of=spec("slow:1")) for n in range(12)]
            s.wish(*slow, microservice("quick"))
            await s.state(S.RUNNING, "quick", within=2)
            assert s.states("s0") == [S.PULLING]
            gate.set()
            for n in range(12):
                await s.state(S.RUNNING, f"s{n}")
            assert engine.count("pull", "slow:1") == 1

    run(story)


def test_a_pull_is_given_up_when_another_spec_is_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        engine.pull_gate["stuck:1"] = asyncio.Event()
        async with scene(tmp_path, engine) as s:
            s.wish(microservice(of=spec("stuck:1")))
            await s.state(S.PULLING)
            s.wish(microservice(revision=2, config='{"a": 1}', of=spec("stuck:1")))
            await asyncio.sleep(5)
            assert engine.count("pull") == 1  # another config is no reason to begin again
            s.wish(microservice(revision=3))
            await s.state(S.RUNNING, within=2)
            assert engine.count("create") == 1

    run(story)


def test_an_engine_that_went_away_is_told_and_recovered_from(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            s.engine.go_down()
            await s.state(S.UNKNOWN, within=12)
            assert "does not answer" in s.loop.engine_problem
            s.engine.down = False
            await s.state(S.RUNNING, within=12)
            assert s.loop.engine_problem == ""
            assert s.engine.count("create") == 1

    run(story)


def test_a_short_absence_of_the_engine_is_not_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            s.engine.go_down()
            await asyncio.sleep(2)
            s.engine.down = False
            await asyncio.sleep(60)
            assert s.states() == [S.STARTING, S.RUNNING]

    run(story)


def test_the_unhealthy_is_told_and_restarted(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice(restart=RestartPolicy.ON_UNHEALTHY))
            await s.state(S.RUNNING)
            s.engine.set_health(s.engine.of("m1")[0].container_id, Health.UNHEALTHY)
            await until_true(lambda: s.journal.memory("m1").restarts == 1, 15)
            await until_true(s.runs, 5)
            told = [r.status for r in s.journal.pending(100).containers]
            assert Health.UNHEALTHY in [t.health for t in told]

    run(story)


def test_a_stop_and_a_start_by_wish(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            once = microservice(restart=RestartPolicy.NEVER)
            s.wish(once)
            await s.state(S.RUNNING)
            s.wish(replace(once, running=False, revision=2))
            await s.state(S.STOPPED)
            s.wish(replace(once, revision=3))
            await s.state(S.RUNNING)
            assert s.engine.count("create") == 1

    run(story)


def test_what_is_gone_leaves_neither_container_nor_memory(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            s.wish()
            await until_true(lambda: not s.engine.of("m1"), 5)
            await until_true(lambda: not s.journal.memories(), 5)
            assert s.engine.networks == set()
            assert list(s.folder.iterdir()) == []

    run(story)


def test_events_that_are_lost_cost_only_time(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            s.engine.silent = True
            s.engine.end(s.engine.of("m1")[0].container_id)
            await until_true(s.runs, 41)

    run(story)


def test_an_old_list_never_makes_a_second_container(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, registry={"far:1"}, now=now)
        engine.pull_gate["far:1"] = gate = asyncio.Event()
        async with scene(tmp_path, engine) as s:
            s.wish(microservice(of=spec("far:1")))
            await s.state(S.PULLING)
            engine.listing_takes = 2.0
            s.wish(microservice(of=spec("far:1")), microservice("m2"))  # it looks again
            await asyncio.sleep(1)
            gate.set()  # created and started while the list is on its way
            await asyncio.sleep(60)
            assert engine.count("create", "ecn-app-m1") == 1
            assert s.runs()

    run(story)


def test_a_fault_of_ours_in_one_microservice_stops_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice("../evil", name="evil"), microservice("m2"))
            await s.state(S.RUNNING, "m2")
            await s.state(S.FAILED, "../evil")
            assert not (tmp_path / "evil").exists()

    run(story)


def test_draining_waits_for_actions_but_not_for_images(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        engine.pull_gate["stuck:1"] = asyncio.Event()
        async with scene(tmp_path, engine) as s:
            s.wish(microservice("m1"), microservice("m2", of=spec("stuck:1")))
            await s.state(S.PULLING, "m2")
            before = asyncio.get_running_loop().time()
            await s.loop.drain(12)
            assert asyncio.get_running_loop().time() - before < 1
            s.wish(microservice("m3"))
            await asyncio.sleep(60)
            assert engine.of("m3") == []

    run(story)


class Incomprehensible(FakeEngine):
    """Its answers to pulls are of no form that anybody foresaw."""

    async def pull(self, image: str, registry: Registry | None) -> None:
        """See ContainerEngine."""
        raise ValueError("Separator is not found, and chunk exceed the limit")


def test_a_pull_with_a_fault_of_ours_does_not_stop_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, Incomprehensible({IMAGE}, now=now)) as s:
            s.wish(microservice("m1", of=spec("elsewhere/app:1")), microservice("m2"))
            await s.state(S.RUNNING, "m2")
            await until_true(lambda: s.journal.memory("m1").failures > 1, 1000)
            assert s.journal.memory("m1").cause == "agent-error"

    run(story)


def test_without_an_image_for_the_device_it_fails_and_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice(of=spec("")), microservice("m2"))
            await s.state(S.FAILED)
            await s.state(S.RUNNING, "m2")
            said = [
                r.status.reason
                for r in s.journal.pending(100).containers
                if r.microservice_id == "m1"
            ]
            assert "no image for this device's platform" in said[-1]

    run(story)


def test_another_generation_is_another_container(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            (first,) = s.engine.of("m1")
            s.wish(microservice(of=replace(spec(), generation=7), revision=2))
            await until_true(
                lambda: [c.container_id for c in s.engine.of("m1")] != [first.container_id], 100
            )
            await until_true(s.runs, 100)

    run(story)
