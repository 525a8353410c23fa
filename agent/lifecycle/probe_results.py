"""What the answers to a probe amount to, with the meaning that Docker's health checks have.

Pure. `probes.py` asks and keeps one `Tally` per container.

- An answer that is well makes it healthy at once.
- `retries` failures in a row make it unhealthy; until then it stays what it was.
- Failures within `start_period` do not count, until it was well once.
- So do those of the first `interval`, in which Docker would not have asked yet: asking early and
  often there only finds out sooner that it is well, for those who wait for it.
"""

from msgspec import Struct
from msgspec.structs import replace

from agent.contract import Health, Probe

FIRST_ASK = 1.0
EARLY = 5.0
"""Seconds between questions while failures do not count, as newer engines have it."""


class Tally(Struct, frozen=True, kw_only=True):
    """How it stands with one container."""

    health: Health = Health.STARTING
    failures: int = 0
    """In a row, of those that count."""
    failure: str = ""
    """What the last question came to; empty when it was answered well."""


def judged(tally: Tally, failure: str, age: float, probe: Probe) -> Tally:
    """After one more answer. failure: empty for a good one. age: seconds since its start."""
    if not failure:
        return Tally(health=Health.HEALTHY)
    if tally.health is Health.STARTING and is_early(age, probe):
        return replace(tally, failure=failure)
    failures = tally.failures + 1
    health = Health.UNHEALTHY if failures >= probe.retries else tally.health
    return Tally(health=health, failures=failures, failure=failure)


def is_early(age: float, probe: Probe) -> bool:
    """Whether a failure at this age says nothing yet."""
    return age < max(probe.start_period, probe.interval)


def pause(tally: Tally, age: float, probe: Probe) -> float:
    """Seconds until the next question."""
    if tally.health is Health.STARTING and is_early(age, probe):
        return min(EARLY, probe.interval) if tally.failure else min(FIRST_ASK, probe.interval)
    return probe.interval


def said(tally: Tally, probe: Probe) -> str:
    """For people, why it is not well: `GET /ready on port 8080 answered 503, 3 times in a row`."""
    if not tally.failure or tally.health is Health.HEALTHY:
        return ""
    times = f", {tally.failures} times in a row" if tally.failures > 1 else ""
    return f"{question(probe)} {tally.failure}{times}"


def question(probe: Probe) -> str:
    """What is asked, for people."""
    if probe.http_path is None:
        return f"port {probe.port}"
    return f"GET {probe.http_path} on port {probe.port}"
