"""Pulls that run at this moment: one per image, however many microservices wait for it.

Called by `lifecycle/carry_out.py`. A pull belongs to the control loop's task group and to those who
wait for it: when the last of them is called off, so is the pull. How an image is fetched is the
puller's affair: `fetching.py` in an agent that runs.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from agent.contract import Registry
from agent.images.reference import full_reference

AT_ONCE = 4
"""More would only share the same link, and each would be slower to be of use."""


class Puller(Protocol):
    """Whoever can fetch an image: an engine by itself, or what stands before it."""

    async def pull(self, image: str, registry: Registry | None) -> None:
        """Fetch it, with the registry's credentials if it comes from there. Raises EngineError."""
        ...


@dataclass
class _Running:
    task: asyncio.Task[Exception | None]
    waiting: int = 0


class Pulls:
    """Pulls by this puller, run in these tasks."""

    def __init__(self, puller: Puller, tasks: asyncio.TaskGroup) -> None:
        self._puller = puller
        self._tasks = tasks
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: dict[tuple[str, Registry | None], _Running] = {}

    async def pull(self, image: str, registry: Registry | None) -> None:
        """Returns when it is here; raises as the puller does."""
        key = (full_reference(image), registry)
        running = self._running.get(key)
        if running is None:
            running = _Running(self._tasks.create_task(self._pull(image, registry)))
            self._running[key] = running
        running.waiting += 1
        try:
            problem = await asyncio.shield(running.task)
        finally:
            running.waiting -= 1
            if running.waiting == 0:
                running.task.cancel()  # of no effect on one that is done
                self._running.pop(key, None)
        if problem is not None:
            raise problem

    async def _pull(self, image: str, registry: Registry | None) -> Exception | None:
        """The problem as a value: raised, it would end the task group and with it everything.

        A fault of ours too: it is those who wait that tell it, each for its microservice.
        """
        async with self._slots:
            try:
                await self._puller.pull(image, registry)
            except Exception as problem:
                return problem
        return None
