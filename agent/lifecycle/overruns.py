"""What takes longer than it should: logged as an error when it does, and shown while it lasts.

`control_loop.py` watches its looks and its actions with this. Every call to the engine has a bound
of its own, so that nothing here should ever be seen; it is the last line of defence against a fault
that would otherwise show only as silence. Costs one timer per watch, and no polling.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()


class Watch:
    """One thing that is being done."""

    def __init__(self, seconds: float, too_long: Callable[[], None]) -> None:
        self._seconds = seconds
        self._too_long = too_long
        self._timer: asyncio.TimerHandle | None = None

    def count(self) -> None:
        """From now on, from the beginning."""
        self.pause()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._too_long)

    def pause(self) -> None:
        """While it waits for something with a bound of its own."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Overruns:
    """All that overruns at this moment. on_change: hears when that becomes something else."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._late: dict[Watch, str] = {}

    @property
    def problem(self) -> str:
        """For people; empty while nothing does."""
        return "; ".join(sorted(self._late.values()))

    @contextmanager
    def watched(self, what: str, seconds: float) -> Iterator[Watch]:
        """Watch what is done inside. what: the beginning of a sentence."""

        def too_long() -> None:
            self._late[watch] = f"{what} takes longer than {seconds:.0f} s"
            log.error("overrun", what=what, seconds=seconds)
            self._on_change()

        watch = Watch(seconds, too_long)
        watch.count()
        try:
            yield watch
        finally:
            watch.pause()
            if self._late.pop(watch, None) is not None:
                log.info("overrun-ended", what=what)
                self._on_change()
