"""What agents said last, in this controller's memory; written to the shared store in batches.

An agent may speak to another controller each time: before it is shown, what others heard is
looked up, at most once in FRESH seconds for a node. While the store is away, memory answers.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

import structlog

from ecn.agent_status import AgentStatus, ContainerUsage
from ecn.telemetry_store import HardwareInfo, TelemetryStore, Trace
from events.ids import MicroserviceId, NodeId
from events.log import StoreUnavailable
from projections.live import Live

WRITE_EVERY = 1.0
FRESH = 1.0
LOOK_WITHIN = 0.3
"""How long a reader waits for what other controllers heard: it is nice to know, no more."""
AWAY = 5.0
"""How long it is not asked for after that came to nothing."""
SWEEP_EVERY = 600.0
"""Seconds."""

log = structlog.get_logger()


class Telemetry:
    """See the module. `run` is its task."""

    def __init__(
        self,
        store: TelemetryStore,
        live: Live,
        clock: Callable[[], datetime],
        *,
        write_every: float = WRITE_EVERY,
    ) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._write_every = write_every
        self._statuses: dict[NodeId, AgentStatus] = {}
        self._unwritten: set[NodeId] = set()
        self._away_until = 0.0
        self._learning: set[asyncio.Future[None]] = set()
        self._looked: dict[NodeId, float] = {}
        """When the store was asked about a node last, on the loop's clock."""
        self._suspects: tuple[frozenset[NodeId], frozenset[MicroserviceId]] = (
            frozenset(),
            frozenset(),
        )

    def said(self, node_id: NodeId, status: AgentStatus) -> None:
        """Note an agent's word."""
        self._statuses[node_id] = status
        self._unwritten.add(node_id)

    def status(self, node_id: NodeId) -> AgentStatus | None:
        """What the node's agent said last, as far as this controller knows: see `look`."""
        return self._statuses.get(node_id)

    def usage(self, node_id: NodeId, microservice_id: MicroserviceId) -> ContainerUsage | None:
        """What was said last of one container."""
        status = self._statuses.get(node_id)
        return status.containers.get(microservice_id) if status is not None else None

    async def look(self, node_ids: Iterable[NodeId]) -> None:
        """Learn what other controllers heard of these. While the store is away: nothing."""
        now = asyncio.get_running_loop().time()
        due = [each for each in node_ids if now - self._looked.get(each, -FRESH) >= FRESH]
        if not due or now < self._away_until:
            return
        for node_id in due:
            self._looked[node_id] = now
        learning = asyncio.ensure_future(self._learn(due))
        self._learning.add(learning)
        learning.add_done_callback(self._learning.discard)
        # Left to itself after that, as even its cancellation would wait for the store.
        done, _ = await asyncio.wait((learning,), timeout=LOOK_WITHIN)
        if done:
            learning.result()
        else:
            self._away_until = asyncio.get_running_loop().time() + AWAY

    async def _learn(self, node_ids: Collection[NodeId]) -> None:
        try:
            known = await self._store.statuses(node_ids)
        except StoreUnavailable as e:
            # Who reads is answered from memory, and not made to wait for this again and again.
            self._away_until = asyncio.get_running_loop().time() + AWAY
            log.warning("telemetry_unavailable", reason=str(e))
            return
        for node_id, status in known.items():
            own = self._statuses.get(node_id)
            if own is None or own.at < status.at:
                self._statuses[node_id] = status

    async def known(self, node_id: NodeId) -> AgentStatus | None:
        """What the node's agent said last, for who goes on from there."""
        if node_id not in self._statuses:
            await self.look([node_id])
        return self._statuses.get(node_id)

    async def run(self) -> None:
        """Write what was said and let go of who is gone, until cancelled."""
        loop = asyncio.get_running_loop()
        sweep = loop.time()
        try:
            while True:
                await asyncio.sleep(self._write_every)
                try:
                    await self.write()
                    if loop.time() >= sweep:
                        sweep = loop.time() + SWEEP_EVERY
                        await self.sweep()
                except StoreUnavailable as e:
                    log.warning("telemetry_unavailable", reason=str(e))
                except Exception:
                    # A fault of ours in telemetry must not end the controller.
                    log.exception("telemetry_failed")
        finally:
            for learning in self._learning:
                learning.cancel()
            # What was said in the last second is worth one more look at the store.
            await asyncio.shield(self._farewell())

    async def _farewell(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self.write()
        except (StoreUnavailable, TimeoutError) as e:
            log.warning("telemetry_unwritten", nodes=len(self._unwritten), reason=str(e))

    async def write(self) -> None:
        """Errors: StoreUnavailable."""
        nodes = self._live.world.nodes
        gone = [each for each in self._statuses if each not in nodes]
        for node_id in gone:
            del self._statuses[node_id]
            self._looked.pop(node_id, None)
            self._unwritten.discard(node_id)
        if gone:
            await self._store.forget(gone)
        news = {each: self._statuses[each] for each in self._unwritten}
        self._unwritten.clear()
        try:
            await self._store.record(news)
        except StoreUnavailable:
            self._unwritten.update(news)
            raise

    async def sweep(self) -> None:
        """Let go of what nobody is left for: deleted while no controller was there to notice.

        Only what was unknown twice goes, so that a controller which is a moment behind deletes
        nothing of who has just come. Errors: StoreUnavailable.
        """
        nodes, traces = await self._store.known()
        world = self._live.world
        strange = (
            frozenset(each for each in nodes if each not in world.nodes),
            frozenset(each for each in traces if each not in world.microservices),
        )
        for node_id in [each for each in self._looked if each not in world.nodes]:
            del self._looked[node_id]
        before, self._suspects = self._suspects, strange
        await self._store.forget(strange[0] & before[0], strange[1] & before[1])

    # What is too large to be kept in memory goes through to the store.

    async def put_hardware(self, node_id: NodeId, kind: str, info: str) -> None:
        """Errors: StoreUnavailable."""
        await self._store.put_hardware(node_id, kind, info, self._clock())

    async def hardware(self, node_id: NodeId, kind: str) -> HardwareInfo | None:
        """Errors: StoreUnavailable."""
        return await self._store.hardware(node_id, kind)

    async def append_trace(
        self, node_id: NodeId, microservice_id: MicroserviceId, text: bytes
    ) -> None:
        """Errors: StoreUnavailable."""
        await self._store.append_trace(node_id, microservice_id, text)

    async def trace(self, microservice_id: MicroserviceId) -> Trace:
        """Errors: StoreUnavailable."""
        return await self._store.trace(microservice_id)

    async def forget(self, node_ids: Collection[NodeId]) -> None:
        """These have just been deleted. Errors: StoreUnavailable."""
        for node_id in node_ids:
            self._statuses.pop(node_id, None)
            self._unwritten.discard(node_id)
        await self._store.forget(node_ids)
