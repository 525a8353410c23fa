"""What holds while plans are carried out, whatever containers do meanwhile.

The real loop, and an engine in memory whose containers end, fall ill and get well, in faked time,
with a clock that jumps.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from hypothesis import HealthCheck as Suppressed
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from agent.contract import (
    Condition,
    ContainerSpec,
    Dependency,
    Health,
    HealthCheck,
    Microservice,
    ReplaceMode,
    RestartPolicy,
)
from agent.lifecycle.control_loop import ControlLoop
from agent.lifecycle.engine import Container, EngineState, NewContainer
from agent.lifecycle.memory import Memory
from agent.lifecycle.reconcile import plan, spec_digest
from agent.lifecycle.steps import IDLE, Verb
from agent.local.config_delivery import ConfigDelivery
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from tests.agent.builders import NODE, NOW, microservice
from tests.agent.fake_engine import FakeEngine
from tests.agent.faked_time import run

IMAGE = "ecn-test/busybox:1"
CHECK = HealthCheck(command=["check"], interval=5, retries=3)
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
IDS = ("m0", "m1", "m2", "m3")


class Nature(Struct, frozen=True, kw_only=True):
    """What the containers of one microservice do."""

    job: bool = False
    """It ends by itself, with 0."""
    crashes_after: float | None = None
    ill_after: float | None = None
    well_after: float = 3.7


class LivelyEngine(FakeEngine):
    """Its containers live, and everything that becomes of them is looked at by `on_start`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__({IMAGE}, now=now)
        self.natures: dict[str, Nature] = {}
        self.on_start: Callable[[Container], None] = lambda _: None
        self.takes = 0.0
        """Seconds that each call takes that changes something."""
        self.beside: set[str] = set()
        """Microservices of which two may run."""
        self.wrong: list[str] = []
        """What should never have happened: raised here, it would be taken for the agent's fault."""

    async def create(self, container: NewContainer) -> str:
        """See ContainerEngine."""
        await asyncio.sleep(self.takes)
        return await super().create(container)

    async def stop(self, container_id: str, within: int = 10) -> None:
        """See ContainerEngine."""
        await super().stop(container_id, within)
        await asyncio.sleep(self.takes)

    async def remove(self, container_id: str) -> None:
        """See ContainerEngine."""
        await asyncio.sleep(self.takes)
        await super().remove(container_id)

    async def start(self, container_id: str) -> None:
        """See ContainerEngine."""
        await asyncio.sleep(self.takes)
        before = self._known(container_id).container
        if before.state is EngineState.PAUSED or before.state is EngineState.RUNNING:
            await super().start(container_id)
            return
        self.on_start(before)
        await super().start(container_id)
        self._live(self._known(container_id).container)

    def _live(self, container: Container) -> None:
        m = container.microservice_id
        running = [c for c in self.of(m) if c.state is EngineState.RUNNING]
        if len(running) > (2 if m in self.beside else 1):
            self.wrong.append(f"{len(running)} of {m} run")
        nature, later = self.natures[m], asyncio.get_running_loop().call_later
        if self.made_of(container.container_id).spec.health_check is not None:
            self.set_health(container.container_id, Health.STARTING)
            later(nature.well_after, self._if_still, container, Health.HEALTHY)
            if nature.ill_after is not None:
                later(nature.ill_after, self._if_still, container, Health.UNHEALTHY)
        if nature.job:
            later(2.3, self._if_still, container, 0)
        if nature.crashes_after is not None:
            later(nature.crashes_after, self._if_still, container, 1)

    def recover(self) -> None:
        """The ill that no policy restarts would be ill for ever, and waited for as long."""
        for container in [c for m in self.natures for c in self.of(m)]:
            if container.state is EngineState.RUNNING and container.health is Health.UNHEALTHY:
                self.set_health(container.container_id, Health.HEALTHY)

    def _if_still(self, before: Container, becomes: Health | int) -> None:
        kept = self._kept.get(before.container_id)
        if kept is None or kept.container.started_at != before.started_at:
            return
        if kept.container.state is not EngineState.RUNNING:
            return
        if isinstance(becomes, Health):
            self.set_health(before.container_id, becomes)
        else:
            self.end(before.container_id, becomes)


class Clock:
    """The device's, which somebody sets."""

    def __init__(self) -> None:
        self.off = timedelta()

    def jump(self, seconds: float) -> None:
        self.off += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=asyncio.get_running_loop().time()) + self.off


class Story(Struct, frozen=True, kw_only=True):
    """A first desired state, a second one, what containers do until all is well, and the clock."""

    first: dict[str, Microservice]
    second: dict[str, Microservice]
    natures: dict[str, Nature]
    jumps: list[tuple[float, float]] = field(default_factory=list)
    """When, and by how many seconds."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Without circles: each depends on those before it only, and order goes with that."""
    jobs = {m for m in IDS if draw(st.integers(0, 3)) == 0}
    ordered = draw(st.booleans())
    first: dict[str, Microservice] = {}
    for n, m in enumerate(IDS):
        if draw(st.integers(0, 5)) == 0:
            continue
        before = [e for e in IDS[:n] if e in first]
        wanted = [
            Dependency(
                microservice=other, condition=draw(st.sampled_from(_conditions(other in jobs)))
            )
            for other in (draw(st.lists(st.sampled_from(before), max_size=2)) if before else [])
        ]
        check = None if m in jobs or draw(st.booleans()) else CHECK
        policies = [RestartPolicy.ON_FAILURE, RestartPolicy.ON_UNHEALTHY]
        first[m] = replace(
            microservice(
                m,
                of=ContainerSpec(image=IMAGE, health_check=check),
                restart=draw(
                    st.sampled_from(policies if m in jobs else [*policies, RestartPolicy.ALWAYS])
                ),
            ),
            depends_on=[] if ordered else wanted,
            start_order=draw(st.integers(0, 2)) if ordered else 0,
            replace=draw(st.sampled_from(ReplaceMode)),
        )
    second = {
        m: replace(each, revision=2, spec=replace(each.spec, env={"NEW": "1"}))
        if draw(st.booleans())
        else each
        for m, each in first.items()
        if draw(st.integers(0, 5))
    }
    natures = {
        m: Nature(
            job=m in jobs,
            crashes_after=draw(st.none() | st.floats(0.1, 50)),
            ill_after=draw(st.none() | st.floats(4.1, 50)),
            well_after=draw(st.floats(0.1, 40)),
        )
        for m in IDS
    }
    jump = st.tuples(st.floats(1, 300), st.sampled_from([-86_400.0, -100.0, 100.0, 86_400.0]))
    return Story(
        first=first, second=second, natures=natures, jumps=draw(st.lists(jump, max_size=2))
    )


def _conditions(job: bool) -> list[Condition]:
    return [Condition.STARTED, Condition.COMPLETED if job else Condition.HEALTHY]


class Judge:
    """Says of each start whether it came too early, from what the engine has at that moment."""

    def __init__(self, engine: LivelyEngine, journal: Journal) -> None:
        self._engine, self._journal = engine, journal
        self.desired: Mapping[str, Microservice] = {}

    def on_start(self, container: Container) -> None:
        wanted = self.desired.get(container.microservice_id)
        if wanted is None or container.spec_digest != spec_digest(wanted.spec):
            return  # an old one that is put back
        if container.finished_at == self._engine.now():
            return  # an unhealthy one, stopped just now: it has its turn whatever others do
        for each in wanted.depends_on:
            if each.microservice in self.desired and not self._met(each):
                there = self._engine.of(each.microservice)
                self._engine.wrong.append(f"{container} needs {each}, there is {there}")
        for m, other in self.desired.items():
            if other.start_order < wanted.start_order:
                there = [c for c in self._engine.of(m) if c.started_at is not None]
                if not there and not self._journal.memory(m).failures:
                    self._engine.wrong.append(f"{container} is started before {other}")

    def _met(self, dependency: Dependency) -> bool:
        for c in self._engine.of(dependency.microservice):
            runs = c.state is EngineState.RUNNING
            match dependency.condition:
                case Condition.STARTED:
                    met = c.started_at is not None
                case Condition.HEALTHY:
                    check = self._engine.made_of(c.container_id).spec.health_check
                    met = runs and (c.health is Health.HEALTHY or check is None)
                case Condition.COMPLETED:
                    met = c.state is EngineState.EXITED and c.exit_code == 0
            if met:
                return True
        return False


async def told(story: Story, folder: Path) -> None:
    clock = Clock()
    engine = LivelyEngine(clock.now)
    engine.natures = dict(story.natures)
    engine.beside = {m for m, each in story.first.items() if each.replace is ReplaceMode.BLUE_GREEN}
    loop = asyncio.get_running_loop()
    with Journal(folder / "journal.sqlite") as journal:
        judge = Judge(engine, journal)
        engine.on_start = judge.on_start
        control = ControlLoop(NODE, engine, journal, ConfigDelivery(folder / "ms"), clock.now)

        def wish(revision: int, desired: dict[str, Microservice]) -> None:
            judge.desired = desired
            control.wish(Known(revision=revision, microservices=desired))

        for when, by in story.jumps:
            loop.call_later(when, clock.jump, by)
        task = loop.create_task(control.run())
        try:
            wish(1, story.first)
            await asyncio.sleep(150)
            wish(2, story.second)
            await asyncio.sleep(350)
            # From now on all are well; whatever waited has to come to its end.
            engine.natures = {m: Nature(job=n.job) for m, n in story.natures.items()}
            engine.recover()
            await asyncio.sleep(1500)
            assert not task.done()
            assert engine.wrong == []
            _all_is_well(story.second, engine, journal, clock)
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            await task


def _all_is_well(
    desired: dict[str, Microservice], engine: LivelyEngine, journal: Journal, clock: Clock
) -> None:
    actual = [c for m in IDS for c in engine.of(m)]
    todo = plan(desired, actual, journal.memories(), clock.now())
    for step in todo.steps:
        assert step.verb in IDLE, step
        assert step.verb is not Verb.WAIT, step
    left = [c.microservice_id for c in actual]
    assert sorted(left) == sorted(desired)
    for c in actual:
        wanted = desired[c.microservice_id]
        assert c.spec_digest == spec_digest(wanted.spec)
        ended = wanted.restart is not RestartPolicy.ALWAYS and c.exit_code == 0
        assert c.state is EngineState.RUNNING or ended
        assert c.name == f"ecn-app-{c.microservice_id}"
    assert all(isinstance(each, Memory) for each in journal.memories().values())


async def killed(story: Story, kills: list[tuple[float, bool]], folder: Path) -> None:
    """kills: after how many seconds the agent is killed, and whether the device goes down too."""
    clock = Clock()
    engine = LivelyEngine(clock.now)
    engine.takes = 0.5
    engine.natures = {m: Nature(job=n.job) for m, n in story.natures.items()}
    engine.beside = {m for m, each in story.first.items() if each.replace is ReplaceMode.BLUE_GREEN}
    loop, booted = asyncio.get_running_loop(), clock.now()
    for n, (seconds, power_cut) in enumerate([*kills, (1000.0, False)]):
        with Journal(folder / "journal.sqlite") as journal:
            control = ControlLoop(
                NODE,
                engine,
                journal,
                ConfigDelivery(folder / "ms"),
                clock.now,
                booted_at=lambda at=booted: at,  # type: ignore[misc]
            )
            desired = story.second if n else story.first
            control.wish(Known(revision=min(n, 1) + 1, microservices=desired))
            task = loop.create_task(control.run())
            await asyncio.sleep(seconds)
            if n == len(kills):
                assert engine.wrong == []
                _all_is_well(desired, engine, journal, clock)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await task
        if power_cut:
            for m in IDS:
                for each in engine.of(m):
                    if each.state is EngineState.RUNNING:
                        engine.end(each.container_id)
            booted = clock.now()


@settings(max_examples=80, deadline=None, suppress_health_check=[Suppressed.too_slow])
@given(
    stories(),
    st.lists(st.tuples(st.floats(0.1, 6), st.booleans()), min_size=1, max_size=4),
)
def test_what_is_killed_half_way_comes_right_and_one_runs(
    story: Story, kills: list[tuple[float, bool]]
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
            run(lambda: killed(story, kills, Path(folder)))
    finally:
        structlog.reset_defaults()


@settings(max_examples=60, deadline=None, suppress_health_check=[Suppressed.too_slow])
@given(stories())
def test_order_holds_one_runs_and_every_wait_ends(story: Story) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
            run(lambda: told(story, Path(folder)))
    finally:
        structlog.reset_defaults()
