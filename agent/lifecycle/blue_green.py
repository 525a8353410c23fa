"""The new container beside the old one: which of the two stays.

Pure. Asked by `reconcile.py` on each look for a microservice whose spec says `blue-green`. Nothing
is remembered for it: that a new container is on trial follows from there being two, the newer of
which is made from the right spec. So a crash at any point is understood by the next plan: one that
was made and never started is made again, and one that is well when nobody was looking takes over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from agent.contract import Health, HealthCheck, Microservice, Probe, ReplaceMode, RestartPolicy
from agent.lifecycle.engine import Container, EngineState
from agent.lifecycle.memory import clock_time
from agent.lifecycle.steps import Choice, Verb

PROVEN = 10.0
"""Seconds of running that prove one without a health check."""
MARGIN = 60.0
"""Seconds on top of the time in which a health check has to have come to a result."""


class Trial(Struct, frozen=True, kw_only=True):
    """Two containers of one microservice that are both there on purpose."""

    new: Container
    old: Container


def applies(wanted: Microservice) -> bool:
    """Whether two of it can run. The controller refuses the others, but no device relies on it."""
    spec = wanted.spec
    return wanted.replace is ReplaceMode.BLUE_GREEN and not spec.ports and not spec.host_network


def on_trial(wanted: Microservice, containers: Sequence[Container], digest: str) -> Trial | None:
    """The new one and the one that serves, when there are both. digest: of the right spec."""
    if not applies(wanted):
        return None
    tried = [
        c
        for c in containers
        if c.spec_digest == digest and c.state not in (EngineState.CREATED, EngineState.REMOVING)
    ]
    if not tried:
        return None
    new = max(tried, key=lambda c: (c.created_at, c.container_id))
    others = [
        c
        for c in containers
        if c.spec_digest != digest
        and c.state in (EngineState.RUNNING, EngineState.EXITED)
        # Older than the new one: else it is the old spec that is wanted again.
        and c.created_at < new.created_at
    ]
    if not others:
        return None
    return Trial(new=new, old=serving(others))


def serving(containers: Sequence[Container]) -> Container:
    """The one that does the work: it runs, and has been there longest."""
    return min(
        containers,
        key=lambda c: (c.state is not EngineState.RUNNING, c.created_at, c.container_id),
    )


def verdict(wanted: Microservice, trial: Trial, now: datetime) -> Choice:
    """Whether the new one takes over, goes, or is given more time."""
    new = trial.new
    if new.state is not EngineState.RUNNING:
        if _done(wanted, new):
            return Choice(Verb.SWITCH, "proven", "the new container did its work")
        code = "" if new.exit_code is None else f" with exit code {new.exit_code}"
        return Choice(Verb.GIVE_UP, "not-well", f"the new container ended{code}")
    began = new.started_at or new.created_at
    if new.health is Health.HEALTHY:
        return Choice(Verb.SWITCH, "proven", "the new container is healthy")
    # A start in the future: the clock was set back, and nobody waits for it to come round.
    ran = None if began > now else (now - began).total_seconds()
    if new.health is Health.NONE:
        if ran is None or ran >= PROVEN:
            return Choice(Verb.SWITCH, "proven", f"the new container ran for {PROVEN:.0f} s")
        return _more_time(began, PROVEN)
    bound = patience(wanted)
    if ran is None or ran >= bound:
        said = f": {new.health_said}" if new.health_said else ""
        return Choice(
            Verb.GIVE_UP,
            "not-well",
            f"the new container did not become healthy within {bound:.0f} s{said}",
        )
    return _more_time(began, bound)


def patience(wanted: Microservice) -> float:
    """Seconds after which one that is not healthy is given up."""
    check: Probe | HealthCheck | None = wanted.probe or wanted.spec.health_check
    if check is None:
        check = HealthCheck()  # the image's own, whose times are not known: the engine's defaults
    return max(MARGIN, check.start_period + check.interval * check.retries + MARGIN)


def _more_time(began: datetime, bound: float) -> Choice:
    until = began + timedelta(seconds=bound)
    return Choice(
        Verb.WAIT,
        "proving",
        "the new container runs beside the old one, which goes when the new one is well; "
        f"if it is not by {clock_time(until)}, the old one stays",
        until,
    )


def _done(wanted: Microservice, new: Container) -> bool:
    """Whether it ended as one does whose work has an end."""
    return (
        new.state is EngineState.EXITED
        and new.exit_code == 0
        and wanted.restart is not RestartPolicy.ALWAYS
    )
