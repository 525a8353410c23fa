"""Observe, plan, carry out, report: the loop that makes the desired state so.

Level-based. A new desired state, an engine event, a finished action and the timer all say the same
thing: look again. A lost one costs latency, at most `SLOW_LOOK` seconds, never correctness.

Each microservice has one task at work at most, owned by the loop's task group; what is in flight is
left out of the plan. Started by `run.py`; the journal is where the uplink finds what to report.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from agent.contract import ContainerState, Microservice
from agent.errors import ContainerGone, EngineError, EngineUnavailable
from agent.images.pulls import Puller, Pulls
from agent.lifecycle.carry_out import CarryOut, Node
from agent.lifecycle.engine import Container, ContainerEngine, EngineFacts
from agent.lifecycle.last_words import LastWords
from agent.lifecycle.memory import failed, noted
from agent.lifecycle.overruns import Overruns, Watch
from agent.lifecycle.probes import Probes
from agent.lifecycle.reconcile import plan
from agent.lifecycle.status import told_at_work, told_by, told_unknown
from agent.lifecycle.steps import IDLE, Step, Verb
from agent.lifecycle.tidying import Tidying
from agent.local.config_delivery import ConfigDelivery
from agent.local.volumes import Volumes
from agent.local_api.environment import Introduction
from agent.storage.desired_state import Known
from agent.storage.journal import Journal

log = structlog.get_logger()

SLOW_LOOK = 30.0
"""Seconds between looks when nothing calls for one."""
SHORTEST_GAP, LONGEST_GAP = 0.02, 0.1
"""Seconds between looks when everything calls for one, as one start makes several events: as long
as the look took, within these bounds. Many containers, fewer looks."""
ENGINE_GRACE = 5.0
"""Seconds without the engine before it is told: a quick restart of it is not news."""
ENGINE_RETRY = (1.0, 10.0)
"""Shortest and longest wait between attempts to reach it."""
LONG_LOOK = 30.0
"""Seconds after which a look is one that overruns."""
LONG_ACTION = 300.0
"""Seconds after which an action is, on top of the grace of what it stops: some calls to the engine,
each with its own bound, and a turn that others keep it waiting for. Pulls have bounds of their own.
"""


class _Flight(Struct, kw_only=True):
    """An action that is being carried out."""

    wanted: Microservice | None
    watch: Watch | None = None
    pulling: bool = False
    task: asyncio.Task[None] | None = None


class ControlLoop:
    """The loop of one node.

    now: the device's clock, aware; booted_at: when the device was started, by the same clock. over:
    which of these containers wrote more than they may, and how much: a sentence by microservice.
    reaches: whether the containers can be reached from where the agent runs. introduction: how they
    find the agent. on_happening: hears of each event of a container.
    """

    def __init__(
        self,
        node: Node,
        engine: ContainerEngine,
        journal: Journal,
        config: ConfigDelivery,
        now: Callable[[], datetime],
        on_facts: Callable[[], None] = lambda: None,
        volumes: Volumes | None = None,
        puller: Puller | None = None,
        over: Callable[[Sequence[Container]], Mapping[str, str]] = lambda _: {},
        booted_at: Callable[[], datetime | None] = lambda: None,
        *,
        reaches: bool = True,
        introduction: Introduction | None = None,
        on_happening: Callable[[], None] = lambda: None,
    ) -> None:
        self._node = node
        self._engine = engine
        self._journal = journal
        self._config = config
        self._now = now
        self._on_facts = on_facts
        self._volumes = volumes
        self._puller = puller or engine
        self._over = over
        self._known: Known | None = None
        self._flights: dict[str, _Flight] = {}
        self._wake = asyncio.Event()
        self._draining = False
        self._unreachable_since: datetime | None = None
        self._retry = ENGINE_RETRY[0]
        self._booted_at = booted_at
        self._introduction = introduction
        self._on_happening = on_happening
        self._probes = Probes(now, self._wake.set, reaches=reaches)
        self._overruns = Overruns(on_facts)
        self._last_words = LastWords(engine, journal)
        self._tidying = Tidying(node.node_id, engine, journal, config, volumes)
        self.engine_facts: EngineFacts | None = None
        self.engine_problem = ""
        """Why the engine can't be used; empty while it can."""

    @property
    def problem(self) -> str:
        """What keeps the loop from its work, for people; empty while nothing does."""
        return self.engine_problem or self._overruns.problem

    def look_again(self) -> None:
        """Something may be otherwise than it was at the last look."""
        self._wake.set()

    def wish(self, known: Known) -> None:
        """This is the desired state from now on."""
        self._known = known
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Containers stay as they are."""
        async with asyncio.TaskGroup() as tasks:
            pulls = Pulls(self._puller, tasks)
            hands = CarryOut(
                self._node,
                self._engine,
                pulls,
                self._journal,
                self._config,
                self._now,
                self._volumes,
                self._introduction,
            )
            tasks.create_task(self._watch())
            clock = asyncio.get_running_loop().time
            while True:
                self._wake.clear()
                began = clock()
                with self._overruns.watched("a look at the containers", LONG_LOOK):
                    pause = await self._look(tasks, hands)
                await asyncio.sleep(min(max(SHORTEST_GAP, clock() - began), LONGEST_GAP))
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def drain(self, within: float) -> None:
        """Begin nothing more; let what is at work finish, but not wait for images."""
        self._draining = True
        at_work = []
        for flight in self._flights.values():
            if flight.task is not None:
                at_work.append(flight.task)
                if flight.pulling:
                    flight.task.cancel()
        if at_work:
            await asyncio.wait(at_work, timeout=within)

    async def _watch(self) -> None:
        """Engine events say: look again. Resubscribes for ever, as the engine may restart."""
        while True:
            try:
                async for _ in self._engine.events(self._node.node_id):
                    self._on_happening()
                    self._wake.set()
            except EngineError as error:
                log.debug("engine-events-ended", error=str(error))
            self._wake.set()
            await asyncio.sleep(self._retry)

    async def _look(self, tasks: asyncio.TaskGroup, hands: CarryOut) -> float:
        """One round; how many seconds until the next is due."""
        # What is in flight now may be finished when the answer is here, and the answer old.
        busy = set(self._flights)
        try:
            actual = await self._engine.containers(self._node.node_id)
            if self.engine_facts is None:
                self.engine_facts = await self._engine.facts()
                self._on_facts()
        except EngineError as error:
            return self._without_engine(error)
        self._with_engine()
        if self._known is None or self._draining:
            return SLOW_LOOK
        desired = self._known.microservices
        self._abandon_outdated(desired)
        for microservice in desired.values():
            self._prepare(microservice)
        actual = self._probes.follow(desired, actual, self._journal.last_told(), tasks)
        busy |= set(self._flights)
        await self._last_words.hear(c for c in actual if c.microservice_id in desired.keys() - busy)
        todo = plan(
            desired,
            actual,
            self._journal.memories(),
            self._now(),
            over=self._over(actual),
            booted_at=self._booted_at(),
        )
        for step in todo.steps:
            if step.microservice_id not in busy and step.microservice_id not in self._flights:
                wanted = desired.get(step.microservice_id)
                self._take(step, wanted, tasks, hands)
                if wanted is not None and step.verb is Verb.UNCHANGED:
                    await self._tidying.rename(step.container, wanted)
        await self._tidying.tidy(desired, actual, self._flights)
        due = todo.next_due()
        if due is None:
            return SLOW_LOOK
        # A moment later than due: timers may fire early, and a wait of nothing spins.
        return min(SLOW_LOOK, max(0.0, (due - self._now()).total_seconds()) + 0.01)

    def _prepare(self, microservice: Microservice) -> None:
        """What the desired state alone says: to be remembered, and its configuration."""
        microservice_id = microservice.microservice_id
        memory = self._journal.memory(microservice_id)
        self._journal.remember(
            microservice_id,
            noted(memory, microservice.revision, running=microservice.running),
        )
        try:
            if self._config.deliver(microservice):
                log.info("config-delivered", microservice=microservice.name)
        except (OSError, EngineError) as error:  # creating a container fails on the same, and tells
            log.error("config-not-delivered", microservice=microservice.name, error=str(error))

    def _take(
        self,
        step: Step,
        wanted: Microservice | None,
        tasks: asyncio.TaskGroup,
        hands: CarryOut,
    ) -> None:
        """Tell what the step says, and begin what it wants done."""
        if wanted is not None:
            memory = self._journal.memory(step.microservice_id)
            told = told_by(step, wanted, memory, self._now())
            if told is not None and self._journal.note(step.microservice_id, told):
                log.info(
                    "microservice",
                    application=wanted.application,
                    name=wanted.name,
                    state=told.status.state.value,
                    reason=told.status.reason,
                )
        if step.verb in IDLE:
            return
        flight = _Flight(wanted=wanted)
        self._flights[step.microservice_id] = flight
        flight.task = tasks.create_task(self._watched(step, flight, hands))

    async def _watched(self, step: Step, flight: _Flight, hands: CarryOut) -> None:
        stopped = [c.stop_within for c in (*step.surplus, step.container) if c is not None]
        name = flight.wanted.name if flight.wanted else step.microservice_id
        what, seconds = f"the action {step.verb} on {name}", LONG_ACTION + sum(stopped)
        with self._overruns.watched(what, seconds) as flight.watch:
            await self._fly(step, flight, hands)

    async def _fly(self, step: Step, flight: _Flight, hands: CarryOut) -> None:
        """Carry out one step. What fails is remembered; it never ends the others."""
        microservice_id, wanted = step.microservice_id, flight.wanted
        log.info(
            "action",
            verb=step.verb.value,
            microservice=wanted.name if wanted else microservice_id,
            because=step.reason,
        )
        try:
            if wanted is None:
                await hands.unwanted(step)
            else:
                await hands.wanted(step, wanted, self._teller(step, flight, wanted))
        except (EngineUnavailable, ContainerGone) as error:
            # Says nothing about the microservice: the next look finds out what is left.
            log.warning("action-interrupted", microservice=microservice_id, error=str(error))
            await asyncio.sleep(ENGINE_RETRY[0])
        except EngineError as error:
            self._failed(step, error.cause, str(error))
        except OSError as error:
            self._failed(step, "device-error", f"the device refused: {error}")
        except Exception as error:
            # A fault of ours in one microservice must not stop the healing of all others.
            log.exception("action-broke", microservice=microservice_id)
            self._failed(step, "agent-error", f"the agent has a fault: {type(error).__name__}")
        finally:
            self._flights.pop(microservice_id, None)
            self._wake.set()

    def _teller(
        self, step: Step, flight: _Flight, wanted: Microservice
    ) -> Callable[[ContainerState, str], None]:
        def tell(state: ContainerState, reason: str) -> None:
            flight.pulling = state is ContainerState.PULLING
            if flight.watch is not None:
                flight.watch.pause() if flight.pulling else flight.watch.count()
            memory = self._journal.memory(step.microservice_id)
            if memory.failures == 0:  # that it is tried again and again was told with the failure
                told = told_at_work(state, reason, wanted, step.container, memory, self._now())
                self._journal.note(step.microservice_id, told)

        return tell

    def _failed(self, step: Step, cause: str, failure: str) -> None:
        memory = self._journal.memory(step.microservice_id)
        # To give up is the end of an attempt to replace.
        attempt = Verb.REPLACE if step.verb is Verb.GIVE_UP else step.verb
        memory = failed(memory, attempt.value, cause, failure, self._now())
        self._journal.remember(step.microservice_id, memory)
        log.warning(
            "action-failed",
            verb=step.verb.value,
            microservice=step.microservice_id,
            cause=cause,
            error=failure,
            attempt=memory.failures,
            next_attempt=None if memory.retry_at is None else memory.retry_at.isoformat(),
        )

    def _abandon_outdated(self, desired: dict[str, Microservice]) -> None:
        """Call off pulls whose outcome nobody wants any more; they are planned anew when over."""
        for microservice_id, flight in self._flights.items():
            before, now = flight.wanted, desired.get(microservice_id)
            if not flight.pulling or flight.task is None or before is None:
                continue
            if (
                now is None
                or not now.running
                or (now.spec, now.registry, now.pull) != (before.spec, before.registry, before.pull)
            ):
                log.info("pull-abandoned", microservice=before.name)
                flight.task.cancel()

    def _with_engine(self) -> None:
        self._retry = ENGINE_RETRY[0]
        self._unreachable_since = None
        if self.engine_problem:
            log.info("engine-back")
            self.engine_problem = ""
            self.engine_facts = None  # it may be another version now
            self._on_facts()
            self._wake.set()

    def _without_engine(self, error: EngineError) -> float:
        """Say so after a while; how many seconds until the next attempt."""
        now = self._now()
        since = self._unreachable_since = self._unreachable_since or now
        if now - since >= timedelta(seconds=ENGINE_GRACE):
            if not self.engine_problem:
                log.error("engine-unreachable", error=str(error))
                self.engine_problem = str(error)
                self._on_facts()
            for microservice in self._known.microservices.values() if self._known else ():
                m = microservice.microservice_id
                memory = self._journal.memory(m)
                self._journal.note(m, told_unknown(microservice, memory, str(error), now))
        pause, self._retry = self._retry, min(ENGINE_RETRY[1], self._retry * 2)
        return pause
