"""A new container beside the old one: every pair that a device can show, and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import Health, HealthCheck, Port, Probe, ReplaceMode, RestartPolicy
from agent.lifecycle.blue_green import MARGIN, patience
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory, failed
from agent.lifecycle.reconcile import plan
from agent.lifecycle.steps import Step, Verb
from tests.agent.builders import NOW, at, container, microservice, spec

OLD, NEW = spec("a:1"), spec("a:2")
CHECKED = replace(NEW, health_check=HealthCheck(command=["check"], interval=10, retries=3))
WANTED = replace(microservice(of=NEW), replace=ReplaceMode.BLUE_GREEN)


def step(*actual: Container, memory: Memory | None = None, of: object = NEW) -> Step:
    wanted = replace(WANTED, spec=of)
    remembered = {} if memory is None else {"m1": memory}
    (only,) = plan({"m1": wanted}, actual, remembered, NOW).steps
    return only


def old(state: EngineState = EngineState.RUNNING) -> Container:
    return container(container_id="old", of=OLD, state=state, created=-500, started=-500)


def new(ran: float = 5.0, *, health: Health = Health.NONE, of: object = NEW) -> Container:
    made = container(container_id="new", started=-ran, created=-ran - 1, health=health)
    return replace(made, spec_digest=_digest(of))


def _digest(of: object) -> str:
    return container(of=of).spec_digest  # type: ignore[arg-type]


def test_the_new_one_is_made_while_the_old_one_runs() -> None:
    todo = step(old())
    assert (todo.verb, todo.beside, todo.surplus) == (Verb.REPLACE, True, ())


def test_an_old_one_that_does_not_run_is_simply_replaced() -> None:
    ended = replace(old(EngineState.EXITED), exit_code=1, finished_at=at(-400))
    assert (step(ended).verb, step(ended).beside) == (Verb.REPLACE, False)


@pytest.mark.parametrize(
    "of", [replace(NEW, ports=[Port(host=80, container=80)]), replace(NEW, host_network=True)]
)
def test_what_can_not_run_twice_gives_way_first(of: object) -> None:
    assert not step(old(), of=of).beside


def test_without_a_health_check_ten_seconds_prove_it() -> None:
    waiting = step(old(), new(4))
    assert (waiting.verb, waiting.cause, waiting.until) == (Verb.WAIT, "proving", at(6))
    done = step(old(), new(10))
    assert (done.verb, done.surplus) == (Verb.SWITCH, (old(),))
    assert done.container is not None
    assert done.container.container_id == "new"


def test_with_a_health_check_it_has_to_be_healthy() -> None:
    trying = new(60, health=Health.STARTING, of=CHECKED)
    assert step(old(), trying, of=CHECKED).until == at(30)  # 10 s × 3 + 60 s
    assert step(old(), replace(trying, health=Health.HEALTHY), of=CHECKED).verb is Verb.SWITCH


def test_one_that_is_never_well_is_given_up_with_what_its_check_said() -> None:
    sick = replace(
        new(90, health=Health.UNHEALTHY, of=CHECKED), health_said="its health check failed 9 times"
    )
    todo = step(old(), sick, of=CHECKED)
    assert (todo.verb, todo.container, todo.surplus) == (Verb.GIVE_UP, old(), (sick,))
    assert todo.reason == (
        "the new container did not become healthy within 90 s: its health check failed 9 times"
    )


def test_one_that_ends_is_given_up_at_once() -> None:
    ended = replace(new(), state=EngineState.EXITED, exit_code=3, finished_at=at(-1))
    assert step(old(), ended).verb is Verb.GIVE_UP
    assert step(old(), ended).reason == "the new container ended with exit code 3"


def test_a_job_is_well_when_it_did_its_work() -> None:
    done = replace(new(), state=EngineState.EXITED, exit_code=0, finished_at=at(-1))
    job = replace(WANTED, restart=RestartPolicy.ON_FAILURE)
    (todo,) = plan({"m1": job}, [old(), done], {}, NOW).steps
    assert todo.verb is Verb.SWITCH


def test_what_was_given_up_is_tried_again_later_and_the_old_one_is_looked_after() -> None:
    memory = failed(Memory(revision=1), "replace", "not-well", "it did not become well", NOW)
    assert (step(old(), memory=memory).verb, step(old(), memory=memory).until) == (
        Verb.WAIT,
        at(10),
    )
    due = replace(memory, retry_at=at(-1))
    assert (step(old(), memory=due).verb, step(old(), memory=due).beside) == (Verb.REPLACE, True)
    ended = replace(old(EngineState.EXITED), exit_code=1, finished_at=at(-20))
    assert step(ended, memory=memory).verb is Verb.START


def test_one_that_was_made_and_never_started_is_made_again() -> None:
    half = replace(new(), state=EngineState.CREATED, started_at=None)
    todo = step(old(), half)
    assert (todo.verb, todo.beside, todo.container) == (Verb.REPLACE, True, old())
    assert todo.surplus == (half,)


def test_the_wish_for_the_old_spec_again_ends_the_trial_without_a_break() -> None:
    todo = step(old(), new(), of=OLD)
    assert (todo.verb, todo.container, todo.surplus) == (Verb.REMOVE, old(), (new(),))


def test_a_third_spec_during_a_trial_keeps_the_one_that_serves() -> None:
    third = spec("a:3")
    todo = step(old(), new(), of=third)
    assert (todo.verb, todo.beside, todo.container) == (Verb.REPLACE, True, old())
    assert todo.surplus == (new(),)


def test_a_trial_that_should_not_run_any_more_is_stopped() -> None:
    held = replace(WANTED, running=False)
    (todo,) = plan({"m1": held}, [old(), new()], {}, NOW).steps
    assert (todo.verb, todo.container, todo.surplus) == (Verb.STOP, new(), (old(),))


def test_a_clock_that_was_set_back_ends_a_trial() -> None:
    assert step(old(), new(-86_400)).verb is Verb.SWITCH
    ahead = new(-86_400, health=Health.STARTING, of=CHECKED)
    assert step(old(), ahead, of=CHECKED).verb is Verb.GIVE_UP


@given(
    st.none()
    | st.builds(Probe, port=st.just(1), interval=st.floats(1, 100), retries=st.integers(1, 9)),
    st.floats(0, 490),
    st.sampled_from(Health),
)
def test_every_trial_ends(probe: Probe | None, ran: float, health: Health) -> None:
    wanted = replace(WANTED, probe=probe)
    (todo,) = plan({"m1": wanted}, [old(), new(ran, health=health)], {}, NOW).steps
    assert todo.verb in (Verb.WAIT, Verb.SWITCH, Verb.GIVE_UP)
    if todo.verb is Verb.WAIT:
        assert todo.until is not None
        assert NOW < todo.until <= at(patience(wanted))
    assert patience(wanted) >= MARGIN
