"""Families as the text that Prometheus and its kin read. Imported when somebody first looks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from routing.metrics.families import Family, Type


def page(families: Sequence[Family], accept: str = "") -> tuple[bytes, str]:
    """The page and its media type. accept: the header of who asks; OpenMetrics for who wants it.

    With the usual metrics of the process besides: its memory, processor time, open files.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(families))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    return encode(registry), media


class _Told(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for each in self._families:
            yield _metric(each)


def _metric(family: Family) -> Metric:
    metric: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
    match family.type:
        case Type.GAUGE:
            metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        case Type.COUNTER:
            metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
        case Type.HISTOGRAM:
            metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
            for labels, observed in family.histograms.items():
                metric.add_metric(labels, observed.cumulative(), observed.total)
            return metric
        case _:
            assert_never(family.type)
    for labels, value in family.values.items():
        metric.add_metric(labels, value)
    return metric
