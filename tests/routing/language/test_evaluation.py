import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.language import Expression, Reading, compiled, parse_condition, printed
from routing.language.tree import And, Body, Not, Or, Truth, Undefined
from routing.message import Message
from tests.routing.language.interpreter import outcome
from tests.routing.language.trees import conditions, messages


@given(conditions, messages)
@settings(max_examples=1500, deadline=None)
def test_a_condition_says_what_the_plain_reading_of_the_language_says(
    tree: Expression, message: Message
) -> None:
    said = compiled(tree)(Reading(message, module="probe"))
    assert said is outcome(tree, message, "probe"), printed(tree)


@given(st.lists(conditions, max_size=5), messages)
def test_a_reading_can_be_used_for_many_conditions(
    trees: list[Expression], message: Message
) -> None:
    shared = Reading(message, module="probe")
    together = [compiled(tree)(shared) for tree in trees]
    assert together == [compiled(tree)(Reading(message, module="probe")) for tree in trees]


TRUTHS: dict[bool | None, Expression] = {
    True: Truth(value=True),
    False: Truth(value=False),
    None: Undefined(),
}


def said(tree: Expression) -> bool | None:
    return compiled(tree)(Reading(Message()))


@pytest.mark.parametrize("left", [True, False, None])
@pytest.mark.parametrize("right", [True, False, None])
def test_the_truth_tables(left: bool | None, right: bool | None) -> None:
    both = (TRUTHS[left], TRUTHS[right])
    either = True if True in (left, right) else None if None in (left, right) else False
    each = False if False in (left, right) else None if None in (left, right) else True
    assert said(And(both)) is each
    assert said(Or(both)) is either
    assert said(Not(TRUTHS[left])) is (None if left is None else not left)


@given(st.lists(st.sampled_from([True, False, None]), min_size=2, max_size=6))
def test_many_are_as_two_at_a_time(values: list[bool | None]) -> None:
    parts = tuple(TRUTHS[value] for value in values)
    nested: Expression = parts[0]
    for part in parts[1:]:
        nested = And((nested, part))
    assert said(And(parts)) is said(nested)


def test_a_value_of_the_body_dominates_nothing_that_is_undefined() -> None:
    message = Message(
        content_type="application/json", content_encoding="utf-8", body=b'{"ok": true}'
    )
    ok = Body(("ok",))
    assert compiled(Or((ok, Undefined())))(Reading(message)) is None
    assert compiled(parse_condition("$body.ok = true OR missing = 'x'"))(Reading(message)) is True
    assert compiled(parse_condition("$body.ok AND NOT $body.no"))(Reading(message)) is True


def test_a_tree_that_no_text_gives_is_refused_before_a_message_comes() -> None:
    from routing.language.tree import Binary, Number, Property
    from routing.language.types import Mismatch

    with pytest.raises(Mismatch):
        compiled(Binary(">", Property("temp"), Number(70.0)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0 > 5", True),
        ("-1 / 0 < 5", True),
        ("0 / 0 = 0 / 0", False),
        ("3 % 0 = 1", None),
        ("-7 % 3 = -1", True),
        ("power(0, -1) > 1e300", True),
        ("power(-10, 309) < -1e300", True),
        ("power(-8, 0.5) = 1", False),
        ("exp(1000) > 1e300", True),
        ("sqrt(-1) != sqrt(-1)", True),
        ("substring('abc', 1) = 'bc'", True),
        ("substring('abc', 1, 1) = 'b'", True),
        ("substring('abc', 3) = ''", True),
        ("substring('abc', 4) = ''", None),
        ("substring('abc', 1, 3) = ''", None),
        ("substring('abc', 1 / 0) = ''", None),
        ("index_of('abc', 'x') = -1", True),
        ("is_number(as_number('1_000'))", False),
        ("is_number(as_number('nan'))", False),
        ("is_number(as_number(' -.5e3 '))", True),
        ("as_number('0x10') = 16", None),
        ("'Z' < 'a'", True),
        ("'\\ud83d\\ude00' < '\\uffee'", True),
        ("null", False),
        ("NOT null", True),
        ("null AND undefined", False),
        ("null OR true", True),
        ("undefined ?? true", True),
        ("3", None),
        ("'text'", None),
        ("$body", None),
        ("undefined", None),
        ("'x' = null", False),
        ("null = null", True),
    ],
)
def test_corners(text: str, expected: bool | None) -> None:
    assert said(parse_condition(text)) is expected


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("utf-8", b'{"v": 5}'),
        ("UTF-8", b"\xef\xbb\xbf" + b'{"v": 5}'),
        ("utf-16", '{"v": 5}'.encode("utf-16")),
        ("utf-16", '{"v": 5}'.encode("utf-16-le")),
        ("utf-32", '{"v": 5}'.encode("utf-32")),
        ("utf-32", '{"v": 5}'.encode("utf-32-le")),
    ],
)
def test_bodies_are_read_in_each_encoding(encoding: str, body: bytes) -> None:
    message = Message(content_type="application/json", content_encoding=encoding, body=body)
    assert compiled(parse_condition("$body.v = 5"))(Reading(message)) is True


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"\x00\xd8" * 9, b'"\\ud800"'],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "latin-1", ""])
def test_a_body_that_is_no_json_is_undefined_and_harms_nobody(body: bytes, encoding: str) -> None:
    message = Message(content_type="application/json", content_encoding=encoding, body=body)
    assert compiled(parse_condition("$body.a = 5"))(Reading(message)) is None


def test_a_huge_number_in_a_body_is_undefined_or_infinite_but_no_error() -> None:
    body = b'{"v": ' + b"9" * 400 + b"}"
    message = Message(content_type="application/json", content_encoding="utf-8", body=body)
    assert compiled(parse_condition("$body.v > 5"))(Reading(message)) in (None, True)


def test_a_condition_can_make_no_text_that_fills_the_memory() -> None:
    text = "a"
    for _ in range(9):
        text = f"concat({text}, {text})"
    message = Message(properties={"a": "x" * 250_000})
    assert compiled(parse_condition(f"length({text}) > 5"))(Reading(message)) is None
    joined = " || ".join(["a"] * 40)
    assert compiled(parse_condition(f"length({joined}) > 5"))(Reading(message)) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("t", True),
        ("t.v", True),
        ("gone", False),
        ("off", True),
        ("list[1]", True),
        ("list[7]", False),
        ("list[99999999999999999999]", False),
        ("properties.reported.t.v", True),
        ("properties.reported.x", False),
        ("properties.desired.t", False),
    ],
)
def test_a_twin_change_tells_what_it_touches(path: str, expected: bool) -> None:
    patch = b'{"t": {"v": 5}, "off": null, "list": [1, 2]}'
    condition = parse_condition(f"twin_change_includes('{path}')", twin_changes=True)
    assert compiled(condition)(Reading(Message(twin_change=True, body=patch))) is expected
    assert compiled(condition)(Reading(Message(body=patch))) is None


def test_a_created_time_beyond_all_calendars_is_undefined() -> None:
    condition = compiled(parse_condition("$enqueuedTime > '2020'"))
    assert condition(Reading(Message(created=10**18))) is None
    assert condition(Reading(Message())) is None
    assert condition(Reading(Message(created=1_795_290_000_123))) is True


def test_infinity_is_where_mathematics_says() -> None:
    assert math.isinf(float("inf"))
    assert said(parse_condition("floor(1 / 0) > 5")) is True


def test_a_property_of_the_senders_comes_before_the_networks_unless_it_is_forced() -> None:
    message = Message(message_id="m", properties={"$messageId": "mine", "$own": "x"})
    for text, expected in (
        ("$messageId = 'mine'", True),
        ("$MESSAGEID = 'mine'", True),
        ("{$messageId} = 'm'", True),
        ("{$messageId} = 'mine'", False),
        ("$own = 'x'", True),
        ("$edgeMessageId = 'm'", True),
        ("$other = 'x'", None),
    ):
        assert compiled(parse_condition(text))(Reading(message)) is expected, text
