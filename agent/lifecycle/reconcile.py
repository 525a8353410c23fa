"""What to do on this device: desired and actual in, a plan that explains itself out.

Pure and level-based: it is given everything each time, with the clock's reading, and never what
happened since. `control_loop.py` calls it and carries it out; `steps.py` holds what it returns.
Two parts have rooms of their own: `start_order.py` holds back starts that come too early, and
`blue_green.py` judges a new container that runs beside the old one.

The engine's own restart policy is always "no": restarting is decided here, so that it can be
explained, reported and bounded. Who is restarted when it ended by itself:

| policy | exit code 0 | another exit code | unhealthy |
|---|---|---|---|
| never | – | – | – |
| on-failure | – | yes | – |
| on-unhealthy | – | yes | yes |
| always | yes | yes | yes |

The wait is counted from the end; of an unhealthy one from its last start, since by then it has been
unwell for a while already. What ended because the whole device did is started without a wait, and
no restart to its name: it did not fail.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from agent.contract import ContainerSpec, Health, Microservice, RestartPolicy
from agent.lifecycle import blue_green
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import (
    STABLE,
    Memory,
    clock_time,
    failure_text,
    next_delay,
    noted,
    waits_until,
    words_at,
)
from agent.lifecycle.start_order import in_order
from agent.lifecycle.steps import AT_ONCE, IDLE, Choice, Plan, Step, Verb


def spec_digest(spec: ContainerSpec) -> str:
    """sha-256 of the spec as JSON with sorted keys: equal for equal specs, on every device.

    Without what is at its default, so that a later agent, which knows more, replaces nothing.
    """
    return sha256(msgspec.json.encode(spec, order="sorted")).hexdigest()


def plan(
    desired: Mapping[str, Microservice],
    actual: Sequence[Container],
    memory: Mapping[str, Memory],
    now: datetime,
    *,
    over: Mapping[str, str] | None = None,
    booted_at: datetime | None = None,
) -> Plan:
    """Compare, decide, say why.

    desired, memory: by microservice id. actual: this node's containers, in any order; `health` is
    that of whoever checks it, engine or agent. over: why a container wrote more than it may, by
    microservice id. booted_at: when the device was started, on the clock of `now`.
    """
    by_microservice: dict[str, list[Container]] = {}
    for container in actual:
        by_microservice.setdefault(container.microservice_id, []).append(container)
    remembered = {
        key: noted(memory.get(key, Memory()), wanted.revision, running=wanted.running)
        for key, wanted in desired.items()
    }
    steps = {}
    for key in sorted(desired.keys() | by_microservice.keys()):
        containers = by_microservice.get(key, [])
        if key in desired:
            view = _View(remembered[key], now, (over or {}).get(key, ""), booted_at)
            steps[key] = _step(desired[key], containers, view)
        else:
            steps[key] = _unwanted(key, containers, memory.get(key, Memory()), now)
    return Plan(steps=tuple(in_order(desired, steps, remembered, now).values()))


class _View(msgspec.Struct, frozen=True):
    """What decides about one microservice besides its containers."""

    memory: Memory
    now: datetime
    over: str
    booted_at: datetime | None

    def failing(self) -> Choice | None:
        return _failing(self.memory, self.now)


def _unwanted(
    microservice_id: str, containers: Sequence[Container], memory: Memory, now: datetime
) -> Step:
    present = [c for c in containers if c.state is not EngineState.REMOVING]
    choice = Choice(Verb.REMOVE, "unwanted", "it no longer belongs on this node")
    if not present:
        choice = _being_removed(now)
    elif failing := _failing(memory, now):
        choice = failing
    surplus = tuple(sorted(present, key=lambda c: c.container_id))
    return _as_step(microservice_id, choice, None, surplus)


def _step(wanted: Microservice, containers: Sequence[Container], view: _View) -> Step:
    digest = spec_digest(wanted.spec)
    if wanted.running and (trial := blue_green.on_trial(wanted, containers, digest)) is not None:
        return _on_trial(wanted, trial, containers, view)
    kept = _kept(wanted, containers, digest)
    surplus = _others(containers, kept)
    choice = (
        _without_container(wanted, view)
        if kept is None
        else _with_container(wanted, kept, kept.spec_digest == digest, view)
    )
    if surplus and choice.verb in IDLE and view.failing() is None:
        choice = Choice(Verb.REMOVE, "left-over", "an interrupted replacement left a container")
    beside = (
        choice.cause == "spec-changed"
        and blue_green.applies(wanted)
        and kept is not None
        and kept.state is EngineState.RUNNING
    )
    return replace(_as_step(wanted.microservice_id, choice, kept, surplus), beside=beside)


def _on_trial(
    wanted: Microservice, trial: blue_green.Trial, containers: Sequence[Container], view: _View
) -> Step:
    choice = blue_green.verdict(wanted, trial, view.now)
    others = tuple(c for c in _others(containers, trial.new) if c != trial.old)
    key, new, old = wanted.microservice_id, trial.new, trial.old
    match choice.verb:
        case Verb.SWITCH:
            return _as_step(key, choice, new, (old, *others))
        case Verb.GIVE_UP:
            return _as_step(key, choice, old, (new, *others))
    if others:
        choice = Choice(Verb.REMOVE, "left-over", "an interrupted replacement left a container")
    return _as_step(key, choice, new, others)


def _kept(wanted: Microservice, containers: Sequence[Container], digest: str) -> Container | None:
    """The one that all is about: the right one if there is one, else one that runs."""
    if not containers:
        return None
    beside = blue_green.applies(wanted)
    older = [c for c in containers if c.spec_digest != digest and c.state is EngineState.RUNNING]
    right = [
        c
        for c in containers
        # One that should come to run beside another and never did is made again.
        if c.spec_digest == digest and not (beside and older and c.state is EngineState.CREATED)
    ]
    if beside and older and not right and wanted.running:
        return blue_green.serving(older)
    return max(
        containers,
        key=lambda c: (
            c.state is not EngineState.REMOVING,
            c in right,
            c.state is EngineState.RUNNING,
            c.created_at,
            c.container_id,
        ),
    )


def _others(containers: Sequence[Container], kept: Container | None) -> tuple[Container, ...]:
    others = [c for c in containers if c != kept and c.state is not EngineState.REMOVING]
    return tuple(sorted(others, key=lambda c: c.container_id))


def _as_step(
    microservice_id: str,
    choice: Choice,
    container: Container | None,
    surplus: tuple[Container, ...],
) -> Step:
    return Step(
        microservice_id=microservice_id,
        verb=choice.verb,
        reason=choice.reason,
        cause=choice.cause,
        container=container,
        surplus=surplus,
        until=choice.until,
    )


def _without_container(wanted: Microservice, view: _View) -> Choice:
    if not wanted.running:
        return Choice(Verb.UNCHANGED, "stopped", "it should not run and has no container")
    return view.failing() or Choice(Verb.CREATE, "missing", "it has no container")


def _with_container(
    wanted: Microservice, container: Container, current: bool, view: _View
) -> Choice:
    if container.state is EngineState.REMOVING:
        return _being_removed(view.now)
    failing = view.failing()
    if not wanted.running:
        if container.state in (EngineState.RUNNING, EngineState.PAUSED):
            return failing or Choice(Verb.STOP, "held", "it should not run")
        return Choice(Verb.UNCHANGED, "stopped", "it should not run; its container is kept")
    if current:
        return _running(wanted, container, view, failing)
    if failing is None:
        return Choice(Verb.REPLACE, "spec-changed", "its container is made from another spec")
    # The new container can't be made for now: the old one is looked after as if it were right.
    # Unless it was the old one that would not start; then both wait.
    if view.memory.attempt == Verb.REPLACE:
        older = _running(wanted, container, view, None)
        if older.verb not in IDLE:
            return older
    return failing


def _being_removed(now: datetime) -> Choice:
    return Choice(
        Verb.WAIT, "removing", "its container is being removed", now + timedelta(seconds=1)
    )


def _running(
    wanted: Microservice, container: Container, view: _View, failing: Choice | None
) -> Choice:
    """What becomes of a container that should run."""
    match container.state:
        case EngineState.RUNNING:
            return _while_it_runs(wanted, container, view, failing)
        case EngineState.PAUSED:
            return failing or Choice(Verb.START, "paused", "somebody paused it")
        case EngineState.CREATED:
            return failing or Choice(Verb.START, "created", "its container was never started")
    if failing is not None:
        return failing
    if view.memory.held:
        return Choice(Verb.START, "released", "it should run again")
    return _after_its_end(wanted, container, view)


def _after_its_end(wanted: Microservice, container: Container, view: _View) -> Choice:
    ended = _ended(container, view)
    failure = container.exit_code != 0
    if wanted.restart is RestartPolicy.NEVER or (
        not failure and wanted.restart is not RestartPolicy.ALWAYS
    ):
        return Choice(
            Verb.SETTLED, "exited", f"{ended}; its restart policy {wanted.restart} leaves it so"
        )
    if _before_the_boot(container, view):
        return Choice(Verb.START, "booted", f"the device was started anew; before, {ended}")
    delay = next_delay(view.memory, _ran(container, container.finished_at or view.now))
    if view.over:
        return _restart(Verb.REPLACE, "disk-quota", ended, container.finished_at, delay, view.now)
    return _restart(Verb.START, "ended", ended, container.finished_at, delay, view.now)


def _while_it_runs(
    wanted: Microservice, container: Container, view: _View, failing: Choice | None
) -> Choice:
    delay = next_delay(view.memory, _ran(container, view.now))
    if view.over:
        if failing is not None:
            return failing
        if wanted.restart is RestartPolicy.NEVER:
            return Choice(Verb.STOP, "disk-quota", f"{view.over}; its restart policy is never")
        since = container.started_at
        return _restart(Verb.REPLACE, "disk-quota", view.over, since, delay, view.now)
    if container.health is not Health.UNHEALTHY:
        return Choice(Verb.UNCHANGED, "running", _how_it_runs(container, view))
    unwell = container.health_said or "its health check fails"
    if wanted.restart not in (RestartPolicy.ON_UNHEALTHY, RestartPolicy.ALWAYS):
        return Choice(
            Verb.UNCHANGED,
            "unhealthy",
            f"{unwell}; its restart policy {wanted.restart} leaves it running",
        )
    if failing is not None:
        return failing
    return _restart(Verb.RESTART, "unhealthy", unwell, container.started_at, delay, view.now)


def _how_it_runs(container: Container, view: _View) -> str:
    memory, ran = view.memory, _ran(container, view.now)
    if not memory.restarts or not 0 <= ran < STABLE:
        return "it runs as it should"
    times = "once" if memory.restarts == 1 else f"{memory.restarts} times"
    said = f"; before its last end it printed: {memory.last_words}" if memory.last_words else ""
    return f"it runs, and was started again {times}{said}"


def _restart(
    verb: Verb, cause: str, why: str, since: datetime | None, delay: float, now: datetime
) -> Choice:
    due = now if since is None else since + timedelta(seconds=delay)
    # `since` after `now`: the clock was set back, and nobody should wait for it to come round.
    if due <= now or (since is not None and since > now):
        return Choice(verb, cause, f"{why}{AT_ONCE}")
    return Choice(
        Verb.WAIT, cause, f"{why}; it is started again at {clock_time(due)} ({delay:.0f} s)", due
    )


def _failing(memory: Memory, now: datetime) -> Choice | None:
    until = waits_until(memory, now)
    if until is None:
        return None
    return Choice(Verb.WAIT, memory.cause, failure_text(memory), until)


def _before_the_boot(container: Container, view: _View) -> bool:
    booted, began = view.booted_at, container.started_at
    return booted is not None and began is not None and began < booted <= view.now


def _ran(container: Container, until: datetime) -> float:
    if container.started_at is None:
        return 0.0
    return (until - container.started_at).total_seconds()


def _ended(container: Container, view: _View) -> str:
    how = "it ended"
    if container.out_of_memory:
        how = "it ran out of memory and was killed"
    elif container.exit_code is not None:
        how = f"it ended with exit code {container.exit_code}"
    if view.over:
        how = f"{how}; {view.over}"
    words = words_at(view.memory, container)
    return f"{how}; it printed last: {words}" if words else how
