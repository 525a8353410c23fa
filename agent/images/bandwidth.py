"""A bound on what all pulls together take from the link: a token bucket.

Used by the gateway (`registry_gateway.py`) for each piece that comes from a registry. A piece is
paid for after it came: the bucket goes into debt by at most the pieces that were under way, and the
next ones wait until it is paid, in the order in which they came.
"""

import asyncio
from collections.abc import Callable

BURST = 0.25
"""Seconds' worth of bytes that may come at once after a silence."""


class Bandwidth:
    """Bytes per second that may be taken; 0 is no bound. `clock` gives seconds, from anywhere."""

    def __init__(self, clock: Callable[[], float], rate: int = 0) -> None:
        self._clock = clock
        self._rate = rate
        self._tokens = rate * BURST
        self._at = clock()
        self._turn = asyncio.Lock()

    @property
    def rate(self) -> int:
        """Bytes per second."""
        return self._rate

    def set_rate(self, rate: int) -> None:
        """From now on. A debt is kept: another limit does not buy anybody out."""
        self._fill()
        self._rate = rate
        self._tokens = min(self._tokens, rate * BURST)

    async def take(self, count: int) -> None:
        """Pay for so many bytes; returns when they are paid."""
        if self._rate <= 0:
            return
        async with self._turn:
            self._fill()
            self._tokens -= count
            # The rate may change while one waits: slept in small parts, and asked again.
            while self._rate > 0 and self._tokens < 0:
                await asyncio.sleep(min(1.0, max(0.001, -self._tokens / self._rate)))
                self._fill()

    def _fill(self) -> None:
        now = self._clock()
        gained = max(0.0, now - self._at) * self._rate
        self._tokens = min(self._rate * BURST, self._tokens + gained)
        self._at = now
