"""How long to wait before asking the controller again. Used by `uplink.py`.

Ten thousand devices lose the same controller in the same instant. What they do next is spread over
a window that grows with each failure: anywhere in it, not only near its end, so that the first of
them find out soon that it is back, and never many at once.
"""

import random
from collections.abc import Callable

from agent.errors import AgentError, ControllerUnreachable, CredentialRefused

FIRST_WINDOW = 5.0
LONGEST_WINDOW = 45.0
"""Seconds. Below the minute of silence after which a controller counts a node as offline: one
that was away itself hears of all before it looks."""
REFUSED_WINDOW = 120.0
"""With a credential that was refused: it will hardly get better."""
SHORTEST = 0.2


class Pause:
    """Full jitter over a doubling window; `Retry-After` comes before it."""

    def __init__(self, spread: Callable[[float, float], float] = random.uniform) -> None:
        self._failures = 0
        self._spread = spread

    def over(self) -> None:
        """It worked."""
        self._failures = 0

    def next(self, error: AgentError) -> float:
        """Seconds until the next attempt."""
        window = min(LONGEST_WINDOW, FIRST_WINDOW * 2.0 ** min(self._failures, 10))
        self._failures += 1
        if isinstance(error, CredentialRefused):
            window = REFUSED_WINDOW
        least = error.retry_after if isinstance(error, ControllerUnreachable) else 0.0
        return max(least, SHORTEST) + self._spread(0.0, window)
