"""Rates are made of two reports, whatever agents say."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.contract import RouteStatus
from ecn.route_traffic import LARGEST, heard
from tests.builders import NOW

COUNTS = st.integers(-(1 << 70), 1 << 70)


def said(accepted: int, delivered: int = 0, state: str = "up") -> RouteStatus:
    return RouteStatus(route_id="r", state=state, accepted=accepted, delivered=delivered)


def test_a_rate_is_of_what_came_between_two_reports() -> None:
    one = heard({}, [said(100, 50)], {"r"}, NOW)
    assert (one["r"].rate_in, one["r"].rate_out) == (None, None)
    two = heard(one, [said(130, 80)], {"r"}, NOW + timedelta(seconds=10))
    assert (two["r"].rate_in, two["r"].rate_out) == (3.0, 3.0)
    # Started anew, it counts from 0.
    three = heard(two, [said(5)], {"r"}, NOW + timedelta(seconds=20))
    assert three["r"].rate_in == 0.5
    assert heard(two, [said(140)], {"r"}, NOW)["r"].rate_in is None


def test_what_is_not_said_any_more_is_forgotten_and_nobody_makes_up_routes_or_states() -> None:
    one = heard({}, [said(1)], {"r"}, NOW)
    assert heard(one, [], {"r"}, NOW) == {}
    assert heard({}, [said(1)], set[str](), NOW) == {}
    assert heard({}, [said(1, state="splendid")], {"r"}, NOW) == {}


@given(COUNTS, COUNTS, COUNTS)
def test_numbers_are_bounded(first: int, second: int, stored: int) -> None:
    one = heard({}, [said(first, second)], {"r"}, NOW)
    status = RouteStatus(
        route_id="r", state="up", accepted=second, stored=stored, reason="x" * 9999
    )
    two = heard(one, [status], {"r"}, NOW + timedelta(seconds=1))["r"]
    assert 0 <= two.accepted <= LARGEST
    assert 0 <= two.stored <= LARGEST
    assert two.rate_in is not None
    assert 0 <= two.rate_in <= LARGEST
    assert len(two.reason) <= 500
