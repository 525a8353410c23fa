from hypothesis import given, settings
from hypothesis import strategies as st

from routing.language import Expression, Query, parse_condition, parse_query, printed
from tests.routing.language.trees import conditions, queries


@given(conditions)
@settings(max_examples=500, deadline=None)
def test_what_is_printed_is_read_as_the_same_tree(tree: Expression) -> None:
    assert parse_condition(printed(tree)) == tree


@given(queries)
def test_a_printed_query_is_read_as_the_same_query(query: Query) -> None:
    assert parse_query(printed(query)) == query


@given(conditions, st.randoms(use_true_random=False))
def test_spaces_comments_and_parentheses_around_a_condition_change_nothing(
    tree: Expression, random: object
) -> None:
    assert parse_condition(f"/* why */ ( \n\t{printed(tree)} /**/ )") == tree


def test_no_parenthesis_is_printed_that_is_not_needed() -> None:
    for text in (
        "a = 'x' AND b = 'y' OR NOT (c = 'z')",
        "(a ?? 'x') = 'y'",
        "as_number(a) - (1 - 2) - 3 > - (4 + 5) * 6",
        "is_defined(a) AND (b = 'x' OR c = 'y')",
        "$body.t[2].v >= -1.5",
        "(a = 'x' AND b = 'x') AND c = 'x'",
        "a = 'x' OR (b = 'x' OR c = 'x') OR c = 'x'",
        "NOT NOT (a = 'x')",
        "true = 1 < 2",
        "1 < 2 = true != (true = false)",
        "{$contentType} = 'it\\'s'",
    ):
        assert printed(parse_condition(text)) == text


def test_what_can_be_written_in_two_ways_is_printed_in_one() -> None:
    written = "a<>\"x\"  and  LENGTH( b )>=0x1F or $CONTENTTYPE = 'y'"
    assert printed(parse_condition(written)) == (
        "a != 'x' AND length(b) >= 31 OR $contentType = 'y'"
    )
