"""Bodies are read as leniently as ioFog reads them, and refused in its words."""

from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from ecn.iofog import bodies
from ecn.iofog.fields import Email, Name
from ecn.iofog.refusals import Refusal

WHOLE = st.integers(-(2**53), 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


class Part(Struct):
    a: int


class Body(Struct, rename="camel"):
    first_name: Annotated[str, Meta(min_length=3)]
    whole: Annotated[int, Meta(ge=0, le=9)] | UnsetType = UNSET
    number: float | UnsetType = UNSET
    word: Literal["one", "two"] | UnsetType = UNSET
    mail: Email | UnsetType = UNSET
    parts: list[Part] | UnsetType = UNSET
    maybe: str | None = None
    words: dict[str, Literal["x"]] | UnsetType = UNSET


def as_floats(said: object) -> object:
    """With every number written as Java's people write it: 10.0."""
    match said:
        case bool():
            return said
        case int():
            return float(said)
        case list():
            return [as_floats(each) for each in said]
        case dict():
            return {key: as_floats(value) for key, value in said.items()}
    return said


def refusal_of(said: object) -> str:
    with pytest.raises(Refusal) as refused:
        bodies.typed(said, Body)
    assert (refused.value.status, refused.value.name) == (400, "ValidationError")
    return refused.value.message


@given(JSON)
def test_ten_point_zero_is_ten(said: object) -> None:
    read = bodies.document(msgspec.json.encode(as_floats(said)))
    assert read == ({} if said is None else said)
    assert msgspec.json.encode(read) == msgspec.json.encode({} if said is None else said)


@given(st.binary(max_size=40) | JSON.map(msgspec.json.encode))
def test_whatever_arrives_is_read_or_refused(content: bytes) -> None:
    refused = None
    try:
        bodies.typed(bodies.document(content), Body)
    except Refusal as e:
        refused = e
    assert refused is None or (refused.status == 400 and refused.message)


@pytest.mark.parametrize("content", [b"", b"  \n", b"null"])
def test_no_body_is_an_empty_one(content: bytes) -> None:
    assert bodies.document(content) == {}


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    assert bodies.document(b'{"host": "localhost", "host": "1.2.3.4"}') == {"host": "1.2.3.4"}


def test_a_body_that_is_too_deep_is_refused() -> None:
    deep = b"[" * (bodies.DEEPEST + 2) + b"]" * (bodies.DEEPEST + 2)
    with pytest.raises(Refusal, match="levels deep"):
        bodies.document(deep)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "Required field 'firstName' is missing"),
        ({"firstName": "Jo"}, "Field firstName does not meet minimum length of 3"),
        ({"firstName": 7}, "Field 'firstName' is not of a type(s) string"),
        ({"firstName": None}, "Field 'firstName' is not of a type(s) string"),
        ({"firstName": "Joe", "whole": "7"}, "Field 'whole' is not of a type(s) integer"),
        ({"firstName": "Joe", "whole": 7.5}, "Field 'whole' is not of a type(s) integer"),
        ({"firstName": "Joe", "whole": -1}, "whole must have a minimum value of 0"),
        ({"firstName": "Joe", "whole": 10}, "whole must have a maximum value of 9"),
        ({"firstName": "Joe", "number": []}, "Field 'number' is not of a type(s) number"),
        ({"firstName": "Joe", "word": "x"}, "Field word is not one of enum values: one,two"),
        (
            {"firstName": "Joe", "words": {"a": "y"}},
            "Field words[...] is not one of enum values: x",
        ),
        ({"firstName": "Joe", "mail": "x"}, "Invalid format for field 'mail'"),
        ({"firstName": "Joe", "maybe": 1}, "Field 'maybe' is not of a type(s) string,null"),
        ({"firstName": "Joe", "parts": [{"a": 1}, {}]}, "Required field 'a' is missing"),
        (
            {"firstName": "Joe", "parts": [{"a": ""}]},
            "Field 'parts[0].a' is not of a type(s) integer",
        ),
        ([], "Field 'instance' is not of a type(s) object"),
    ],
)
def test_what_is_wrong_is_said_in_iofogs_words(said: object, message: str) -> None:
    assert refusal_of(said) == message


class Named(Struct):
    name: Name


@pytest.mark.parametrize("name", ["a", "a-b", "com.orange.smart-door", "0"])
def test_a_name(name: str) -> None:
    assert bodies.typed({"name": name}, Named).name == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a..b", "a_b", "a\n", "ä"])
def test_no_name(name: str) -> None:
    with pytest.raises(Refusal, match="Invalid format for field 'name'"):
        bodies.typed({"name": name}, Named)
