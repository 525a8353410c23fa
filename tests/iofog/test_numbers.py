"""ioFog's numbers and ours go back and forth, and never meet those that ioFog keeps."""

from hypothesis import given
from hypothesis import strategies as st

from ecn.iofog.numbers import of_a_row, on_the_wire, read


@given(st.integers(min_value=1))
def test_there_and_back(number: int) -> None:
    assert of_a_row(on_the_wire(number)) == number
    assert on_the_wire(number) > 1000


@given(st.integers(max_value=1000))
def test_what_iofog_keeps_is_no_row(wire: int) -> None:
    assert of_a_row(wire) is None


@given(st.integers(0, 10**15 - 1))
def test_a_number_is_read(number: int) -> None:
    assert read(str(number)) == number


@given(st.text(max_size=4).filter(lambda text: not (text.isascii() and text.isdecimal())))
def test_what_is_none_is_not(text: str) -> None:
    assert read(text) is None


def test_a_number_that_no_client_can_hold_is_none() -> None:
    assert read("9" * 16) is None
