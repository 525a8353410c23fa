"""Who waits for whom, and what the reason says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import Condition, Dependency, Health, HealthCheck, Microservice, RestartPolicy
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory, failed
from agent.lifecycle.reconcile import plan
from agent.lifecycle.start_order import components
from agent.lifecycle.steps import Step, Verb
from tests.agent.builders import NOW, at, container, exited, microservice, spec

CHECKED = replace(spec(), health_check=HealthCheck(command=["check"]))


def steps(
    *desired: Microservice, actual: tuple[Container, ...] = (), **memory: Memory
) -> dict[str, Step]:
    wanted = {m.microservice_id: m for m in desired}
    return {s.microservice_id: s for s in plan(wanted, actual, memory, NOW).steps}


def needs(m: Microservice, other: str, condition: Condition = Condition.STARTED) -> Microservice:
    return replace(
        m, depends_on=[*m.depends_on, Dependency(microservice=other, condition=condition)]
    )


def order(m: str, start_order: int) -> Microservice:
    return replace(microservice(m), start_order=start_order)


def test_a_lower_order_is_started_first() -> None:
    todo = steps(order("a", 1), order("b", 0), order("c", 0))
    assert (todo["b"].verb, todo["c"].verb) == (Verb.CREATE, Verb.CREATE)
    assert (todo["a"].verb, todo["a"].cause) == (Verb.WAIT, "waiting for a lower start order")
    assert todo["a"].reason == "it has no container; it waits for b and c of a lower start order"


@pytest.mark.parametrize(
    "attempted", [container("b"), exited("b", code=0), exited("b", code=1, ended=-1.0)]
)
def test_a_lower_order_counts_as_attempted_when_it_ran(attempted: Container) -> None:
    once = replace(order("b", 0), restart=RestartPolicy.ON_FAILURE)
    crashed = Memory(revision=1, restarts=3, delay=20.0)
    todo = steps(order("a", 1), once, actual=(attempted,), b=crashed)
    assert todo["a"].verb is Verb.CREATE


def test_of_many_that_come_first_only_some_are_named() -> None:
    first = [order(f"m{n}", 0) for n in range(9)]
    reason = steps(order("z", 7), order("y", 3), *first)["z"].reason
    assert reason.endswith(
        "it waits for m0 and m1 and m2 and m3 and m4 and 4 others of a lower start order"
    )


def test_a_lower_order_that_failed_holds_up_nobody() -> None:
    memory = failed(Memory(revision=1), "create", "image-not-found", "no image", NOW)
    assert steps(order("a", 1), order("b", 0), b=memory)["a"].verb is Verb.CREATE
    due = replace(memory, retry_at=at(-1))
    todo = steps(order("a", 1), order("b", 0), b=due)
    assert (todo["a"].verb, todo["b"].verb) == (Verb.CREATE, Verb.CREATE)


def test_a_lower_order_that_should_not_run_holds_up_nobody() -> None:
    assert steps(order("a", 1), replace(order("b", 0), running=False))["a"].verb is Verb.CREATE


def test_after_an_engine_restart_all_come_back_in_order() -> None:
    ended = (exited("a", ended=-12.0), exited("b", ended=-3.0))
    todo = steps(order("a", 1), order("b", 0), actual=ended)
    assert (todo["b"].verb, todo["b"].until) == (Verb.WAIT, at(7))
    assert (todo["a"].verb, todo["a"].cause) == (Verb.WAIT, "waiting for a lower start order")
    assert todo["a"].reason.startswith("it ended with exit code 1; it waits for b of a lower")


def test_what_runs_is_left_running_whatever_becomes_of_its_dependency() -> None:
    a = needs(microservice("a"), "b", Condition.HEALTHY)
    for b in (exited("b"), container("b", health=Health.UNHEALTHY)):
        assert steps(a, microservice("b"), actual=(container("a"), b))["a"].verb is Verb.UNCHANGED
    assert steps(a, microservice("b"), actual=(container("a"),))["a"].verb is Verb.UNCHANGED


@pytest.mark.parametrize(
    ("condition", "there", "starts"),
    [
        (Condition.STARTED, container("b", of=CHECKED, health=Health.STARTING), True),
        (Condition.STARTED, exited("b", code=0), True),
        (Condition.HEALTHY, container("b", of=CHECKED, health=Health.STARTING), False),
        (Condition.HEALTHY, container("b", of=CHECKED, health=Health.UNHEALTHY), False),
        (Condition.HEALTHY, container("b", of=CHECKED, health=Health.HEALTHY), True),
        (Condition.HEALTHY, exited("b", code=0), False),
        (Condition.COMPLETED, container("b", of=CHECKED), False),
        (Condition.COMPLETED, exited("b", code=0), True),
        (Condition.COMPLETED, exited("b", code=1), False),
    ],
)
def test_a_dependency_is_met_as_its_condition_says(
    condition: Condition, there: Container, starts: bool
) -> None:
    of = CHECKED if there.state is EngineState.RUNNING else spec()
    b = microservice("b", of=of, restart=RestartPolicy.ON_FAILURE)
    todo = steps(needs(microservice("a"), "b", condition), b, actual=(there,))
    assert (todo["a"].verb is Verb.CREATE) is starts


def test_healthy_without_a_health_check_is_that_it_runs() -> None:
    a = needs(microservice("a"), "b", Condition.HEALTHY)
    assert steps(a, microservice("b"), actual=(container("b"),))["a"].verb is Verb.CREATE


def test_a_wait_says_for_whom_and_where_that_one_stands() -> None:
    b = microservice("b", of=CHECKED)
    sick = container("b", of=CHECKED, health=Health.UNHEALTHY, started=-1.0)
    todo = steps(needs(microservice("a"), "b", Condition.HEALTHY), b, actual=(sick,))
    said = "it has no container; it waits for b to be healthy (which is unhealthy)"
    assert todo["a"].reason == said
    held = replace(b, running=False)
    todo = steps(needs(microservice("a"), "b", Condition.COMPLETED), held)
    assert todo["a"].reason.endswith("it waits for b to be completed (which should not run)")


def test_a_dependency_on_another_node_is_not_waited_for() -> None:
    assert steps(needs(microservice("a"), "elsewhere"))["a"].verb is Verb.CREATE
    other = replace(microservice("b"), application="other")
    assert steps(needs(microservice("a"), "b"), other)["a"].verb is Verb.CREATE


def test_a_replacement_waits_and_the_old_container_runs_on() -> None:
    a = needs(microservice("a", of=spec("b:2")), "b")
    todo = steps(a, microservice("b"), actual=(container("a"),))
    assert (todo["a"].verb, todo["a"].surplus) == (Verb.WAIT, ())


def test_one_that_waits_for_the_sick_holds_up_nobody_behind_it() -> None:
    first = needs(order("a", 0), "b", Condition.HEALTHY)
    sick = container("b", of=CHECKED, health=Health.UNHEALTHY, started=-1.0)
    b = replace(microservice("b", of=CHECKED), start_order=0)
    todo = steps(first, b, order("c", 1), actual=(sick,))
    assert (todo["a"].verb, todo["c"].verb) == (Verb.WAIT, Verb.CREATE)
    hopeful = replace(sick, health=Health.STARTING)
    todo = steps(first, b, order("c", 1), actual=(hopeful,))
    assert (todo["a"].verb, todo["c"].verb) == (Verb.WAIT, Verb.WAIT)


def test_what_depends_on_each_other_starts_at_once_and_says_so() -> None:
    todo = steps(needs(microservice("a"), "b"), needs(microservice("b"), "a"), microservice("c"))
    assert {s.verb for s in todo.values()} == {Verb.CREATE}
    assert (
        todo["a"].reason
        == "it has no container; it and b wait for each other, so none of them does"
    )
    assert todo["c"].reason == "it has no container"


def test_a_dependency_counts_more_than_the_start_order() -> None:
    todo = steps(needs(order("a", 0), "b"), order("b", 5))
    assert (todo["a"].verb, todo["b"].verb) == (Verb.WAIT, Verb.CREATE)


edges = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


@given(edges)
def test_components_are_told_after_all_that_they_wait_for(pairs: list[tuple[int, int]]) -> None:
    before = {n: [b for a, b in pairs if a == n] for n in range(7)}

    def reached(start: int) -> set[int]:
        seen, todo = set(), [start]
        while todo:
            for other in before[todo.pop()]:
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    told: list[int] = []
    for together in components(range(7), before.__getitem__):
        told += together
        assert reached(together[0]) <= set(told)
        for one in together:
            mutual = {n for n in range(7) if one in reached(n) and n in reached(one)} | {one}
            assert set(together) == mutual
    assert sorted(told) == list(range(7))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Condition)), max_size=3),
        ),
        min_size=6,
        max_size=6,
    )
)
def test_everything_is_started_in_the_end_also_in_circles(
    drawn: list[tuple[int, list[tuple[int, Condition]]]],
) -> None:
    desired = {}
    for n, (start_order, depends_on) in enumerate(drawn):
        one = order(f"m{n}", start_order)
        for other, condition in depends_on:
            # One that runs for ever is never completed, and who waits for that waits for ever.
            condition = Condition.HEALTHY if condition is Condition.COMPLETED else condition
            one = needs(one, f"m{other}", condition)
        desired[f"m{n}"] = one
    actual: list[Container] = []
    for _ in desired:
        made = plan(desired, actual, {}, NOW).bucket(Verb.CREATE)
        actual += [container(m) for m in made]
    assert {c.microservice_id for c in actual} == set(desired)
