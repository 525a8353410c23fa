"""What is counted stands on the page, in the form that Prometheus' own parser reads."""

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families as families_of

from routing.metrics.families import Family, counted, gauge, gauges, histogram, histograms, states
from routing.metrics.measures import Counter, Histogram, Histograms
from routing.metrics.page import page
from routing.metrics.server import CannotServe, serving

texts = st.text(max_size=20)


def samples(families: list[Family]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels, as a scraper reads them."""
    text = page(families)[0].decode()
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in families_of(text)
        for each in family.samples
    }


@given(st.dictionaries(st.tuples(texts, texts), st.integers(0, 10**9), max_size=10))
def test_whatever_the_labels_say_a_scraper_reads_what_was_counted(
    counts: dict[tuple[str, str], int],
) -> None:
    counter = Counter()
    for labels, count in counts.items():
        counter.add(*labels, by=count)
    read = samples([counted("ecn_things", "Things", ("one", "other"), counter)])
    for (one, other), count in counts.items():
        assert read["ecn_things_total", (("one", one), ("other", other))] == count


@given(st.lists(st.floats(0, 100), max_size=50))
def test_a_histogram_has_each_value_in_all_buckets_that_reach_so_far(values: list[float]) -> None:
    observed = Histogram((0.1, 1.0, 10.0))
    for value in values:
        observed.observe(value)
    read = samples([histogram("ecn_wait_seconds", "Wait", observed)])
    for bound in ("0.1", "1.0", "10.0"):
        expected = sum(1 for value in values if value <= float(bound))
        assert read["ecn_wait_seconds_bucket", (("le", bound),)] == expected
    assert read["ecn_wait_seconds_bucket", (("le", "+Inf"),)] == len(values)
    assert read["ecn_wait_seconds_count", ()] == len(values)
    assert abs(read["ecn_wait_seconds_sum", ()] - sum(values)) < 1e-6


def test_states_in_which_none_is_are_told_too() -> None:
    read = samples([states("ecn_nodes", "Nodes", ("online", "offline"), {"online": 3})])
    assert read["ecn_nodes", (("state", "offline"),)] == 0
    assert read["ecn_nodes", (("state", "online"),)] == 3


def test_who_asks_for_open_metrics_gets_it() -> None:
    wanted = "application/openmetrics-text; version=1.0.0"
    waits = Histograms()
    waits.observe(0.2, "GET")
    families = [
        gauge("ecn_position", "Position", 7),
        gauges("ecn_sizes_bytes", "Sizes", ("of",), {("a",): 1.5}),
        histograms("ecn_wait_seconds", "Wait", ("method",), waits),
    ]
    body, media = page(families, wanted)
    assert media.startswith("application/openmetrics-text")
    names = {each.name for each in open_metrics(body.decode())}  # type: ignore[no-untyped-call]
    assert {"ecn_position", "ecn_sizes_bytes", "ecn_wait_seconds"} <= names
    assert page(families)[1].startswith("text/plain")


async def test_a_place_of_its_own_serves_the_page_and_nothing_else() -> None:
    async def look() -> list[Family]:
        return [gauge("ecn_position", "Position", 7)]

    async with serving("127.0.0.1", 0, look) as port, aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 200
            assert "ecn_position 7.0" in await answer.text()
        async with client.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 404
        with pytest.raises(CannotServe, match=str(port)):
            async with serving("127.0.0.1", port, look):
                pass
