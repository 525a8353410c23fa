"""A real controller without Postgres, served from a thread of its own to a CLI in this one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import structlog

from ecn.cli import contexts
from ecn.cli.contexts import Context
from tests.ecn.api.server import ADMIN, Controller, Network

T = TypeVar("T")


class RealApi:
    """A network of one controller, for tests that are no coroutines themselves."""

    def __init__(self, loop: asyncio.AbstractEventLoop, controller: Controller) -> None:
        self._loop = loop
        self.controller = controller

    def do(self, work: Callable[[Controller], Coroutine[object, object, T]]) -> T:
        """Do this where the controller runs, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work(self.controller), self._loop).result(30)

    def begin(self, work: Coroutine[object, object, T]) -> "Future[T]":
        """Let this run where the controller runs, beside what this thread does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def log_in(self, token: str = ADMIN) -> None:
        """Let command lines go there."""
        contexts.put("real", Context(server=self.controller.url, user="x", token=token), use=True)

    @property
    def position(self) -> int:
        """Where its log ends."""
        return self.controller.world_position


@contextmanager
def real_api() -> Iterator[RealApi]:
    """Runs until the block ends."""
    running: list[RealApi] = []
    ready, stopping = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with Network.running() as network, network.controller() as controller:
            running.append(RealApi(loop, controller))
            ready.set()
            await stopping.wait()
            await asyncio.sleep(0.02)  # as in conftest.py: who stands before the door is let in

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        # Its log would be taken for what the command line says.
        with structlog.testing.capture_logs():
            yield running[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
