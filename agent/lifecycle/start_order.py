"""Who is started before whom: holds back the starts of a plan for which it is too early.

Pure. `reconcile.py` decides what each microservice needs, then asks here. A start waits

- for what it **depends on**, until that was started, is healthy, or completed, as it says;
- for all of a **lower start order** that should run, until they were attempted: they run, ended for
  good, or failed. One that waits for something that is on its way holds up those behind it; one
  that waits for something that is not (unhealthy, stopped, failed) holds up nobody.

Only starts wait, replacements among them. A container that runs is never stopped because of
another one; an unhealthy one is restarted whatever the others do; stops and removals have no order,
since nothing here promises that what depends on something may be gone while it is still used:
programs whose peer goes away have to bear that anyway. All of it is a function of what is there
now, so that it holds after a reboot as at the first start.

What waits for itself over others, which the controller refuses for dependencies, waits for nobody:
within such a circle the start order counts for nothing, and dependencies that go round count for
nothing either, which the reason says.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from agent.contract import Condition, Dependency, Health, Microservice
from agent.lifecycle.engine import EngineState
from agent.lifecycle.memory import FIRST_DELAY, Memory
from agent.lifecycle.steps import AT_ONCE, WAITING, Step, Verb

NAMED = 5
"""Names in a reason; more would say less."""

Node = TypeVar("Node", bound=Hashable)


class _Held(Struct, frozen=True):
    """Why a start is too early."""

    whom: str
    """For comparing."""
    reason: str
    stuck: bool
    """Something of what it waits for is not on its way."""


def in_order(
    desired: Mapping[str, Microservice],
    steps: Mapping[str, Step],
    memory: Mapping[str, Memory],
    now: datetime,
) -> dict[str, Step]:
    """The same steps, with waits in place of the starts that come too early. All by id."""
    if not any(_starts(step) for step in steps.values()) or not (
        any(m.depends_on for m in desired.values())
        or len({m.start_order for m in desired.values()}) > 1
    ):
        return dict(steps)
    return _Order(desired, steps, memory, now).steps()


def _starts(step: Step) -> bool:
    """Whether it makes something run that does not."""
    paused = step.container is not None and step.container.state is EngineState.PAUSED
    return step.verb in (Verb.CREATE, Verb.REPLACE) or (step.verb is Verb.START and not paused)


class _Order:
    """One plan, seen through once: those first that others wait for."""

    def __init__(
        self,
        desired: Mapping[str, Microservice],
        steps: Mapping[str, Step],
        memory: Mapping[str, Memory],
        now: datetime,
    ) -> None:
        self._desired, self._steps, self._memory = desired, steps, memory
        self._soon = now + timedelta(seconds=FIRST_DELAY)
        self._held: dict[str, _Held] = {}
        self._by_name = {(m.application, m.name): key for key, m in desired.items()}
        self._levels: dict[int, list[str]] = {}
        for key, m in sorted(desired.items()):
            if m.running:
                self._levels.setdefault(m.start_order, []).append(key)
        self._below = dict(zip(sorted(self._levels)[1:], sorted(self._levels), strict=False))
        everyone: list[str | int] = [*sorted(desired)]
        circles = list(components(everyone, self._befores))
        self._circle = {key: n for n, each in enumerate(circles) for key in each}
        self._mutual: dict[str, list[str]] = {}
        self._coming: dict[int, list[str]] = {}
        """By start order, those that are about to be attempted."""
        for each in circles:
            inside = {key for key in each if isinstance(key, str)}
            for mutual in components(sorted(inside), lambda k, i=inside: self._within(k, i)):  # type: ignore[misc]
                self._mutual |= dict.fromkeys(mutual, mutual)
                for key in mutual:
                    self._see(key)

    def steps(self) -> dict[str, Step]:
        """As `in_order` answers."""
        return {key: self._in_order(key, step) for key, step in self._steps.items()}

    def _in_order(self, key: str, step: Step) -> Step:
        if (held := self._held.get(key)) is not None:
            return replace(
                step,
                verb=Verb.WAIT,
                cause=f"{WAITING} {held.whom}",
                reason=f"{step.reason.removesuffix(AT_ONCE)}; it waits for {held.reason}",
                surplus=(),
                beside=False,
            )
        mutual = self._mutual.get(key, [])
        if len(mutual) > 1 and (_starts(step) or step.cause == "running"):
            others = _and(sorted(self._desired[k].name for k in mutual if k != key))
            return replace(
                step,
                reason=f"{step.reason}; it and {others} wait for each other, so none of them does",
            )
        return step

    def _dependencies(self, key: str) -> Iterator[tuple[str, Dependency]]:
        """Those on this node; for others nobody here can wait."""
        wanted = self._desired[key]
        for each in wanted.depends_on:
            other = self._by_name.get((wanted.application, each.microservice))
            if other is not None and other != key:
                yield other, each

    def _within(self, key: str, inside: set[str]) -> Iterator[str]:
        return (other for other, _ in self._dependencies(key) if other in inside)

    def _befores(self, node: "str | int") -> Iterator["str | int"]:
        """Whom a microservice waits for; a number stands for all of that start order or lower."""
        if isinstance(node, str):
            yield from (other for other, _ in self._dependencies(node))
            order = self._desired[node].start_order
            lower = [n for n in self._levels if n < order]
            if lower:
                yield max(lower)
        else:
            yield from self._levels[node]
            if node in self._below:
                yield self._below[node]

    def _see(self, key: str) -> None:
        """One more; those that it waits for have been seen before."""
        if _starts(self._steps[key]):
            self._judge(key)
        if self._desired[key].running and self._on_its_way(key):
            self._coming.setdefault(self._desired[key].start_order, []).append(key)

    def _judge(self, key: str) -> None:
        """Whether this one's start is too early."""
        reasons, whom, stuck = [], set(), False
        for other, each in self._dependencies(key):
            if other in self._mutual[key] or self._met(other, each.condition):
                continue
            whom.add(each.microservice)
            reasons.append(f"{each.microservice} to be {each.condition} ({self._why(other)})")
            stuck = stuck or not self._progresses(other, each.condition)
        first = self._first(key)
        if first:
            reasons.append(f"{_and(first)} of a lower start order")
        if reasons:
            # Without the names of the latter: one after the other is attempted, which is no news.
            causes = [*sorted(whom), *(["a lower start order"] if first else [])]
            self._held[key] = _Held(", ".join(causes), _and(reasons), stuck)

    def _first(self, key: str) -> list[str]:
        """Names of those that are attempted at present, of the lowest order before this one's."""
        order = self._desired[key].start_order
        for level in sorted(self._coming):
            coming = [k for k in self._coming[level] if self._circle[k] != self._circle[key]]
            if coming and level < order:
                names = sorted(self._desired[k].name for k in coming)
                more = len(names) - NAMED
                return names if more <= 0 else [*names[:NAMED], f"{more} others"]
        return []

    def _on_its_way(self, key: str) -> bool:
        """Whether it is about to be attempted."""
        step = self._steps[key]
        if self._memory.get(key, Memory()).failures:
            return False
        if _starts(step):
            return key not in self._held or not self._held[key].stuck
        return step.verb is Verb.WAIT and (
            step.cause == "removing" or (step.cause == "ended" and self._is_soon(step))
        )

    def _is_soon(self, step: Step) -> bool:
        """After a restart of the engine all ended together, and shall come back in order; but one
        that failed again and again, and waits for minutes, holds up nobody."""
        return step.until is None or step.until <= self._soon

    def _met(self, key: str, condition: Condition) -> bool:
        step, wanted = self._steps[key], self._desired[key]
        container = step.container
        if container is None or not wanted.running or self._changes(key):
            return False
        runs = container.state is EngineState.RUNNING
        match condition:
            case Condition.HEALTHY:
                return runs and _healthy(wanted, container.health)
            case Condition.COMPLETED:
                ended = step.cause in ("ended", "exited")
                return container.state is EngineState.EXITED and ended and container.exit_code == 0
        waits = step.verb is Verb.WAIT and step.cause == "ended" and not self._is_soon(step)
        return runs or step.verb is Verb.SETTLED or waits

    def _changes(self, key: str) -> bool:
        """Whether its container is about to be another one, or to be started."""
        step = self._steps[key]
        if step.verb is Verb.REPLACE:
            return key not in self._held and not step.beside
        # One that completed has, although its policy has it begin once more.
        again = step.verb is Verb.START and step.cause != "ended"
        return again or step.verb in (Verb.CREATE, Verb.RESTART, Verb.STOP)

    def _progresses(self, key: str, condition: Condition) -> bool:
        """Whether a condition that is not met may be in a while, with nothing done about it."""
        step = self._steps[key]
        if self._on_its_way(key) or step.verb in (Verb.RESTART, Verb.SWITCH):
            return True
        container = step.container
        if container is None or container.state is not EngineState.RUNNING:
            return False
        return condition is Condition.COMPLETED or container.health is not Health.UNHEALTHY

    def _why(self, key: str) -> str:
        """Where it stands, for the reason of somebody else."""
        step, container = self._steps[key], self._steps[key].container
        if not self._desired[key].running:
            return "which should not run"
        if key in self._held:
            return "which waits itself"
        if self._memory.get(key, Memory()).failures:
            return "which could not be made"
        if container is not None and container.state is EngineState.RUNNING:
            health = container.health
            return "which runs" if health is Health.NONE else f"which is {health}"
        if container is not None and container.state is EngineState.EXITED:
            code = "" if container.exit_code is None else f" with exit code {container.exit_code}"
            for_good = " for good" if step.verb is Verb.SETTLED else ""
            return f"which ended{code}{for_good}"
        return "which is being made"


def _healthy(wanted: Microservice, health: Health) -> bool:
    check = wanted.spec.health_check
    if wanted.probe is None and (check is None or not check.command):
        return health in (Health.NONE, Health.HEALTHY)
    return health is Health.HEALTHY


def _and(words: list[str]) -> str:
    return " and ".join(words)


def components(
    nodes: Iterable[Node], before: Callable[[Node], Iterable[Node]]
) -> Iterator[list[Node]]:
    """Those that wait for each other, together; each after all that it waits for.

    Strongly connected components, as Tarjan finds them (Depth-first search and linear graph
    algorithms, 1972), without recursion: a chain may be longer than Python's stack.
    """
    found: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    open_ones: list[Node] = []
    closed: set[Node] = set()
    for start in nodes:
        if start in found:
            continue
        found[start] = lowest[start] = len(found)
        open_ones.append(start)
        path = [(start, iter(before(start)))]
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in found:
                    found[other] = lowest[other] = len(found)
                    open_ones.append(other)
                    path.append((other, iter(before(other))))
                    break
                if other not in closed:
                    lowest[node] = min(lowest[node], found[other])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
                if lowest[node] == found[node]:
                    at = open_ones.index(node)
                    together = open_ones[at:]
                    del open_ones[at:]
                    closed.update(together)
                    yield together
