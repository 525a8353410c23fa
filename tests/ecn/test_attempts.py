"""Guessing provisioning keys is slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.attempts import ADDRESSES, MOST, PER, Attempts
from ecn.errors import TooMany


@given(st.lists(st.floats(0, 0.3), min_size=200, max_size=400))
def test_whatever_the_pace_only_so_many_are_let_through(pauses: list[float]) -> None:
    attempts, now, passed = Attempts(), 0.0, 0
    for pause in pauses:
        now += pause
        try:
            attempts.check("guesser", now)
        except TooMany:
            continue
        passed += 1
        attempts.wrong("guesser", now)
    assert passed <= MOST + now * MOST / PER + 1


def test_who_waits_may_try_again() -> None:
    attempts = Attempts()
    for _ in range(MOST):
        attempts.wrong("somebody", 0.0)
    with pytest.raises(TooMany) as refused:
        attempts.check("somebody", 0.0)
    attempts.check("somebody", refused.value.retry_after)
    attempts.check("somebody else", 0.0)


def test_not_all_addresses_of_the_world_are_remembered() -> None:
    attempts = Attempts()
    for number in range(ADDRESSES + 10):
        attempts.wrong(str(number), 0.0)
    assert len(attempts._wrong) == ADDRESSES
