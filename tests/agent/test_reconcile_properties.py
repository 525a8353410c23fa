"""What holds for every plan, whatever is desired and whatever is on the device."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import (
    Condition,
    Dependency,
    Health,
    HealthCheck,
    Microservice,
    Probe,
    ReplaceMode,
    RestartPolicy,
)
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import (
    LONGEST_DELAY,
    Memory,
    created,
    failed,
    next_delay,
    noted,
    restarted,
    succeeded,
    waits_until,
)
from agent.lifecycle.reconcile import plan, spec_digest
from agent.lifecycle.steps import IDLE, WAITING, Plan, Verb
from tests.agent.builders import NOW, at, microservice, spec

IDS = ("m1", "m2", "m3")
SPECS = (
    spec("a:1"),
    spec("b:1"),
    replace(spec("b:1"), health_check=HealthCheck(command=["check"], interval=10)),
)

seconds = st.floats(-1000, 0)
dependencies = st.lists(
    st.builds(
        Dependency,
        microservice=st.sampled_from((*IDS, "elsewhere")),
        condition=st.sampled_from(Condition),
    ),
    max_size=2,
)
desired_microservices = st.builds(
    lambda m, revision, running, of, restart, mode, probe, order, after: replace(
        microservice(m, revision=revision, running=running, of=of, restart=restart),
        replace=mode,
        probe=probe,
        start_order=order,
        depends_on=after,
    ),
    st.sampled_from(IDS),
    st.integers(1, 3),
    st.sampled_from([True, True, False]),
    st.sampled_from(SPECS),
    st.sampled_from(RestartPolicy),
    st.sampled_from(ReplaceMode),
    st.none() | st.just(Probe(port=80, interval=20)),
    st.sampled_from([0, 1, 2**31 - 1]),
    dependencies,
)
desired_states = st.lists(desired_microservices, max_size=4).map(
    lambda items: {m.microservice_id: m for m in items}
)
memories = st.dictionaries(
    st.sampled_from(IDS),
    st.builds(
        Memory,
        revision=st.integers(1, 3),
        restarts=st.integers(0, 5),
        delay=st.none() | st.sampled_from([0.0, 10.0, 20.0, 300.0]),
        held=st.booleans(),
        failures=st.integers(0, 5),
        attempt=st.sampled_from(["replace", "start"]),
        cause=st.just("port-taken"),
        failure=st.just("a port is taken"),
        retry_at=st.none() | st.sampled_from([-400.0, 5.0, 299.0, 301.0, 86_400.0]).map(at),
    ),
)


@st.composite
def containers(draw: st.DrawFn) -> list[Container]:
    """Also several of one microservice, as a crash in a replacement leaves them."""
    found = []
    for n in range(draw(st.integers(0, 6))):
        state = draw(st.sampled_from(EngineState))
        started = draw(seconds)
        ended = state is EngineState.EXITED
        m = draw(st.sampled_from((*IDS, "m4")))
        found.append(
            Container(
                container_id=f"c{n}",
                name=f"n{n}",
                microservice_id=m,
                application="app",
                spec_digest=spec_digest(draw(st.sampled_from(SPECS))),
                revision=1,
                state=state,
                created_at=at(started - 1),
                started_at=None if state is EngineState.CREATED else at(started),
                finished_at=at(draw(st.floats(started, 50))) if ended else None,
                exit_code=draw(st.sampled_from([0, 1, 137])) if ended else None,
                health=draw(st.sampled_from(Health))
                if state is EngineState.RUNNING
                else Health.NONE,
            )
        )
    return found


over = st.dictionaries(st.sampled_from(IDS), st.just("it wrote too much"), max_size=2)
boots = st.none() | st.floats(-1000, 100).map(at)


def carried_out(
    todo: Plan,
    desired: Mapping[str, Microservice],
    actual: Sequence[Container],
    memory: Mapping[str, Memory],
) -> tuple[list[Container], dict[str, Memory]]:
    """The device after every step succeeded."""
    after = {c.container_id: c for c in actual if c.state is not EngineState.REMOVING}
    kept_in_mind = dict(memory)
    for step in todo.steps:
        m, kept = step.microservice_id, step.container
        for container in step.surplus:
            after.pop(container.container_id, None)
        if step.verb in IDLE or m not in desired:
            continue
        remembered = noted(memory.get(m, Memory()), desired[m].revision, running=desired[m].running)
        if step.verb in (Verb.CREATE, Verb.REPLACE):
            if kept is not None and not step.beside:
                after.pop(kept.container_id)
            kept = Container(
                container_id=f"new-{m}",
                name=m,
                microservice_id=m,
                application="app",
                spec_digest=spec_digest(desired[m].spec),
                revision=desired[m].revision,
                state=EngineState.RUNNING,
                created_at=NOW,
                started_at=NOW,
            )
            kept_in_mind[m] = remembered if step.beside else created(remembered)
            if step.cause == "disk-quota":
                kept_in_mind[m] = restarted(remembered, 1.0)
        elif kept is not None and step.verb in (Verb.START, Verb.RESTART):
            kept = replace(kept, state=EngineState.RUNNING, started_at=NOW, health=Health.STARTING)
            counted = step.cause in ("ended", "unhealthy")
            kept_in_mind[m] = succeeded(restarted(remembered, 1.0) if counted else remembered)
        elif step.verb is Verb.SWITCH:
            kept_in_mind[m] = created(remembered)
        elif step.verb is Verb.GIVE_UP:
            kept_in_mind[m] = failed(remembered, "replace", step.cause, step.reason, NOW)
        elif kept is not None and step.verb is Verb.STOP:
            kept = replace(kept, state=EngineState.EXITED, finished_at=NOW, exit_code=143)
        if kept is not None:
            after[kept.container_id] = kept
    return list(after.values()), kept_in_mind


@given(desired_states, containers(), memories, over, boots)
def test_plans_that_are_carried_out_come_to_an_end(
    desired: dict[str, Microservice],
    actual: list[Container],
    memory: dict[str, Memory],
    over: dict[str, str],
    booted: datetime | None,
) -> None:
    # What the engine is about to have removed is gone by then.
    present = [c for c in actual if c.state is not EngineState.REMOVING]
    for _ in range(2 * len(IDS) + 2):  # each round may free those that waited for another
        todo = plan(desired, present, memory, NOW, over=over, booted_at=booted)
        if all(step.verb in IDLE for step in todo.steps):
            break
        renewed = {s.microservice_id for s in todo.steps if s.verb is Verb.REPLACE}
        present, memory = carried_out(todo, desired, present, memory)
        over = {m: why for m, why in over.items() if m not in renewed}
    assert all(step.verb in IDLE for step in todo.steps)


@given(desired_states, containers(), memories)
def test_each_microservice_is_in_exactly_one_bucket_with_a_reason(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    todo = plan(desired, actual, memory, NOW)
    ids = [s.microservice_id for s in todo.steps]
    assert sorted(ids) == sorted(desired.keys() | {c.microservice_id for c in actual})
    assert sum(len(todo.bucket(verb)) for verb in Verb) == len(ids)
    assert all(s.reason and s.cause for s in todo.steps)
    for s in todo.steps:
        others = s.cause.startswith(WAITING)
        assert (s.until is not None) == (s.verb is Verb.WAIT and not others)
        assert s.verb is Verb.WAIT or not others


@given(desired_states, containers(), memories)
def test_a_step_touches_only_containers_of_its_own_microservice_each_once(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    todo = plan(desired, actual, memory, NOW)
    touched = []
    for step in todo.steps:
        mine = (*step.surplus, *([step.container] if step.container else []))
        assert all(c.microservice_id == step.microservice_id for c in mine)
        touched += [c.container_id for c in mine]
    assert len(touched) == len(set(touched))
    assert set(touched) <= {c.container_id for c in actual}


@given(desired_states, containers(), memories)
def test_a_container_made_from_the_right_spec_is_never_thrown_away_for_another(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    for step in plan(desired, actual, memory, NOW).steps:
        if step.microservice_id not in desired:
            continue
        right = spec_digest(desired[step.microservice_id].spec)
        trial = step.verb is Verb.GIVE_UP  # it had its chance
        if any(
            c.spec_digest == right and c.state not in (EngineState.REMOVING, EngineState.CREATED)
            for c in step.surplus
        ):
            assert trial or (step.container is not None and step.container.spec_digest == right)
        assert step.verb is not Verb.REPLACE or (
            step.container is not None and step.container.spec_digest != right
        )


@given(desired_states, containers(), memories)
def test_nothing_waits_longer_than_the_longest_delay(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    for step in plan(desired, actual, memory, NOW).steps:
        if step.until is not None:
            assert NOW < step.until <= NOW + timedelta(seconds=LONGEST_DELAY)


@given(desired_states, containers(), memories)
def test_a_carried_out_plan_leaves_at_most_one_container_each_and_none_unwanted(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    present = [c for c in actual if c.state is not EngineState.REMOVING]
    todo = plan(desired, present, {}, NOW)  # nothing failed, so nothing has to wait
    held_back = {s.microservice_id for s in todo.steps if s.cause.startswith(WAITING)}
    after, _ = carried_out(todo, desired, present, memory)
    left = [c.microservice_id for c in after]
    assert set(left) <= desired.keys()
    for m in set(left) - held_back:
        beside = desired[m].running and desired[m].replace is ReplaceMode.BLUE_GREEN
        assert left.count(m) <= (2 if beside else 1)


@given(desired_states, containers(), memories)
def test_only_starts_wait_for_others(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    alone = {
        m: replace(each, start_order=0, depends_on=[]) for m, each in desired.items()
    }  # the same, if nobody knew of anybody
    for one, other in zip(
        plan(desired, actual, memory, NOW).steps,
        plan(alone, actual, memory, NOW).steps,
        strict=True,
    ):
        if one.cause.startswith(WAITING):
            assert other.verb in (Verb.CREATE, Verb.REPLACE, Verb.START)
        else:
            assert (one.verb, one.cause, one.surplus) == (other.verb, other.cause, other.surplus)


@given(desired_states, containers(), memories)
def test_the_order_of_the_containers_does_not_matter(
    desired: dict[str, Microservice], actual: list[Container], memory: dict[str, Memory]
) -> None:
    assert plan(desired, actual, memory, NOW) == plan(desired, actual[::-1], memory, NOW)


@given(st.lists(st.floats(0, 599), min_size=1, max_size=60))
def test_restarts_come_more_and_more_rarely_up_to_a_bound(runs: list[float]) -> None:
    memory, delays = Memory(), []
    for ran in runs:
        delays.append(next_delay(memory, ran))
        memory = restarted(memory, ran)
    assert delays == sorted(delays)
    assert delays[:7] == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0][: len(delays)]
    assert max(delays) <= LONGEST_DELAY
    assert next_delay(memory, 600) == 10.0


@given(st.integers(1, 2000))
def test_failures_back_off_up_to_a_bound_for_ever(attempts: int) -> None:
    memory = Memory(revision=1)
    for _ in range(attempts):
        memory = failed(memory, "create", "port-taken", "a port is taken", NOW)
    due = waits_until(memory, NOW)
    assert due is not None
    assert due - NOW == timedelta(seconds=min(300, 10 * 2 ** min(attempts - 1, 10)))
    assert waits_until(noted(memory, 2, running=True), NOW) is None
