"""What answers to a probe amount to: as Docker's own health checks have it."""

from hypothesis import given
from hypothesis import strategies as st

from agent.contract import Health, Probe
from agent.lifecycle.probe_results import Tally, is_early, judged, pause, said

probes = st.builds(
    Probe,
    port=st.just(80),
    http_path=st.none() | st.just("/ready"),
    interval=st.floats(0.5, 60),
    retries=st.integers(1, 5),
    start_period=st.floats(0, 120),
)
failures = st.lists(st.sampled_from(["", "answered 503"]), max_size=30)


def told(probe: Probe, answers: list[tuple[float, str]]) -> Tally:
    tally = Tally()
    for age, failure in answers:
        tally = judged(tally, failure, age, probe)
    return tally


@given(probes, failures)
def test_so_many_failures_in_a_row_make_it_unhealthy_and_no_fewer(
    probe: Probe, answers: list[str]
) -> None:
    late = max(probe.start_period, probe.interval)
    tally = told(probe, [(late + n, answer) for n, answer in enumerate(answers)])
    row = len(answers) - max((n + 1 for n, answer in enumerate(answers) if not answer), default=0)
    assert (tally.health is Health.UNHEALTHY) is (row >= probe.retries)
    assert (tally.health is Health.HEALTHY) is (row < probe.retries and "" in answers)
    assert tally.failures == row


@given(probes, st.integers(0, 50))
def test_failures_within_the_start_period_do_not_count(probe: Probe, times: int) -> None:
    tally = told(probe, [(probe.start_period * 0.9, "refused the connection")] * times)
    if probe.start_period:
        assert (tally.health, tally.failures) == (Health.STARTING, 0)


@given(probes)
def test_one_good_answer_ends_the_start_period(probe: Probe) -> None:
    bad = [(0.2, "refused the connection")] * probe.retries
    assert told(probe, [(0.1, ""), *bad]).health is Health.UNHEALTHY


@given(probes, failures, st.floats(0, 500))
def test_it_asks_at_its_interval_and_never_spins(
    probe: Probe, answers: list[str], age: float
) -> None:
    tally = told(probe, [(age, answer) for answer in answers])
    assert min(1.0, probe.interval) <= pause(tally, age, probe) <= probe.interval
    if not is_early(age, probe):
        assert pause(tally, age, probe) == probe.interval


def test_it_says_what_was_asked_and_how_often_it_failed() -> None:
    probe = Probe(port=8080, http_path="/ready")
    tally = told(probe, [(100, "answered 503")] * 3)
    assert said(tally, probe) == "GET /ready on port 8080 answered 503, 3 times in a row"
    tcp = Probe(port=5432)
    assert said(Tally(failure="refused the connection"), tcp) == "port 5432 refused the connection"
    assert said(Tally(health=Health.HEALTHY), probe) == ""
