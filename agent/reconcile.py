"""What to do on this device: desired and actual in, a plan that explains itself out.

Pure and level-based: it is given everything each time, with the clock's reading, and never what
happened since. `control_loop.py` calls it and carries it out.

The engine's own restart policy is always "no": restarting is decided here, so that it can be
explained, reported and bounded. Who is restarted when it ended by itself:

| policy | exit code 0 | another exit code | unhealthy |
|---|---|---|---|
| never | – | – | – |
| on-failure | – | yes | – |
| on-unhealthy | – | yes | yes |
| always | yes | yes | yes |
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

import msgspec
from msgspec import Struct

from agent.contract import ContainerSpec, Health, Microservice, RestartPolicy
from agent.engine import Container, EngineState
from agent.memory import Memory, clock_time, failure_text, next_delay, noted, waits_until


class Verb(StrEnum):
    """The bucket that a microservice is in."""

    UNCHANGED = "unchanged"
    CREATE = "create"
    START = "start"
    RESTART = "restart"
    """Stop it, start it: it runs, but says that it is not well."""
    STOP = "stop"
    REPLACE = "replace"
    REMOVE = "remove"
    """With nothing kept: it does not belong here. Else only what a crash left over."""
    WAIT = "wait"
    SETTLED = "settled"
    """It ended, and its restart policy leaves it so."""


IDLE = frozenset({Verb.UNCHANGED, Verb.WAIT, Verb.SETTLED})
"""Nothing to carry out."""


class Step(Struct, frozen=True, kw_only=True):
    """One microservice's place in the plan."""

    microservice_id: str
    verb: Verb
    reason: str
    cause: str
    """The reason as one word, for comparing: two looks with the same cause tell nothing new."""
    container: Container | None = None
    """The right one of its containers."""
    surplus: tuple[Container, ...] = ()
    """Its other containers: removed before anything else is done."""
    until: datetime | None = None
    """For a wait: when to look again."""


class Plan(Struct, frozen=True, kw_only=True):
    """Every microservice, desired or actual, exactly once."""

    steps: tuple[Step, ...]

    def bucket(self, verb: Verb) -> tuple[str, ...]:
        """Ids of the microservices in it."""
        return tuple(s.microservice_id for s in self.steps if s.verb is verb)

    def next_due(self) -> datetime | None:
        """When the first of those that wait is due."""
        return min((s.until for s in self.steps if s.until is not None), default=None)


def spec_digest(spec: ContainerSpec) -> str:
    """sha-256 of the spec as JSON with sorted keys: equal for equal specs, on every device."""
    return sha256(msgspec.json.encode(spec, order="sorted")).hexdigest()


def plan(
    desired: Mapping[str, Microservice],
    actual: Sequence[Container],
    memory: Mapping[str, Memory],
    now: datetime,
) -> Plan:
    """Compare, decide, say why.

    desired, memory: by microservice id. actual: this node's containers, in any order.
    """
    by_microservice: dict[str, list[Container]] = {}
    for container in actual:
        by_microservice.setdefault(container.microservice_id, []).append(container)
    return Plan(
        steps=tuple(
            _step(desired[m], by_microservice.get(m, []), memory.get(m, Memory()), now)
            if m in desired
            else _unwanted(m, by_microservice[m], memory.get(m, Memory()), now)
            for m in sorted(desired.keys() | by_microservice.keys())
        )
    )


def _unwanted(
    microservice_id: str, containers: Sequence[Container], memory: Memory, now: datetime
) -> Step:
    present = [c for c in containers if c.state is not EngineState.REMOVING]
    choice = _Choice(Verb.REMOVE, "unwanted", "it no longer belongs on this node")
    if not present:
        choice = _being_removed(now)
    elif failing := _failing(memory, now):
        choice = failing
    return Step(
        microservice_id=microservice_id,
        verb=choice.verb,
        reason=choice.reason,
        cause=choice.cause,
        surplus=tuple(sorted(present, key=lambda c: c.container_id)),
        until=choice.until,
    )


class _Choice(Struct, frozen=True):
    verb: Verb
    cause: str
    reason: str
    until: datetime | None = None


def _step(
    wanted: Microservice, containers: Sequence[Container], memory: Memory, now: datetime
) -> Step:
    memory = noted(memory, wanted.revision, running=wanted.running)
    digest = spec_digest(wanted.spec)
    ranked = sorted(
        containers,
        key=lambda c: (
            c.state is not EngineState.REMOVING,
            c.spec_digest == digest,
            c.state is EngineState.RUNNING,
            c.created_at,
            c.container_id,
        ),
        reverse=True,
    )
    kept = ranked[0] if ranked else None
    surplus = tuple(c for c in ranked[1:] if c.state is not EngineState.REMOVING)
    choice = (
        _without_container(wanted, memory, now)
        if kept is None
        else _with_container(wanted, kept, kept.spec_digest == digest, memory, now)
    )
    if surplus and choice.verb in IDLE and _failing(memory, now) is None:
        choice = _Choice(Verb.REMOVE, "left-over", "an interrupted replacement left a container")
    return Step(
        microservice_id=wanted.microservice_id,
        verb=choice.verb,
        reason=choice.reason,
        cause=choice.cause,
        container=kept,
        surplus=surplus,
        until=choice.until,
    )


def _without_container(wanted: Microservice, memory: Memory, now: datetime) -> _Choice:
    if not wanted.running:
        return _Choice(Verb.UNCHANGED, "stopped", "it should not run and has no container")
    return _failing(memory, now) or _Choice(Verb.CREATE, "missing", "it has no container")


def _with_container(
    wanted: Microservice, container: Container, current: bool, memory: Memory, now: datetime
) -> _Choice:
    if container.state is EngineState.REMOVING:
        return _being_removed(now)
    failing = _failing(memory, now)
    if not wanted.running:
        if container.state in (EngineState.RUNNING, EngineState.PAUSED):
            return failing or _Choice(Verb.STOP, "held", "it should not run")
        return _Choice(Verb.UNCHANGED, "stopped", "it should not run; its container is kept")
    if current:
        return _running(wanted, container, memory, now, failing)
    if failing is None:
        return _Choice(Verb.REPLACE, "spec-changed", "its container is made from another spec")
    # The new container can't be made for now: the old one is looked after as if it were right.
    # Unless it was the old one that would not start; then both wait.
    if memory.attempt == Verb.REPLACE:
        older = _running(wanted, container, memory, now, None)
        if older.verb not in IDLE:
            return older
    return failing


def _being_removed(now: datetime) -> _Choice:
    return _Choice(
        Verb.WAIT, "removing", "its container is being removed", now + timedelta(seconds=1)
    )


def _running(
    wanted: Microservice,
    container: Container,
    memory: Memory,
    now: datetime,
    failing: _Choice | None,
) -> _Choice:
    """What becomes of a container that should run."""
    match container.state:
        case EngineState.RUNNING:
            return _if_unhealthy(wanted, container, memory, now, failing)
        case EngineState.PAUSED:
            return failing or _Choice(Verb.START, "paused", "somebody paused it")
        case EngineState.CREATED:
            return failing or _Choice(Verb.START, "created", "its container was never started")
    if failing is not None:
        return failing
    if memory.held:
        return _Choice(Verb.START, "released", "it should run again")
    ended = _ended(container)
    failure = container.exit_code != 0
    if wanted.restart is RestartPolicy.NEVER or (
        not failure and wanted.restart is not RestartPolicy.ALWAYS
    ):
        return _Choice(
            Verb.SETTLED, "exited", f"{ended}; its restart policy {wanted.restart} leaves it so"
        )
    delay = next_delay(memory, _ran(container, container.finished_at or now))
    return _restart(Verb.START, "ended", ended, container.finished_at, delay, now)


def _if_unhealthy(
    wanted: Microservice,
    container: Container,
    memory: Memory,
    now: datetime,
    failing: _Choice | None,
) -> _Choice:
    if container.health is not Health.UNHEALTHY:
        return _Choice(Verb.UNCHANGED, "running", "it runs as it should")
    if wanted.restart not in (RestartPolicy.ON_UNHEALTHY, RestartPolicy.ALWAYS):
        return _Choice(
            Verb.UNCHANGED,
            "unhealthy",
            f"its health check fails; its restart policy {wanted.restart} leaves it running",
        )
    if failing is not None:
        return failing
    # Counted from its last start: the engine does not say since when it has been unhealthy.
    delay = next_delay(memory, _ran(container, now))
    return _restart(
        Verb.RESTART, "unhealthy", "its health check fails", container.started_at, delay, now
    )


def _restart(
    verb: Verb, cause: str, why: str, since: datetime | None, delay: float, now: datetime
) -> _Choice:
    due = now if since is None else since + timedelta(seconds=delay)
    # `since` after `now`: the clock was set back, and nobody should wait for it to come round.
    if due <= now or (since is not None and since > now):
        return _Choice(verb, cause, f"{why}; it is started again now")
    return _Choice(
        Verb.WAIT, cause, f"{why}; it is started again at {clock_time(due)} ({delay:.0f} s)", due
    )


def _failing(memory: Memory, now: datetime) -> _Choice | None:
    until = waits_until(memory, now)
    if until is None:
        return None
    return _Choice(Verb.WAIT, memory.cause, failure_text(memory), until)


def _ran(container: Container, until: datetime) -> float:
    if container.started_at is None:
        return 0.0
    return (until - container.started_at).total_seconds()


def _ended(container: Container) -> str:
    if container.out_of_memory:
        return "it ran out of memory and was killed"
    if container.exit_code is None:
        return "it ended"
    return f"it ended with exit code {container.exit_code}"
