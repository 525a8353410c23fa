"""What the agent remembers of each microservice from look to look, across its own restarts.

Pure: each function takes the old memory and returns the new one. `reconcile.py` decides with it,
`control_loop.py` keeps it on disk.

Two back-offs live here. **Restart**: a container that ended by itself is started again 10, 20, 40 …
300 s after each end, for ever; a run of `STABLE` seconds or more starts over. (Ten minutes, as in
Kubernetes and Azure IoT Edge. A shorter rule, such as twice the current delay, would let a program
that dies every half minute restart every ten seconds for ever.) **Retry**: what could not be
pulled, created or started is tried again after 10, 20, 40 … 300 s, for ever. A new revision forgets
both: somebody changed something, perhaps the very fault.

No clock is trusted: whoever waits for a moment further off than the longest delay waits for a clock
that was set back, and need not.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from agent.lifecycle.engine import Container

FIRST_DELAY = 10.0
LONGEST_DELAY = 300.0
STABLE = 600.0


class Memory(Struct, frozen=True, kw_only=True):
    """Of one microservice. Delays in seconds."""

    revision: int = 0
    """The desired revision that the rest is about."""
    restarts: int = 0
    """Of this container, by the agent."""
    delay: float | None = None
    """How long the last restart waited; None before the first."""
    held: bool = False
    """It was told not to run. When it should run again it is started, whatever its policy."""
    failures: int = 0
    """Attempts in a row that failed."""
    failure: str = ""
    """What the last of them failed on, a sentence."""
    cause: str = ""
    """The class of that failure."""
    attempt: str = ""
    """What was tried then, as the plan calls it."""
    retry_at: datetime | None = None
    last_words: str = ""
    """What it printed before its last end: see last_words.py."""
    words_of: str = ""
    """Which end that was, as `end_of` names it; empty before the first."""


def noted(memory: Memory, revision: int, *, running: bool) -> Memory:
    """With what the desired state says now."""
    if memory.revision != revision:
        memory = Memory(
            revision=revision,
            restarts=memory.restarts,
            held=memory.held,
            last_words=memory.last_words,
            words_of=memory.words_of,
        )
    if not running and not memory.held:
        memory = replace(memory, held=True)
    return memory


def next_delay(memory: Memory, ran: float) -> float:
    """How long after its end a container that ran so many seconds is started again."""
    if memory.delay is None or ran >= STABLE:
        return FIRST_DELAY
    return min(LONGEST_DELAY, max(FIRST_DELAY, memory.delay * 2))


def restarted(memory: Memory, ran: float) -> Memory:
    """After a restart that followed an end."""
    return replace(memory, restarts=memory.restarts + 1, delay=next_delay(memory, ran), held=False)


def failed(memory: Memory, attempt: str, cause: str, failure: str, now: datetime) -> Memory:
    """After an attempt that came to nothing."""
    # The exponent is capped before the delay is, or a year of failures would overflow.
    delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(memory.failures, 10))
    return replace(
        memory,
        failures=memory.failures + 1,
        attempt=attempt,
        cause=cause,
        failure=failure,
        retry_at=now + timedelta(seconds=delay),
    )


def succeeded(memory: Memory) -> Memory:
    """After an attempt that did it."""
    return replace(memory, failures=0, attempt="", cause="", failure="", retry_at=None, held=False)


def created(memory: Memory) -> Memory:
    """With a new container, which nobody restarted yet."""
    return Memory(revision=memory.revision)


def end_of(container: Container) -> str:
    """A name for the last end of this container; empty while it never ended."""
    if container.finished_at is None:
        return ""
    return f"{container.container_id[:12]} {container.finished_at.isoformat()}"


def words_at(memory: Memory, container: Container) -> str:
    """What it printed before this end, where that was read."""
    return memory.last_words if memory.words_of == end_of(container) else ""


def waits_until(memory: Memory, now: datetime) -> datetime | None:
    """When the next attempt is due; None when that is now.

    A time further off than any delay was written by a clock that has since been set back.
    """
    due = memory.retry_at
    if due is None or due <= now or due > now + timedelta(seconds=LONGEST_DELAY):
        return None
    return due


def failure_text(memory: Memory) -> str:
    """The last failed attempt and the next, for people."""
    due = "now" if memory.retry_at is None else f"at {clock_time(memory.retry_at)}"
    return (
        f"{memory.failure}; attempt {memory.failures} failed, the next is {due}, "
        "then at most every 300 s"
    )


def clock_time(moment: datetime) -> str:
    """As people read it, to the second, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
