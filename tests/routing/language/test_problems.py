import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.language import (
    NotTheLanguage,
    Reading,
    compiled,
    parse_condition,
    parse_query,
    printed,
)
from routing.language.parse import LONGEST
from routing.message import Message
from tests.routing.language.trees import conditions

PIECES = st.sampled_from(
    [
        *"()=<>+-*/%!|&?{}[],.;:@#\\'\"$ \n\x00",
        *(
            "AND",
            "or",
            "NOT",
            "true",
            "null",
            "undefined",
            "a",
            "temp",
            "5",
            "-1",
            "0x",
            "1e9",
            "/*",
        ),
        *("*/", "'x'", '"', "||", "??", "<>", "!=", "==", "$body", "$body.t", "{$to}", "length"),
        *("FROM", "/messages/*", "WHERE", "INTO", "$upstream", "BrokeredEndpoint", "SELECT", "in"),
    ]
)
HOSTILE = (
    st.text(max_size=60)
    | st.lists(PIECES, max_size=25).map("".join)
    | st.lists(PIECES, max_size=25).map(" ".join)
)


@given(HOSTILE)
@settings(max_examples=1500, deadline=None)
def test_a_text_is_read_or_is_told_what_is_wrong_with_it(text: str) -> None:
    for read in (parse_condition, parse_query):
        tree = read_or_told(read, text)
        if not isinstance(tree, NotTheLanguage):
            assert read(printed(tree)) == tree


Tree = TypeVar("Tree")


def read_or_told(read: Callable[[str], Tree], text: str) -> Tree | NotTheLanguage:
    """The tree, or a problem that says where and what."""
    try:
        return read(text)
    except NotTheLanguage as caught:
        problem = caught
    assert problem.problem
    assert problem.sentence
    assert 0 <= problem.start <= problem.end <= len(text)
    assert problem.line >= 1
    assert problem.column >= 1
    line, marks = problem.excerpt.split("\n")
    assert "^" in marks
    assert len(marks) <= max(len(line), marks.index("^") + 1)
    return problem


@given(conditions, st.data())
def test_a_condition_with_one_character_less_is_read_or_told(
    tree: object, data: st.DataObject
) -> None:
    text = printed(tree)  # type: ignore[arg-type]  # conditions are expressions
    at = data.draw(st.integers(0, len(text)))
    read_or_told(parse_condition, text[:at] + text[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "(" * LONGEST,
        "(" * 4000 + "true" + ")" * 4000,
        "NOT " * 2000 + "true",
        "- " * 4000 + "1",
        "lower(" * 1300 + "a" + ")" * 1300,
        " + ".join(["1"] * 2000),
        " ?? ".join(["a"] * 1600),
        " OR ".join(["a = 'x'"] * 650),
        "$body" + ".a" * 4000,
        "$body" + "[0]" * 2600 + "x",
        "$body" + ".a[0]" * 1600 + "..",
        "'" + "\\" * 8000,
        '"' + "\\'" * 4000,
        "/*" * 4000,
        "/* *" * 2000,
        "1" * 8000,
        "0x" + "f" * 8000,
        "a" * 9000,
        "-" * 8000,
        "!" * 8000 + "=",
        "f" * 8000 + "(",
        "\ud800",
    ],
    ids=lambda text: text[:12].encode("ascii", "replace").decode(),
)
def test_no_text_takes_long(text: str) -> None:
    parse_condition("true")  # the grammar is loaded
    started = time.process_time()
    condition = read_or_told(parse_condition, text)
    if not isinstance(condition, NotTheLanguage):
        assert compiled(condition)(Reading(Message())) in (True, False, None)
        assert parse_condition(printed(condition)) == condition
    assert time.process_time() - started < 2


def test_the_deepest_and_widest_that_is_read_is_compiled_soon() -> None:
    text = "true"
    for level in range(29):
        wide = " OR ".join(f"a{level} = '{i}'" for i in range(29))
        text = f"({text} AND ({wide})) OR $body.x" if level % 2 else f"NOT ({text})"
    assert LONGEST - 3000 < len(text) < LONGEST
    condition = parse_condition(text)
    started = time.process_time()
    assert compiled(condition)(Reading(Message())) is None
    assert time.process_time() - started < 2


def test_a_problem_shows_where_it_is() -> None:
    with pytest.raises(NotTheLanguage) as caught:
        parse_condition("a = 'x' AND\n  temp > 70")
    problem = caught.value
    assert (problem.line, problem.column) == (2, 3)
    assert problem.excerpt == "  temp > 70\n  ^^^^^^^^^"
    assert "did you mean as_number(temp) > 70?" in problem.sentence
    moved = problem.within("WHERE a = 'x' AND\n  temp > 70", 6)
    assert (moved.line, moved.column) == (2, 3)


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(NotTheLanguage) as caught:
        parse_condition("a = 'x' OR " * 50 + "b == 'x'" + " OR a = 'y'" * 50)
    line, marks = caught.value.excerpt.split("\n")
    assert len(line) <= 76
    assert line[marks.index("^")] == "="


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("temp > 70", "as_number(temp) > 70"),
        ("70 < temp", "70 < as_number(temp)"),
        ("a == 'x'", "there is no ==: write ="),
        ("a!='x'", "around != spaces are needed"),
        ("a||'b' = 'x'", "around || spaces are needed"),
        ("temp+1 > 70", "around + spaces are needed"),
        ("as_number(a)-1 = 3", "spaces around - are needed"),
        ("a -1 = 3", "spaces around - are needed"),
        ("-as_number(a) > 3", "- as_number(…)"),
        ("flag AND a = 'x'", "flag = 'true'"),
        ("flag = true", "flag = 'true'"),
        ("NOT a = 'x'", "NOT binds more tightly"),
        ("missing ?? 'x' = 'x'", "(missing ?? 'x') = 'x'"),
        ("a = 'x' && b = 'y'", "write AND"),
        ("a in ('x')", "there is no IN"),
        ("a like 'x%'", "there is no LIKE"),
        ("a between 1 and 2", "there is no BETWEEN"),
        ("a is not null", "is_defined(a)"),
        ("!(a = 'x')", "write NOT (…)"),
        ("lenght(a) > 3", "did you mean length?"),
        ("is_array($body.x)", "the cloud alone"),
        ("$twin.tags.x = 'y'", "the cloud alone"),
        ("$conectionModuleId = 'x'", "$connectionModuleId"),
        ("a = 'it''s'", "written \\'"),
        ("a = 'x", "has no ' at its end"),
        ("a = '\\n'", "is no escape"),
        ("a = '\\ud800'", "half a character"),
        ("(a = 'x'", "a ) is missing"),
        ("a = 'x')", "no ( stands before it"),
        ("a = 'x';", "without a ;"),
        ("a = ", "a value is missing"),
        ("$body.a[x] = 1", "$body.list[0].name"),
        ("$body.a..b = 1", "$body.member"),
        ("{a} = 'x'", "write a"),
        ("1 < 2 < 3", "compare two at a time"),
        ("length(a, b) = 1", "takes 1 value, not 2"),
        ("substring(a) = 'x'", "takes 2 or 3 values, not 1"),
        ("concat() = 'x'", "1 or more values"),
        ("abs(a) = 1", "did you mean as_number(a)?"),
        ("twin_change_includes('a')", "/twinChangeNotifications"),
        ("a = 'x' INTO $upstream", "a condition has no INTO"),
        ("true < false", "write = or !="),
        ("/* why", "*/"),
    ],
)
def test_a_mistake_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(NotTheLanguage) as caught:
        parse_condition(text)
    assert hint in caught.value.sentence


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "a query is missing"),
        ("messages", "a query is FROM source"),
        ("FROM", "after FROM a source is needed"),
        ("FROM messages INTO $upstream", "a source begins with /"),
        ("FROM /mesages/* INTO $upstream", "did you mean /messages/*?"),
        ("FROM /messages/modules/m/inputs/* INTO $upstream", "no message comes from there"),
        ("FROM / INTO $upstream", "a source is missing"),
        ("FROM //messages INTO $upstream", "two / follow each other"),
        ("FROM /deviceLifecycleEvents INTO $upstream", "tells of the cloud"),
        ("FROM /messages/*", "INTO $upstream or"),
        ("FROM /messages/* INTO", "after INTO a sink is needed"),
        ("FROM /messages/* INTO upstream", "write INTO $upstream"),
        ("FROM /messages/* INTO BrokeredEndpoint('/modules/x')", "that is no input"),
        ("FROM /messages/* INTO BrokeredEndpoint('/modules/x/inputs/')", "a name is missing"),
        ("FROM /messages/* INTO BrokeredEndpoint('/modules/x/inputs/*')", "to one input"),
        ("FROM /messages/* WHERE INTO $upstream", "after WHERE a condition is needed"),
        ("SELECT a FROM /messages/* INTO $upstream", "write SELECT *"),
        (
            "FROM /messages/* WHERE twin_change_includes('a') INTO $upstream",
            "asks of changed twins",
        ),
    ],
)
def test_a_mistake_in_a_query_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(NotTheLanguage) as caught:
        parse_query(text)
    assert hint in caught.value.sentence


def test_a_comment_after_a_source_with_a_star_swallows_nothing() -> None:
    query = parse_query("FROM /messages/* WHERE a = 'x' /* of all */ AND b = 'y' INTO $upstream")
    assert printed(query) == "FROM /messages/* WHERE a = 'x' AND b = 'y' INTO $upstream"
