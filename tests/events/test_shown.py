"""What is shown of an event, and words that are looked for in it."""

import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.shown import HIDDEN, folded, has_word, needle, shown
from tests.events.strategies import texts

tricky = st.text(st.sampled_from('aAkK\u212asSßẞiIİıéÉ日_%\\"\n\0/ 1'), max_size=8)
words = st.one_of(tricky, texts).filter(bool)
documents = st.recursive(
    st.one_of(words, st.integers(-99, 99), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(words, st.sampled_from(sorted(HIDDEN))), inner, max_size=3),
    ),
)


def leaves(value: object) -> list[str]:
    """All names and texts of a document."""
    if isinstance(value, dict):
        return [*value, *(leaf for each in value.values() for leaf in leaves(each))]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [value if isinstance(value, str) else msgspec.json.encode(value).decode()]


@given(st.dictionaries(words, documents, max_size=3), st.data())
def test_a_word_is_found_exactly_where_it_is_shown(
    document: dict[str, object], data: st.DataObject
) -> None:
    encoded = msgspec.json.encode(document)
    visible = leaves(shown(encoded))
    word = data.draw(st.one_of(words, st.sampled_from([*filter(bool, visible), "x"])))
    expected = any(folded(word) in folded(leaf) for leaf in visible)
    assert has_word(encoded, word) == expected
    assert has_word(encoded, word.swapcase()) >= (expected and word.isascii())


@given(words, words, words)
def test_where_a_word_is_in_a_text_its_needle_is_in_the_json(
    before: str, word: str, after: str
) -> None:
    # The database lowers ASCII letters alone, as bytes do.
    for text in (before + word + after, before + word.upper() + after):
        if folded(word) in folded(text):
            assert needle(word).encode() in msgspec.json.encode(text).lower()


def test_letters_stay_one_and_stay_in_or_out_of_ascii() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    lower = folded(every)
    assert len(lower) == len(every)
    for letter, small in zip(every, lower, strict=True):
        assert letter.isascii() == small.isascii()
        if letter != small and not letter.isascii():
            # What some other letter becomes is never taken for one without cases.
            assert not small.lower() == small.upper() == small, letter


@pytest.mark.parametrize("field", sorted(HIDDEN))
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: {"a": d}, lambda d: {"a": [[d]]}])
def test_what_is_hidden_is_hidden_at_any_depth_and_matches_nothing(
    field: str, wrap: object
) -> None:
    assert callable(wrap)
    encoded = msgspec.json.encode(wrap({field: "needle", "name": "hay"}))
    assert b"needle" not in msgspec.json.encode(shown(encoded))
    assert not has_word(encoded, "needle")
    assert not has_word(encoded, field)
    assert has_word(encoded, "HAY")


def test_that_there_was_a_secret_is_shown_and_never_what_it_was() -> None:
    sealed = {"secret_id": "5ec2e7", "ciphertext": "Y2lwaGVy"}
    encoded = msgspec.json.encode({"settings": {"url": "hub", "password": sealed}})
    assert shown(encoded) == {"settings": {"url": "hub", "password": {"secret_id": "5ec2e7"}}}
    assert has_word(encoded, "5ec2e7")
    assert not has_word(encoded, "Y2lw")
    # A variable of a microservice that is called so is hidden whole.
    for variable in ("in clear", {"secret_id": "s"}, [sealed], sealed | {"more": 1}):
        assert shown(msgspec.json.encode({"env": {"password": variable}})) == {"env": {}}
