"""The decisions that a person would ask about, one by one."""

import pytest
from msgspec import convert, to_builtins
from msgspec.structs import replace

from agent.contract import ContainerSpec, Health, Microservice, Registry, RestartPolicy
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory, end_of, failed
from agent.lifecycle.reconcile import plan, spec_digest
from agent.lifecycle.steps import Step, Verb
from tests.agent.builders import NOW, at, container, exited, microservice, spec


def step(wanted: Microservice, *actual: Container, memory: Memory | None = None) -> Step:
    remembered = {} if memory is None else {wanted.microservice_id: memory}
    (only,) = plan({wanted.microservice_id: wanted}, actual, remembered, NOW).steps
    return only


def test_what_has_no_container_gets_one() -> None:
    assert step(microservice()).verb is Verb.CREATE


def test_what_should_not_run_and_has_none_gets_none() -> None:
    assert step(microservice(running=False)).verb is Verb.UNCHANGED


def test_a_changed_spec_replaces_and_never_adds_a_second() -> None:
    todo = step(microservice(of=spec("b:2")), container())
    assert todo.verb is Verb.REPLACE
    assert todo.surplus == ()


@pytest.mark.parametrize(
    "changed",
    [
        microservice(config='{"a": 1}', revision=9),
        microservice(restart=RestartPolicy.NEVER, revision=9),
        microservice(registry=Registry(url="r", username="u", password="p"), revision=9),
    ],
)
def test_config_policy_and_credentials_never_replace(changed: Microservice) -> None:
    assert step(changed, container()).verb is Verb.UNCHANGED


def test_a_digest_does_not_depend_on_the_order_of_names() -> None:
    one, other = spec(), spec()
    assert spec_digest(replace(one, env={"A": "1", "B": "2"})) == spec_digest(
        replace(other, env={"B": "2", "A": "1"})
    )


def test_what_a_later_agent_knows_besides_changes_no_digest_while_nobody_uses_it() -> None:
    class Later(ContainerSpec, frozen=True, kw_only=True, omit_defaults=True):
        new: bool = False

    used = convert(to_builtins(spec()) | {"new": True}, Later)
    assert spec_digest(convert(to_builtins(spec()), Later)) == spec_digest(spec())
    assert spec_digest(used) != spec_digest(spec())


def test_what_should_not_run_is_stopped_and_kept() -> None:
    held = microservice(running=False)
    assert step(held, container()).verb is Verb.STOP
    assert step(held, exited(code=143)).verb is Verb.UNCHANGED


def test_what_should_not_run_is_not_replaced_before_it_should() -> None:
    held = microservice(running=False, of=spec("b:2"))
    assert step(held, exited(code=143)).verb is Verb.UNCHANGED


@pytest.mark.parametrize("policy", RestartPolicy)
def test_what_was_stopped_by_wish_is_started_by_wish_whatever_its_policy(
    policy: RestartPolicy,
) -> None:
    again = microservice(restart=policy, revision=3)
    todo = step(again, exited(code=0), memory=Memory(revision=2, held=True))
    assert (todo.verb, todo.cause) == (Verb.START, "released")


@pytest.mark.parametrize(
    ("policy", "code", "verb"),
    [
        (RestartPolicy.NEVER, 0, Verb.SETTLED),
        (RestartPolicy.NEVER, 1, Verb.SETTLED),
        (RestartPolicy.ON_FAILURE, 0, Verb.SETTLED),
        (RestartPolicy.ON_FAILURE, 137, Verb.START),
        (RestartPolicy.ON_UNHEALTHY, 0, Verb.SETTLED),
        (RestartPolicy.ON_UNHEALTHY, 1, Verb.START),
        (RestartPolicy.ALWAYS, 0, Verb.START),
        (RestartPolicy.ALWAYS, 1, Verb.START),
    ],
)
def test_what_ended_is_started_again_by_its_policy(
    policy: RestartPolicy, code: int, verb: Verb
) -> None:
    assert step(microservice(restart=policy), exited(code=code, ended=-10.0)).verb is verb


@pytest.mark.parametrize(
    ("policy", "verb"),
    [
        (RestartPolicy.NEVER, Verb.UNCHANGED),
        (RestartPolicy.ON_FAILURE, Verb.UNCHANGED),
        (RestartPolicy.ON_UNHEALTHY, Verb.RESTART),
        (RestartPolicy.ALWAYS, Verb.RESTART),
    ],
)
def test_what_is_unhealthy_is_restarted_by_its_policy(policy: RestartPolicy, verb: Verb) -> None:
    unwell = container(health=Health.UNHEALTHY, started=-30.0)
    assert step(microservice(restart=policy), unwell).verb is verb


def test_a_restart_waits_and_says_until_when() -> None:
    todo = step(microservice(), exited(ended=-4.0))
    assert (todo.verb, todo.until) == (Verb.WAIT, at(6))
    assert "exit code 1" in todo.reason
    assert "2026-01-02 03:04:11Z" in todo.reason


def test_a_new_revision_counts_from_the_beginning() -> None:
    memory = Memory(revision=1, restarts=7, delay=300.0)
    waiting = exited(ended=-11.0)
    assert step(microservice(), waiting, memory=memory).until == at(289)
    assert step(microservice(revision=2), waiting, memory=memory).verb is Verb.START


def test_a_clock_that_was_set_back_makes_nobody_wait() -> None:
    memory = Memory(revision=1, restarts=7, delay=300.0)
    assert step(microservice(), exited(ended=86_400.0), memory=memory).verb is Verb.START
    far = failed(Memory(revision=1), "create", "port-taken", "a port is taken", at(86_400))
    assert step(microservice(), memory=far).verb is Verb.CREATE


def test_what_failed_waits_with_its_reason_and_next_attempt() -> None:
    memory = failed(Memory(revision=1), "create", "port-taken", "a port is taken", NOW)
    todo = step(microservice(), memory=memory)
    assert (todo.verb, todo.cause, todo.until) == (Verb.WAIT, "port-taken", at(10))
    assert todo.reason.startswith("a port is taken; attempt 1 failed, the next is at 2026-01-02")


def test_the_old_container_is_healed_while_the_new_one_can_not_be_made() -> None:
    memory = failed(Memory(revision=2), "replace", "image-not-found", "no image", NOW)
    newer = microservice(of=spec("b:2"), revision=2)
    assert step(newer, container(), memory=memory).verb is Verb.WAIT
    assert step(newer, exited(ended=-11.0), memory=memory).verb is Verb.START
    then = failed(memory, "start", "port-taken", "a port is taken", NOW)
    assert step(newer, exited(ended=-11.0), memory=then).cause == "port-taken"


def test_what_can_not_be_removed_or_stopped_is_tried_more_and_more_rarely() -> None:
    memory = failed(Memory(), "remove", "engine-refused", "device is busy", NOW)
    (todo,) = plan({}, [container()], {"m1": memory}, NOW).steps
    assert (todo.verb, todo.until) == (Verb.WAIT, at(10))
    held = failed(Memory(revision=1), "stop", "engine-refused", "no", NOW)
    assert step(microservice(running=False), container(), memory=held).verb is Verb.WAIT


def test_of_two_containers_the_right_one_is_kept() -> None:
    old = container(container_id="old", of=spec("a:0"))
    new = container(container_id="new", state=EngineState.CREATED, started=None, created=-1.0)
    todo = step(microservice(), old, new)
    assert todo.verb is Verb.START
    assert todo.container == new
    assert todo.surplus == (old,)


def test_a_left_over_beside_a_running_one_is_removed() -> None:
    good, older = container(container_id="good"), container(container_id="x", of=spec("a:0"))
    todo = step(microservice(), older, good)
    assert (todo.verb, todo.cause, todo.surplus) == (Verb.REMOVE, "left-over", (older,))


def test_what_is_not_desired_goes_with_all_its_containers() -> None:
    (todo,) = plan({}, [container(container_id="a"), container(container_id="b")], {}, NOW).steps
    assert todo.verb is Verb.REMOVE
    assert {c.container_id for c in todo.surplus} == {"a", "b"}


def test_what_somebody_paused_is_resumed() -> None:
    assert step(microservice(), container(state=EngineState.PAUSED)).verb is Verb.START


def test_what_is_being_removed_is_waited_for() -> None:
    todo = step(microservice(), container(state=EngineState.REMOVING))
    assert (todo.verb, todo.until) == (Verb.WAIT, at(1))


def test_an_end_is_told_with_its_last_words_and_the_next_attempt() -> None:
    ended = exited(ended=-4.0)
    memory = Memory(revision=1, last_words="no database | giving up", words_of=end_of(ended))
    assert step(microservice(), ended, memory=memory).reason == (
        "it ended with exit code 1; it printed last: no database | giving up; "
        "it is started again at 2026-01-02 03:04:11Z (10 s)"
    )
    settled = step(microservice(restart=RestartPolicy.NEVER), ended, memory=memory)
    assert settled.reason.startswith("it ended with exit code 1; it printed last: no database")
    another_end = exited(ended=-3.0)
    assert "printed" not in step(microservice(), another_end, memory=memory).reason


def test_what_was_started_again_says_so_until_it_is_stable() -> None:
    memory = Memory(revision=1, restarts=2, delay=20.0, last_words="no database")
    young = step(microservice(), container(started=-599.0), memory=memory)
    assert young.reason == (
        "it runs, and was started again 2 times; before its last end it printed: no database"
    )
    stable = step(microservice(), container(started=-600.0), memory=memory)
    assert stable.reason == "it runs as it should"


def test_the_unhealthy_say_what_their_health_check_said() -> None:
    said = "GET /ready on port 8080 answered 503, 3 times in a row"
    unwell = replace(container(health=Health.UNHEALTHY, started=-90.0), health_said=said)
    assert step(microservice(), unwell).reason == f"{said}; it is started again now"
    left = step(microservice(restart=RestartPolicy.NEVER), unwell)
    assert left.reason == f"{said}; its restart policy never leaves it running"


def test_the_unhealthy_are_started_again_more_and_more_rarely() -> None:
    memory = Memory(revision=1, restarts=3, delay=40.0)
    unwell = container(health=Health.UNHEALTHY, started=-50.0)
    todo = step(microservice(), unwell, memory=memory)
    assert (todo.verb, todo.until) == (Verb.WAIT, at(30))


@pytest.mark.parametrize(
    ("policy", "verb"), [(RestartPolicy.NEVER, Verb.STOP), (RestartPolicy.ON_FAILURE, Verb.REPLACE)]
)
def test_what_wrote_more_than_it_may_gets_a_fresh_container(
    policy: RestartPolicy, verb: Verb
) -> None:
    wanted = microservice(restart=policy)
    over = {"m1": "it wrote 12 MiB, its limit is 10 MiB"}
    (todo,) = plan({"m1": wanted}, [container(started=-30.0)], {}, NOW, over=over).steps
    assert (todo.verb, todo.cause) == (verb, "disk-quota")
    assert todo.reason.startswith("it wrote 12 MiB, its limit is 10 MiB; ")
    again = {"m1": Memory(revision=1, restarts=2, delay=20.0)}
    (todo,) = plan({"m1": wanted}, [container(started=-30.0)], again, NOW, over=over).steps
    if verb is Verb.REPLACE:
        assert (todo.verb, todo.until) == (Verb.WAIT, at(10))
    ended = exited(ended=-30.0)
    (todo,) = plan({"m1": wanted}, [ended], {}, NOW, over=over).steps
    assert todo.verb is (Verb.SETTLED if verb is Verb.STOP else Verb.REPLACE)
    assert "its limit is 10 MiB" in todo.reason


def test_what_ended_with_the_whole_device_is_started_without_a_wait() -> None:
    memory = {"m1": Memory(revision=1, restarts=5, delay=300.0)}
    ended = exited(ended=-3.0, ran=5000.0)
    (todo,) = plan({"m1": microservice()}, [ended], memory, NOW, booted_at=at(-60)).steps
    assert (todo.verb, todo.cause) == (Verb.START, "booted")
    assert todo.reason == "the device was started anew; before, it ended with exit code 1"
    (todo,) = plan({"m1": microservice()}, [ended], memory, NOW, booted_at=at(-9000)).steps
    assert todo.verb is Verb.WAIT
    never = microservice(restart=RestartPolicy.NEVER)
    (todo,) = plan({"m1": never}, [ended], memory, NOW, booted_at=at(-60)).steps
    assert todo.verb is Verb.SETTLED
