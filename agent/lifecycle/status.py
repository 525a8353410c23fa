"""What the controller is told of a microservice: a step of the plan as a `ContainerStatus`.

Pure. Called by `control_loop.py` on each look; `storage/journal.py` drops what tells nothing new.
"""

from datetime import datetime

from msgspec import Struct

from agent.contract import ContainerState, ContainerStatus, Health, Microservice
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import Memory
from agent.lifecycle.steps import WAITING, Step, Verb


class Told(Struct, frozen=True, kw_only=True):
    """A status, with the class of its reason: the text may change without anything happening."""

    status: ContainerStatus
    cause: str

    def says_the_same_as(self, other: "Told") -> bool:
        """Whether nothing happened between the two, apart from the wording and the time."""
        return self._key() == other._key()

    def _key(self) -> tuple[object, ...]:
        s = self.status
        return (
            s.state,
            self.cause,
            s.exit_code,
            s.health,
            s.container_id,
            s.image_digest,
            s.revision,
            s.restarts,
        )


def told_by(step: Step, wanted: Microservice, memory: Memory, now: datetime) -> Told | None:
    """What this step says about the microservice; None when carrying it out will tell."""
    state = _state(step)
    if state is None:
        return None
    container = step.container
    runs = container is not None and container.state is EngineState.RUNNING
    return Told(
        status=ContainerStatus(
            state=state,
            reason=step.reason,
            exit_code=None if container is None or runs else container.exit_code,
            health=container.health if container is not None and runs else Health.NONE,
            container_id=container.container_id if container else "",
            image_digest=container.image_digest if container else "",
            restarts=memory.restarts,
            revision=wanted.revision,
            at=now,
        ),
        cause=step.cause,
    )


def _state(step: Step) -> ContainerState | None:
    match step.verb, step.cause:
        case Verb.UNCHANGED, "stopped":
            return ContainerState.STOPPED
        case Verb.WAIT, cause if cause.startswith(WAITING):
            return ContainerState.WAITING
        case Verb.UNCHANGED, _:
            return ContainerState.RUNNING
        case Verb.SETTLED, _:
            return ContainerState.EXITED
        case ((Verb.START | Verb.WAIT), "ended"):
            # Also for a restart without delay, or the exit code would never be told.
            return ContainerState.BACKING_OFF
        case ((Verb.RESTART | Verb.WAIT), "unhealthy"):
            return ContainerState.RUNNING
        case ((Verb.REPLACE | Verb.WAIT), "disk-quota"):
            runs = step.container is not None and step.container.state is EngineState.RUNNING
            return ContainerState.RUNNING if runs else ContainerState.BACKING_OFF
        case Verb.START, "booted":
            # Or an outage of the device that nobody noticed would have left no trace.
            return ContainerState.STARTING
        case Verb.WAIT, "proving":
            return ContainerState.STARTING
        case Verb.WAIT, "removing":
            return None
        case Verb.WAIT, _:
            return ContainerState.FAILED
    return None


def told_at_work(
    state: ContainerState,
    reason: str,
    wanted: Microservice,
    container: Container | None,
    memory: Memory,
    now: datetime,
) -> Told:
    """While a container is being made: pulling, or starting. `container` is the old one."""
    return Told(
        status=ContainerStatus(
            state=state,
            reason=reason,
            container_id=container.container_id if container else "",
            image_digest=container.image_digest if container else "",
            restarts=memory.restarts,
            revision=wanted.revision,
            at=now,
        ),
        cause=state.value,
    )


def told_unknown(wanted: Microservice, memory: Memory, reason: str, now: datetime) -> Told:
    """While the engine does not answer. The container may well run on."""
    return Told(
        status=ContainerStatus(
            state=ContainerState.UNKNOWN,
            reason=reason,
            restarts=memory.restarts,
            revision=wanted.revision,
            at=now,
        ),
        cause="engine-unavailable",
    )
