"""Removes images of ours that nothing needs: now and then, when the disk runs short, when told to.

A task of `run.py`. What may go is decided in `lifecycle/removal.py`. Each round looks at the engine
anew; a round that fails half way costs nothing but the rest of it, until the next.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

import structlog

from agent.contract import NodeConfig
from agent.errors import EngineError
from agent.images.disk import Disk, Room, amount
from agent.images.ledger import ImageLedger
from agent.images.store import ImageStore
from agent.lifecycle.removal import Removal, left_names, removals

log = structlog.get_logger()

LOOK_EVERY = 60.0
"""Seconds between looks at the free space: one `statvfs` each."""
SETTLED_AFTER = 600.0
"""Seconds after the agent's start until the first round: a device that boots has better to do."""
AGAIN_AFTER = 600.0
"""Seconds between rounds while the disk stays short: there may be nothing left to remove."""


class Pruning:
    """Of one engine's images.

    wanted: references of this node's microservices, spelt out; None while nothing is known of
    them, and then nothing is removed.
    """

    def __init__(
        self,
        images: ImageStore,
        ledger: ImageLedger,
        disk: Disk,
        wanted: Callable[[], Collection[str] | None],
        now: Callable[[], datetime],
        *,
        live: Callable[[], Collection[str]] = tuple,
        settle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._images = images
        self._ledger = ledger
        self._disk = disk
        self._wanted = wanted
        self._now = now
        self._live = live
        self._settle = settle
        self._config = NodeConfig()
        self._one_at_a_time = asyncio.Lock()

    def configure(self, config: NodeConfig) -> None:
        """What operators set for the node."""
        self._config = config

    async def run(self) -> None:
        """Until cancelled."""
        clock = asyncio.get_running_loop().time
        began = last = clock()
        settled = False
        while True:
            await asyncio.sleep(LOOK_EVERY * random.uniform(0.9, 1.1))  # noqa: S311
            now = clock()
            if now - began < SETTLED_AFTER:
                continue
            hours = self._config.pruning_interval_hours
            due = hours > 0 and (not settled or now - last >= hours * 3600)
            short = self._disk.below_threshold(self._config.disk_threshold_percent) is not None
            if not due and not (short and now - last >= AGAIN_AFTER):
                continue
            last = now
            try:
                sentence = await self._round(self._short)
            except EngineError as error:
                log.warning("images-not-pruned", error=str(error))
            else:
                settled = True
                log.info("images-pruned", short=short, result=sentence)

    async def now(self) -> str:
        """An operator wants it now: all that nothing needs goes. What was done, in a sentence.

        Errors: EngineError.
        """
        return await self._round(lambda: True)

    async def make_room(self, *, all_there_is: bool) -> None:
        """There is not enough for a pull: let go of as much as that takes. Errors: EngineError.

        all_there_is: a pull has shown that it takes more than can be foreseen.
        """
        sentence = await self._round(lambda: all_there_is or self._disk.below_reserve() is not None)
        log.info("room-made", result=sentence)

    def _short(self) -> bool:
        return self._disk.below_threshold(self._config.disk_threshold_percent) is not None

    async def _round(self, pressed: Callable[[], bool]) -> str:
        """pressed: asked before each image that would better stay, whether there is still need."""
        async with self._one_at_a_time:
            wanted = self._wanted()
            if wanted is None:
                return "nothing was removed: what should run here is not known yet"
            await self._disk.find_engine(self._images)
            if self._settle is not None:
                await self._settle()
            before = self._disk.engine()
            # In this order: an image that got a container since is seen as in use.
            images, in_use = await self._images.images(), await self._images.in_use()
            todo = removals(images, in_use, self._ledger.entries, wanted)
            self._ledger.forget(todo.gone)
            self._ledger.used((image_id for image_id in todo.kept), self._now())
            removed = [each for each in todo.surplus if await self._remove(each)]
            for removal in todo.previous:
                if not pressed():
                    break
                if await self._remove(removal):
                    removed.append(removal)
            for name in left_names(images, self._live()):
                await self._images.remove(name)
            stay = len(todo.kept) + len(todo.previous) + len(todo.surplus) - len(removed)
            return _sentence(removed, stay, before, self._disk.engine())

    async def _remove(self, removal: Removal) -> bool:
        for name in removal.names:
            if not await self._images.remove(name):
                return False  # somebody began to use it just now
        log.info(
            "image-removed",
            image=removal.names[0],
            last_used=removal.last_used.isoformat(timespec="minutes"),
            because=removal.reason,
        )
        self._ledger.forget([removal.image_id])
        return True


def _sentence(removed: list[Removal], stay: int, before: Room | None, after: Room | None) -> str:
    if not removed:
        return f"no image could go: of those that this agent pulled, all {stay} are needed"
    if before is not None and after is not None:
        freed = f"{amount(max(0, after.free - before.free))} more free, {amount(after.free)} in all"
    else:
        freed = f"up to {amount(sum(each.size_bytes for each in removed))}"
    images = "1 image" if len(removed) == 1 else f"{len(removed)} images"
    return f"removed {images} ({freed}); {stay} of those that this agent pulled stay"
