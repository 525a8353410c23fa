"""An event loop whose clock jumps to the next timer when there is nothing else to do.

Hours pass in milliseconds, and sleeps can be asserted to the second. For code without sockets: a
wait for the outside world would be jumped over.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.agent.builders import NOW

Result = TypeVar("Result")


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("everything waits for something that will never happen")
            self.now += max(0.0, timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """Starts at 0."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(scene: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run it in faked time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(scene())


def now() -> datetime:
    """The faked clock as a time of day, NOW when the loop starts."""
    return NOW + timedelta(seconds=asyncio.get_running_loop().time())


async def elapsed(what: Awaitable[object]) -> float:
    """Faked seconds that it takes."""
    clock = asyncio.get_running_loop().time
    start = clock()
    await what
    return clock() - start
