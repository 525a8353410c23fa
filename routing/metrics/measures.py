"""Counting as it happens: cheap, plain, and read when somebody looks. For one event loop.

What counts knows nothing of Prometheus: `families.py` says what the numbers are called.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

SECONDS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Bounds of the buckets of latencies."""

Labels = tuple[str, ...]


class Counter:
    """How often something happened, by the values of its labels."""

    def __init__(self) -> None:
        self.values: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """It happened once more, or moved on by so much."""
        self.values[labels] = self.values.get(labels, 0) + by


class Histogram:
    """How often something took how long, or was how large."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """bounds: the upper ends of the buckets, going up; one more takes what is beyond."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """It was this once."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> "Histogram":
        """As it is now."""
        other = Histogram(self.bounds)
        other.counts, other.total = list(self.counts), self.total
        return other

    def cumulative(self) -> list[tuple[str, int]]:
        """How often it was at most that much, by bucket; the last is `+Inf` and means all."""
        found, below = [], 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            below += count
            found.append(("+Inf" if bound is None else repr(float(bound)), below))
        return found


class Histograms:
    """One histogram for each value of the labels."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._each: dict[Labels, Histogram] = {}

    def observe(self, value: float, *labels: str) -> None:
        """It was this once."""
        found = self._each.get(labels)
        if found is None:
            found = self._each[labels] = Histogram(self._bounds)
        found.observe(value)

    @property
    def each(self) -> Mapping[Labels, Histogram]:
        """By the values of the labels."""
        return self._each
