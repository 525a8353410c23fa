"""Which nodes are heard: telemetry, kept out of the log, and the transitions it reveals.

Every request of an agent is a sign of life, noted here and written to the shared store now and
then. One controller at a time looks for nodes that no controller heard for too long, and asks the
writer to say so in the log.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ecn.batch import Issued
from ecn.commands.node import MarkNodeOffline
from ecn.errors import Refused
from ecn.presence_store import Leadership, PresenceStore
from ecn.writer import Writer
from events.ids import CommandId, NodeId, new_id
from events.log import LogError, StoreUnavailable
from projections.live import Live
from projections.nodes import NodeState
from projections.world import World

LEADER = "offline-detection"
LATE = timedelta(seconds=5)
"""A round that comes so much too late was held up: the machine slept, say, or the process."""

log = structlog.get_logger()


class Presence:
    """See the module. `run` is its task."""

    def __init__(
        self,
        store: PresenceStore,
        leadership: Leadership,
        live: Live,
        writer: Writer,
        clock: Callable[[], datetime],
        *,
        offline_after: float,
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._live = live
        self._writer = writer
        self._clock = clock
        self._offline_after = offline_after
        self._look_every = min(5.0, offline_after / 4)
        self._seen: dict[NodeId, datetime] = {}
        self._unwritten: set[NodeId] = set()
        self._leading_since: datetime | None = None

    def heard(self, node_id: NodeId) -> None:
        """Note a sign of life, now."""
        self._seen[node_id] = self._clock()
        self._unwritten.add(node_id)

    def last_heard(self, node_id: NodeId) -> datetime | None:
        """When this controller last heard the node itself."""
        return self._seen.get(node_id)

    def heard_lately(self) -> int:
        """How many nodes this controller itself heard, not too long ago."""
        since = self._clock() - timedelta(seconds=self._offline_after)
        return sum(1 for at in self._seen.values() if at >= since)

    async def run(self) -> None:
        """Write what was heard and look for silence, until cancelled."""
        expected = self._clock() + timedelta(seconds=self._look_every)
        while True:
            await asyncio.sleep(self._look_every)
            if self._clock() > expected + LATE:
                # Who could not be heard meanwhile was not silent.
                self._leading_since = None
            expected = self._clock() + timedelta(seconds=self._look_every)
            try:
                await self._write()
                if await self._leadership.try_lead(LEADER):
                    self._leading_since = self._leading_since or self._clock()
                    await self._look()
                else:
                    self._leading_since = None
            except (StoreUnavailable, LogError) as e:
                # While the store is away nobody can be heard through it: nobody is silent either.
                self._leading_since = None
                log.warning("presence_unavailable", reason=str(e))
            except Exception:
                # A fault of ours in telemetry must not end the controller; the next round may do.
                log.exception("presence_failed")

    async def _write(self) -> None:
        news = {node_id: self._seen[node_id] for node_id in self._unwritten}
        self._unwritten.clear()
        try:
            await self._store.record(news)
        except StoreUnavailable:
            self._unwritten.update(news)
            raise
        gone = [known for known in self._seen if known not in self._live.world.nodes]
        for node_id in gone:
            del self._seen[node_id]
            # It may have been heard once more by the very deletion that woke its long-poll.
            self._unwritten.discard(node_id)
        if gone:
            await self._store.forget(gone)

    async def _look(self) -> None:
        world, now = self._live.world, self._clock()
        online = [key for key, row in world.nodes.items() if row.state is NodeState.ONLINE]
        seen = await self._store.last_seen(online)
        for node_id in online:
            patience = timedelta(seconds=max(self._offline_after, _slowness(world, node_id)))
            # Noted when a request arrives, and so a moment before the event that it leads to: a
            # node that fell silent right after coming online was last seen when it did.
            since = world.nodes[node_id].since
            last_seen = max(seen.get(node_id, since), since)
            # After a start or a takeover everyone gets the full time to be heard again.
            if now - max(last_seen, self._leading_since or last_seen) <= patience:
                continue
            command = MarkNodeOffline(node_id=node_id, last_seen=last_seen)
            command_id = CommandId(new_id())
            try:
                await self._writer.execute(
                    Issued(
                        command=command,
                        actor="controller",
                        command_id=command_id,
                        correlation_id=command_id,
                    )
                )
            except Refused as refused:
                log.warning("offline_not_marked", node_id=node_id, reason=refused.detail)


def _slowness(world: World, node_id: NodeId) -> float:
    """Seconds of silence that mean nothing yet of an agent that polls, as its node's settings have
    it: three times what lies between two of its requests."""
    changed = world.changes.get(node_id)
    if changed is None or not changed.acknowledged:
        return 0.0
    agent = world.nodes[node_id].settings.agent
    return 3.0 * min(agent.status_interval, agent.change_interval)
