"""What microservices go through, as an operator would tell it: the control loop in faked time."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import (
    Condition,
    ContainerSpec,
    ContainerState,
    Dependency,
    Health,
    HealthCheck,
    Microservice,
    ReplaceMode,
    RestartPolicy,
)
from agent.lifecycle.engine import Container, EngineState
from tests.agent.builders import microservice, spec
from tests.agent.fake_engine import FakeEngine
from tests.agent.faked_time import now, run
from tests.agent.test_control_loop import IMAGE, S, scene
from tests.agent.waiting import until_true

CHECKED = ContainerSpec(image=IMAGE, health_check=HealthCheck(command=["check"], interval=10))


def reasons(s: object, m: str = "m1") -> list[tuple[ContainerState, str]]:
    return [
        (r.status.state, r.status.reason)
        for r in s.journal.pending(10_000).containers  # type: ignore[attr-defined]
        if r.microservice_id == m
    ]


def test_the_back_off_of_a_program_that_always_fails_and_then_runs_for_a_while(
    tmp_path: Path,
) -> None:
    """The timeline of Azure IoT Edge, without its end: nothing is ever given up."""

    async def story() -> None:
        async with scene(tmp_path) as s:
            clock = asyncio.get_running_loop().time
            s.wish(microservice(of=spec(IMAGE, ("exit", "1"))))
            await until_true(lambda: s.engine.count("start") == 1)
            zero, due = clock(), [10, 30, 70, 150, 310, 610, 910, 1210]
            for restart, at in enumerate(due, start=1):
                await until_true(lambda n=restart: s.engine.count("start") > n, 400)  # type: ignore[misc]
                assert clock() - zero == pytest.approx(at, abs=1)
            await asyncio.sleep(100 * 300)
            assert s.engine.count("start") >= 9 + 99
            assert s.states()[-1] is S.BACKING_OFF
            assert "exit code 1" in reasons(s)[-1][1]

    run(story)


def test_eleven_minutes_of_running_start_the_count_over(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice())
            await s.state(S.RUNNING)
            for ran, delay in ((1, 10), (1, 20), (1, 40), (660, 10), (1, 20)):
                await asyncio.sleep(ran)
                s.engine.end(s.engine.of("m1")[0].container_id)
                before = asyncio.get_running_loop().time()
                await until_true(s.runs, 400)
                took = asyncio.get_running_loop().time() - before
                assert took == pytest.approx(delay, abs=0.5)
            assert s.journal.memory("m1").restarts == 5

    run(story)


def test_counters_and_last_words_outlive_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        async with scene(tmp_path, engine) as s:
            s.wish(microservice(of=spec(IMAGE, ("echo", "no", "database"))))
            await asyncio.sleep(60)  # three restarts; the fourth is 80 s after the last end
            (_, reason) = reasons(s)[-1]
            assert reason.startswith("it ended with exit code 0; it printed last: no database")
            assert engine.count("logs") == 3
            count = engine.count("start")
        async with scene(tmp_path, engine) as s:
            s.wish(microservice(of=spec(IMAGE, ("echo", "no", "database"))))
            await asyncio.sleep(5)
            assert engine.count("start") == count
            assert engine.count("logs") == 3
            assert s.journal.memory("m1").delay == 20.0

    run(story)


def needs(m: Microservice, other: str, condition: Condition) -> Microservice:
    return replace(m, depends_on=[Dependency(microservice=other, condition=condition)])


def test_what_depends_on_the_health_of_another_waits_and_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(
                needs(microservice("web"), "db", Condition.HEALTHY), microservice("db", of=CHECKED)
            )
            await s.state(S.WAITING, "web")
            await s.state(S.RUNNING, "db")
            (db,) = s.engine.of("db")
            s.engine.set_health(db.container_id, Health.STARTING)
            await asyncio.sleep(60)
            assert s.states("web") == [S.WAITING]
            assert "it waits for db to be healthy" in reasons(s, "web")[-1][1]
            s.engine.set_health(db.container_id, Health.HEALTHY)
            await s.state(S.RUNNING, "web", within=1)
            s.engine.set_health(db.container_id, Health.UNHEALTHY)
            await asyncio.sleep(60)
            assert s.states("web")[-1] is S.RUNNING
            assert s.engine.count("stop", s.engine.of("web")[0].container_id) == 0

    run(story)


def test_after_a_reboot_all_come_back_in_order_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        engine = FakeEngine({IMAGE}, now=now)
        names = ["c", "b", "a"]
        wished = [replace(microservice(m), start_order=n) for n, m in enumerate(names)]
        async with scene(tmp_path, engine) as s:
            s.wish(*wished)
            for m in names:
                await s.state(S.RUNNING, m)
        await asyncio.sleep(100)
        for m in ("a", "b", "c"):
            engine.end(engine.of(m)[0].container_id)
        booted = now()
        await asyncio.sleep(2)
        engine.calls.clear()
        async with scene(tmp_path, engine) as s:
            s.loop._booted_at = lambda: booted
            s.wish(*wished)
            await until_true(lambda: all(s.runs(m) for m in names), 5)
            order = {engine.of(m)[0].container_id: m for m in names}
            assert [order[c] for call, c in engine.calls if call == "start"] == names
            assert s.journal.memory("c").restarts == 0
            assert s.states("c")[-2:] == [S.STARTING, S.RUNNING]
            assert "the device was started anew" in reasons(s, "c")[-2][1]

    run(story)


BLUE_GREEN = replace(microservice(of=CHECKED), replace=ReplaceMode.BLUE_GREEN)
NEXT = replace(BLUE_GREEN, revision=2, spec=replace(CHECKED, env={"A": "1"}))


def running(engine: FakeEngine) -> list[Container]:
    return [c for c in engine.of("m1") if c.state is EngineState.RUNNING]


def test_the_old_container_goes_when_the_new_one_is_healthy(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(BLUE_GREEN)
            await s.state(S.RUNNING)
            (old,) = running(s.engine)
            s.wish(NEXT)
            await until_true(lambda: len(running(s.engine)) == 2, 5)
            (new,) = [c for c in running(s.engine) if c != old]
            assert new.name != old.name
            s.engine.set_health(new.container_id, Health.STARTING)
            await asyncio.sleep(20)
            assert s.engine.count("stop") == 0
            assert s.states()[-1] is S.STARTING
            assert "runs beside the old one" in reasons(s)[-1][1]
            s.engine.set_health(new.container_id, Health.HEALTHY)
            await s.state(S.RUNNING, within=1)
            (left,) = s.engine.of("m1")
            assert (left.container_id, left.name) == (new.container_id, old.name)

    run(story)


def test_a_new_container_that_is_not_well_is_given_up_and_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(BLUE_GREEN)
            await s.state(S.RUNNING)
            (old,) = running(s.engine)
            s.engine.set_health(old.container_id, Health.HEALTHY)
            s.wish(replace(NEXT, spec=replace(NEXT.spec, command=["echo", "no", "licence"])))
            await s.state(S.FAILED, within=120)
            assert s.engine.of("m1") == [s.engine.of("m1")[0]]
            assert s.engine.of("m1")[0].container_id == old.container_id
            assert reasons(s)[-1][1].startswith(
                "the new container ended with exit code 0; it printed last: no licence; "
                "the old container stays; attempt 1 failed, the next is at"
            )
            await asyncio.sleep(3600)
            assert s.engine.count("create") in range(14, 20)  # 10 20 40 … 300 s between them
            assert s.engine.count("stop", old.container_id) == 0
            s.wish(replace(BLUE_GREEN, revision=3))
            await s.state(S.RUNNING, within=5)
            assert running(s.engine)[0].container_id == old.container_id

    run(story)


class SlowEngine(FakeEngine):
    """Whose starts take their time."""

    async def start(self, container_id: str) -> None:
        """See ContainerEngine."""
        await asyncio.sleep(400)
        await super().start(container_id)


def test_an_action_that_takes_too_long_is_shown_while_it_does(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, SlowEngine({IMAGE}, now=now)) as s:
            s.wish(microservice())
            await asyncio.sleep(310)
            assert s.loop.problem == "the action create on m1 takes longer than 300 s"
            await s.state(S.RUNNING)
            assert s.loop.problem == ""

    run(story)


def test_what_wrote_too_much_is_counted_as_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as s:
            s.wish(microservice(restart=RestartPolicy.ON_FAILURE))
            await s.state(S.RUNNING)
            (first,) = s.engine.of("m1")
            greedy = {first.container_id}
            s.loop._over = lambda there: {
                c.microservice_id: "it wrote too much" for c in there if c.container_id in greedy
            }
            await asyncio.sleep(60)
            (second,) = s.engine.of("m1")
            assert second.container_id != first.container_id
            assert s.journal.memory("m1").restarts == 1
            assert (S.RUNNING, "it wrote too much; it is started again now") in reasons(s)
            greedy.add(second.container_id)
            s.loop.look_again()
            await asyncio.sleep(60)
            assert s.journal.memory("m1").restarts == 2
            assert s.journal.memory("m1").delay == 20.0

    run(story)
