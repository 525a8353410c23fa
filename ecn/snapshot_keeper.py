"""Sees to it that there are snapshots along the log, so that no moment is far from one.

Done by the controller that writes the views. The stretch that the live world is in costs no
folding; stretches without one (an imported log, views of a new version) are folded in the
background, one after the other, with a pause as long as the work after each. Snapshots that
stand too close to each other, now that they are old, are removed.
"""

import asyncio

import structlog

from ecn.presence_store import Leadership
from events.ids import Position
from events.log import LogError, StoreUnavailable
from projections.live import Live
from projections.past import Past
from projections.snapshot import EVERY, due, packed
from projections.snapshot_store import SnapshotStore
from projections.world import World

LOOK_EVERY = 5.0
"""Seconds."""

log = structlog.get_logger()


class SnapshotKeeper:
    """See the module. `run` is its task; what it does twice is harmless."""

    def __init__(
        self,
        snapshots: SnapshotStore,
        leadership: Leadership,
        leader: str,
        live: Live,
        past: Past,
        *,
        every: int = EVERY,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._snapshots = snapshots
        self._leadership = leadership
        self._leader = leader
        self._live = live
        self._past = past
        self._every = every
        self._look_every = look_every

    async def run(self) -> None:
        """Look, and look again, until cancelled."""
        while True:
            began = asyncio.get_running_loop().time()
            more = False
            try:
                if await self._leadership.try_lead(self._leader):
                    more = await self.look()
            except (StoreUnavailable, LogError) as e:
                log.warning("snapshots_unavailable", reason=str(e))
            except Exception:
                # They only make questions quick: a fault of ours must not end the controller.
                log.exception("snapshots_failed")
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(took if more else self._look_every)

    async def look(self) -> bool:
        """Make one snapshot that is missing, remove what is superfluous; whether more are missing.

        Errors: StoreUnavailable, LogError.
        """
        now = self._live.world
        todo = due(await self._snapshots.positions(), now.position, self._every)
        if todo.superfluous:
            await self._snapshots.remove(todo.superfluous)
        if not todo.missing:
            return False
        # The stretch of now first, while its world is at hand; then the others, each folded on
        # from the one before.
        last = todo.missing[-1]
        if last // self._every == now.position // self._every:
            await self._make(now)
        else:
            await self._make(await self._past.world_at(Position(todo.missing[0])))
        return len(todo.missing) > 1

    async def _make(self, world: World) -> None:
        snapshot = await asyncio.to_thread(packed, world)
        await self._snapshots.put(snapshot)
        log.info("snapshot_made", position=world.position, bytes=len(snapshot.data))
