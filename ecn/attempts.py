"""How often somebody may guess: short keys are only as good as the guesses that they outlive."""

from collections import OrderedDict

from ecn.errors import TooMany

MOST, PER = 60, 60.0
"""Wrong ones from one address, and seconds in which they are forgiven: at that pace a key of eight
letters is hit within its 20 minutes once in some thousand million times."""

ADDRESSES = 10_000


class Attempts:
    """Counts what went wrong, per address. Times in seconds, on one clock."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By address: how many count still, as of when. Who was heard longest ago leaves first."""

    def check(self, address: str, now: float) -> None:
        """Errors: TooMany, also for a right one."""
        count = self._count(address, now)
        if count >= MOST:
            raise TooMany(
                "there were too many wrong provisioning keys",
                retry_after=(count - MOST + 1) * PER / MOST,
            )

    def wrong(self, address: str, now: float) -> None:
        """One more."""
        self._wrong[address] = (self._count(address, now) + 1, now)
        self._wrong.move_to_end(address)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)

    def _count(self, address: str, now: float) -> float:
        count, then = self._wrong.get(address, (0.0, now))
        return max(0.0, count - (now - then) * MOST / PER)
