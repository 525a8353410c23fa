"""Sees to it that the interior router holds what the world asks for, and that agents know of it.

Level-based: the controller that leads compares what is there with what is to be, whenever the world
changes and every minute, and takes the steps between. Who was thrown out of the world is thrown out
of the broker within a moment; a broker that lost everything is set up anew. The other controllers
with `--broker` look now and then whether it answers. A controller without it leaves all of this to
others.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ecn.batch import Issued
from ecn.broker.changes import Found, Kept, Plan, Step, allowed, applied, changes
from ecn.broker.management import BrokerAway, BrokerRefused, Management, Reader
from ecn.broker.settings import BrokerSettings
from ecn.broker.topology import Topology, topology
from ecn.commands.network import SetBroker
from ecn.errors import Refused
from ecn.master_key import MasterKeyMissing
from ecn.presence_store import Leadership
from ecn.vault import SecretLost, Vault
from ecn.writer import Writer
from events.ids import CommandId, new_id
from events.log import LogError, OutcomeUnknown, StoreUnavailable
from projections.live import Live
from projections.network import broker
from projections.world import Changes

LEADER = "interior-router"

LOOK_EVERY = 5.0
"""Seconds between two questions who leads."""
ALL_EVERY = 60.0
"""Seconds after which all is looked at, whether or not anything changed."""
SETTLES = 0.2
"""Seconds that a change waits for those that come with it."""
RESTS = 4.0
"""How many times as long as the last look took a change waits at least: of a large network, whose
nodes come and go all the time, a look takes a second."""
LONGEST_REST = 10.0
"""Seconds."""
COUNTED_AFTER = 15.0
"""Seconds after which RabbitMQ's counts of a queue that nothing leads to are those of now."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds after which it is tried again when the broker is away."""
AT_ONCE = 12
"""Steps of one phase that are under way at the same time."""

CONCERNING = frozenset(
    {"nodes", "applications", "microservices", "routes", "network", "users", "tokens"}
)
"""Tables that the topology follows from."""

log = structlog.get_logger()


class State(StrEnum):
    """How the interior router is."""

    NONE = "none"
    """There is none."""
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    """It has not been asked yet, or this controller was not told how to."""


class Health(Struct, frozen=True):
    """How it is, and since when this controller knows it so."""

    state: State
    reason: str
    since: datetime


class BrokerKeeper:
    """See the module. `run` is its task; what it does twice is harmless."""

    def __init__(
        self,
        settings: BrokerSettings,
        vault: Vault,
        leadership: Leadership,
        live: Live,
        writer: Writer,
        clock: Callable[[], datetime],
        *,
        look_every: float = LOOK_EVERY,
        all_every: float = ALL_EVERY,
        counted_after: float = COUNTED_AFTER,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._leadership = leadership
        self._live = live
        self._writer = writer
        self._clock = clock
        self._look_every = look_every
        self._all_every = all_every
        self._counted_after = counted_after
        self._news = asyncio.Event()
        self._there: Found | None = None
        """What is there, as it was read and changed since; None: it has to be read."""
        self._read_at = 0.0
        self._took = 0.0
        """Seconds, to find out what is to be done."""
        self._unbound: dict[str, float] = {}
        """Queues that nothing leads to, and since when that is known."""
        self._strangers: frozenset[Reader] = frozenset()
        self._kept: tuple[Kept, ...] = ()
        self.health = Health(State.UNKNOWN, "it has not been asked yet", clock())

    async def run(self) -> None:
        """Keep it so, until cancelled."""
        self._live.adopted.append(self._changed)
        failures = 0
        try:
            async with Management.open(self._settings) as management:
                while True:
                    pause = self._look_every
                    try:
                        await self._round(management)
                        failures = 0
                    except (BrokerAway, BrokerRefused) as e:
                        pause = PAUSES[min(failures, len(PAUSES) - 1)]
                        failures += 1
                        self._there = None
                        self._is(State.DOWN, str(e))
                    except (StoreUnavailable, LogError, OutcomeUnknown) as e:
                        # Agents go on with what the broker holds.
                        log.warning("broker_not_kept", reason=str(e))
                    except (SecretLost, MasterKeyMissing) as e:
                        log.error("broker_key_lost", reason=str(e))
                    except Exception:
                        # A fault of ours here must not end the controller; the next round may do.
                        log.exception("broker_keeper_failed")
                        self._there = None
                    await self._wait(pause, awake=not failures)
        finally:
            self._live.adopted.remove(self._changed)

    def _changed(self, told: Changes) -> None:
        if not CONCERNING.isdisjoint(told):
            self._news.set()

    async def _wait(self, seconds: float, *, awake: bool) -> None:
        """Until the world changed, if that is of use now, or so many seconds have gone."""
        if not awake:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(SETTLES, min(RESTS * self._took, LONGEST_REST)))

    async def _round(self, management: Management) -> None:
        """Errors: BrokerAway, BrokerRefused, StoreUnavailable, LogError, SecretLost."""
        self._news.clear()
        if not await self._leadership.try_lead(LEADER):
            self._there = None
            await management.check()
            self._is(State.UP, "")
            return
        now = asyncio.get_running_loop().time()
        whole = self._there is None or now - self._read_at >= self._all_every
        if self._there is None or whole:
            self._there = await self._read(management, now)
            self._read_at = now
        world, key = self._live.world, await self._vault.broker_key()
        # Ten thousand nodes take a moment: not the loop's.
        began = asyncio.get_running_loop().time()
        wanted, plan = await asyncio.to_thread(
            lambda there: _planned(topology(world, key, self._settings.limits), there),
            self._there,
        )
        self._took = asyncio.get_running_loop().time() - began
        await self._carry_out(management, plan)
        self._tell_kept(plan.kept)
        if whole or plan.phases or self._strangers:
            await self._throw_out(management, wanted)
        self._is(State.UP, "")
        # Only now: what agents are told of works.
        if broker(self._live.world) != self._settings.broker:
            await self._tell()

    async def _read(self, management: Management, now: float) -> Found:
        await management.prepare()
        there = await management.found()
        led_to = {each.destination for each in there.bindings if each.to_queue}
        self._unbound = {
            name: self._unbound.get(name, now) for name in there.queues if name not in led_to
        }
        idle = {name for name, since in self._unbound.items() if now - since >= self._counted_after}
        return replace(there, idle=frozenset(idle))

    async def _carry_out(self, management: Management, plan: Plan) -> None:
        """Phase by phase. What was done is known also where one fails in between."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def take(step: Step) -> None:
            async with turn:
                await management.take(step)

        for phase in plan.phases:
            failed = [
                each
                for each in await asyncio.gather(
                    *(take(step) for step in phase), return_exceptions=True
                )
                if isinstance(each, BaseException)
            ]
            if failed:
                raise failed[0]
            if self._there is not None:
                self._there = await asyncio.to_thread(applied, self._there, phase)
        if plan.phases:
            log.info("broker_kept", **_counted(plan))

    async def _throw_out(self, management: Management, wanted: Topology) -> None:
        """Close the connections of agents that go on reading what is no more theirs.

        RabbitMQ asks what somebody may only when they begin to read. Seen twice, as agents need a
        moment to hear that a microservice is another's now.
        """
        readers = await management.readers()
        strangers = {each for each in readers if allowed(wanted, each.user, each.queue) is False}
        for each in sorted(strangers & self._strangers, key=lambda each: each.connection):
            await management.throw_out(each.connection)
            log.warning("broker_reader_thrown_out", user=each.user, queue=each.queue)
        self._strangers = frozenset(strangers)

    async def _tell(self) -> None:
        """Let the log say where it is, as agents reach it. Errors: LogError, OutcomeUnknown."""
        command_id = CommandId(new_id())
        try:
            await self._writer.execute(
                Issued(
                    command=SetBroker(broker=self._settings.broker),
                    actor="controller",
                    command_id=command_id,
                    correlation_id=command_id,
                )
            )
        except Refused as refused:
            log.error("broker_not_told", reason=refused.detail)

    def _tell_kept(self, kept: tuple[Kept, ...]) -> None:
        for each in kept:
            if each not in self._kept:
                log.warning("broker_queue_kept", queue=each.queue, reason=each.why)
        self._kept = kept

    def _is(self, state: State, reason: str) -> None:
        if (state, reason) == (self.health.state, self.health.reason):
            return
        if state is not self.health.state:
            if state is State.UP:
                log.info("broker_up", url=self._settings.url)
            else:
                log.warning("broker_down", url=self._settings.url, reason=reason)
        since = self.health.since if state is self.health.state else self._clock()
        self.health = Health(state, reason, since)


def _planned(wanted: Topology, there: Found) -> tuple[Topology, Plan]:
    return wanted, changes(there, wanted)


def _counted(plan: Plan) -> dict[str, int]:
    """How many steps of each kind: for the log."""
    counted: dict[str, int] = {}
    for step in plan.steps:
        kind = type(step).__name__
        counted[kind] = counted.get(kind, 0) + 1
    return counted
