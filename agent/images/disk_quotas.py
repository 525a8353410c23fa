"""Whether containers wrote more into their own file systems than they may.

A task of `run.py`. Counting is expensive, as the engine walks through all files: only containers of
microservices with a limit are counted, every five minutes, jittered. What follows is decided by
`lifecycle/reconcile.py`.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping

import structlog

from agent.contract import Microservice
from agent.errors import EngineError
from agent.images.disk import amount
from agent.images.store import ImageStore
from agent.lifecycle.engine import Container, ContainerEngine

log = structlog.get_logger()

COUNT_EVERY = 300.0
"""Seconds, give or take a fifth."""
_MIB = 1 << 20


class DiskQuotas:
    """Of one node. wanted: its microservices by id. on_news: called when the result changed."""

    def __init__(
        self,
        node_id: str,
        engine: ContainerEngine,
        images: ImageStore,
        wanted: Callable[[], Mapping[str, Microservice]],
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self._node_id = node_id
        self._engine = engine
        self._images = images
        self._wanted = wanted
        self._on_news = on_news
        self._over: Mapping[str, str] = {}
        """By container id: the next container of a microservice has written nothing yet."""

    def over(self, containers: Iterable[Container]) -> dict[str, str]:
        """Which of these wrote too much: a sentence, by microservice id."""
        return {
            each.microservice_id: self._over[each.container_id]
            for each in containers
            if each.container_id in self._over
        }

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(COUNT_EVERY * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await self.count()
            except EngineError as error:
                log.warning("disk-quotas-not-counted", error=str(error))

    async def count(self) -> None:
        """Once, now. Errors: EngineError."""
        limits = {
            m.microservice_id: m.spec.disk_limit_mib * _MIB
            for m in self._wanted().values()
            if m.spec.disk_limit_mib is not None
        }
        over: dict[str, str] = {}
        if limits:
            containers = {
                c.container_id: limits[c.microservice_id]
                for c in await self._engine.containers(self._node_id)
                if c.microservice_id in limits
            }
            written = await self._images.written(containers) if containers else {}
            over = {
                container_id: f"it wrote {amount(count)} into its container's own file system, "
                f"its limit is {amount(containers[container_id])}"
                for container_id, count in written.items()
                if container_id in containers and count > containers[container_id]
            }
        if over != self._over:
            self._over = over
            self._on_news()
