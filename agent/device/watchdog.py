"""Ends an agent whose event loop stands still, so that its supervisor starts it anew.

Whatever holds the loop up (a dead disk under a call that waits, a fault of ours) would hold up the
healing of all containers for ever; the containers themselves run on meanwhile. A thread, as the
loop cannot judge itself; where not even threads run, systemd's own watchdog does the same
(`service.py`). Used by `own_life.py`.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import structlog

log = structlog.get_logger()

STALLED = 70
"""The exit code. sysexits.h calls it an internal software error."""
TICK = 5.0
TICKS = 12
"""Seconds between looks, and looks in a row without a beat until the end: a minute."""


LAST_WORDS = 10.0
"""Seconds for writing down where it hangs."""


class Watchdog:
    """Wants a `beat` within each `tick * ticks` seconds.

    It counts its own looks rather than reading a clock: a device that was suspended, or a process
    that was stopped and continued, has missed none.
    """

    def __init__(
        self,
        *,
        tick: float = TICK,
        ticks: int = TICKS,
        end: Callable[[int], None] = os._exit,
        stream: TextIO | None = None,
    ) -> None:
        self._tick = tick
        self._ticks = ticks
        self._end = end
        self._stream = stream
        self._beaten = True
        self._over = threading.Event()

    def beat(self) -> None:
        """The loop turns."""
        self._beaten = True

    def start(self) -> None:
        """Watch from now on, in a thread that keeps nothing from ending."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()

    def _watch(self) -> None:
        missed = 0
        while not self._over.wait(self._tick):
            missed = 0 if self._beaten else missed + 1
            self._beaten = False
            if missed >= self._ticks:
                self._give_up(missed * self._tick)
                return

    def _give_up(self, seconds: float) -> None:
        # Also when nobody takes what is written: that may be what holds up the loop.
        timer = threading.Timer(LAST_WORDS, self._end, (STALLED,))
        timer.daemon = True
        timer.start()
        stream = self._stream or sys.stderr
        log.critical("loop-stalled", seconds=seconds, exits_with=STALLED, containers="run on")
        # Of all threads: where it hangs is the only clue there will be.
        with suppress(OSError, ValueError, RuntimeError):  # it is closed, or a full disk's
            faulthandler.dump_traceback(file=stream, all_threads=True)
            stream.flush()
        timer.cancel()
        self._end(STALLED)
