"""What a page of metrics says: samples, each with a name, a sentence and labels. Pure.

A family holds what was counted until then: it is written down in a thread, while counting goes on.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field

from routing.metrics.measures import Counter, Histogram, Histograms, Labels


class Type(StrEnum):
    """Whether a number only grows, or is what it is at this moment."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Family(Struct, frozen=True, kw_only=True):
    """All samples of one name. A counter's name has no `_total`: the page adds it."""

    name: str
    help: str
    """A sentence, without a full stop."""
    type: Type
    labels: Labels = ()
    """Their names."""
    values: Mapping[Labels, float] = field(default_factory=dict)
    """By the labels' values; of gauges and counters."""
    histograms: Mapping[Labels, Histogram] = field(default_factory=dict)


def gauge(name: str, help_: str, value: float) -> Family:
    """One number, as it is now."""
    return Family(name=name, help=help_, type=Type.GAUGE, values={(): value})


def gauges(name: str, help_: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """Numbers as they are now."""
    return Family(name=name, help=help_, type=Type.GAUGE, labels=labels, values=values)


def counted(name: str, help_: str, labels: Labels, counter: Counter) -> Family:
    """What was counted."""
    return counters(name, help_, labels, dict(counter.values))


def counters(name: str, help_: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """Numbers that only grow, until whoever counts begins anew."""
    return Family(name=name, help=help_, type=Type.COUNTER, labels=labels, values=values)


def histogram(name: str, help_: str, observed: Histogram) -> Family:
    """What was observed."""
    return Family(name=name, help=help_, type=Type.HISTOGRAM, histograms={(): observed.copy()})


def histograms(name: str, help_: str, labels: Labels, observed: Histograms) -> Family:
    """What was observed, by labels."""
    until_now = {values: each.copy() for values, each in observed.each.items()}
    return Family(name=name, help=help_, type=Type.HISTOGRAM, labels=labels, histograms=until_now)


def states(
    name: str, help_: str, known: Iterable[str], found: Mapping[str, int], label: str = "state"
) -> Family:
    """How many are in each state; of the known ones also those in which none is."""
    values: dict[Labels, float] = {(each,): float(found.get(each, 0)) for each in (*known, *found)}
    return gauges(name, help_, (label,), values)
