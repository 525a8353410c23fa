"""Short keys: letters that nobody takes for another, and all of them alike."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ecn.iofog.identifiers import KEY_LENGTH, LETTERS, TOKEN_LENGTH, made_of


@given(st.text(), st.sampled_from([KEY_LENGTH, TOKEN_LENGTH]))
def test_a_secret_always_gives_the_same_letters(secret: str, length: int) -> None:
    made = made_of(secret, length)
    assert made == made_of(secret, length)
    assert len(made) == length
    assert set(made) <= set(LETTERS)


def test_each_letter_comes_as_often_as_another() -> None:
    count = Counter(letter for each in range(4000) for letter in made_of(str(each), KEY_LENGTH))
    expected = 4000 * KEY_LENGTH / len(LETTERS)
    assert len(count) == len(LETTERS)
    assert all(0.8 * expected < each < 1.2 * expected for each in count.values())


def test_secrets_do_not_share_a_key() -> None:
    assert len({made_of(str(each), KEY_LENGTH) for each in range(20_000)}) == 20_000
