"""Run something until a signal, or until whoever started us is gone.

The lifeline is our stdin: a pipe whose other end the parent holds and never writes to. It closes
when the parent ends in any way, by `kill -9` too, so that no child is ever left behind.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress

STOPPED_WITHIN = 30.0
"""Seconds that a stop may take before it is cut short: Postgres has to write what it holds."""


async def until_stopped(work: Coroutine[object, object, None], *, lifeline: bool) -> None:
    """Do the work; SIGTERM, SIGINT and (if asked) the end of stdin cancel it, and it cleans up.

    A second signal does not wait for that any longer.
    Errors: those of the work.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signals = 0

    def stop() -> None:
        if not task.cancelling():
            task.cancel()
            loop.call_later(STOPPED_WITHIN, os._exit, 1)

    def on_signal() -> None:
        # Signals alone are counted: a parent that closes the lifeline may send SIGTERM as well.
        nonlocal signals
        signals += 1
        if signals > 1:
            os._exit(1)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if lifeline:
        # A thread, since epoll takes pipes but neither files nor /dev/null; a daemon, since
        # nothing can end its read.
        threading.Thread(target=_until_stdin_ends, args=(loop, stop), daemon=True).start()
    with suppress(asyncio.CancelledError):
        await task


def _until_stdin_ends(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    with suppress(RuntimeError):  # the loop ended meanwhile
        loop.call_soon_threadsafe(stop)
