"""Reading a text of the route language. The one door to the grammar library, which it loads late.

Pure. Whatever the text, it ends in a tree or in a NotTheLanguage, after a time that is bounded by
the length that texts may have.
"""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from routing.language.building import Refused, built
from routing.language.problem import NotTheLanguage
from routing.language.syntax import misplaced
from routing.language.tree import Expression, Query, children
from routing.language.types import Mismatch, kind_of

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

LONGEST = 8192
"""Characters of a text."""
DEEPEST = 60
"""Levels of a tree: parts within parts."""
MOST_PARTS = 2000
"""Of a tree."""


def load() -> None:
    """Load the grammar: some 100 ms, once in a process, which the first text else has to wait for.

    For whoever reads texts where nothing may wait so long; in a thread.
    """
    _grammar()


def parse_condition(text: str, *, twin_changes: bool = False) -> Expression:
    """The condition, without WHERE. `twin_changes`: of a route for changed twins.

    Errors: NotTheLanguage.
    """
    tree = _parsed(text, "condition", "a condition")
    node, spans = _built(text, tree)
    if isinstance(node, Query):
        raise AssertionError("a condition is no query")
    return _checked(text, node, spans, twin_changes)


def parse_query(text: str) -> Query:
    """The whole statement: FROM source WHERE condition INTO sink.

    Errors: NotTheLanguage.
    """
    tree = _parsed(text, "query", "a query")
    query, spans = _built(text, tree)
    if not isinstance(query, Query):
        raise AssertionError("a query is no condition")
    if query.condition is not None:
        # Of both kinds of source, `/*`, messages come that are no changed twins too: it says
        # undefined of them, as it does of all that it can't be asked of.
        _checked(text, query.condition, spans, query.source.twin_changes)
    return query


Spans = dict[int, tuple[int, int]]
"""Where each part of a tree stands in its text, by its id: the tree itself does not know."""


@cache
def _grammar() -> "Lark":
    from lark import Lark

    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        start=["query", "condition"],
        parser="lalr",
        lexer="contextual",
        propagate_positions=True,
        maybe_placeholders=False,
    )


_SURROGATES = re.compile("[\ud800-\udfff]")


def _parsed(text: str, start: str, what: str) -> "Tree[Token]":
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    if len(text) > LONGEST:
        problem = f"{what} of {len(text)} characters is too long"
        raise NotTheLanguage(text, LONGEST, len(text), problem, f"at most {LONGEST} are read")
    if lone := _SURROGATES.search(text):
        raise NotTheLanguage(text, lone.start(), lone.end(), "half a character stands here")
    if not text.strip():
        raise NotTheLanguage(text, 0, 0, f"{what} is missing")
    try:
        return _grammar().parse(text, start=start)
    except UnexpectedCharacters as unexpected:
        at: int | None = unexpected.pos_in_stream
        expected = set(unexpected.allowed or ())
    except UnexpectedToken as unexpected:
        ended = unexpected.token.type == "$END"
        at = len(text) if ended else unexpected.token.start_pos
        expected = set(unexpected.expected)
    raise misplaced(text, at or 0, expected) from None


def _built(text: str, tree: "Tree[Token]") -> tuple[Expression | Query, Spans]:
    try:
        return built(text, tree)
    except Refused as refused:
        raise NotTheLanguage(
            text, refused.start, refused.end, refused.problem, refused.hint
        ) from None


def _checked(text: str, node: Expression, spans: Spans, twin_changes: bool) -> Expression:
    _bounded(text, node, spans)
    try:
        kind_of(node, twin_changes=twin_changes)
    except Mismatch as mismatch:
        start, end = spans[id(mismatch.node)]
        raise NotTheLanguage(text, start, end, mismatch.problem, mismatch.hint) from None
    return node


def _bounded(text: str, node: Expression, spans: Spans) -> None:
    """What is done with trees later is recursive: here, and only here, it is not."""
    waiting, parts = [(node, 1)], 0
    while waiting:
        part, level = waiting.pop()
        parts += 1
        if level > DEEPEST or parts > MOST_PARTS:
            start, end = spans[id(part)]
            problem = "too many parts within parts" if level > DEEPEST else "too many parts"
            hint = "make several routes of it, or of a + b + c … a property of its own"
            raise NotTheLanguage(text, start, end, problem, hint)
        waiting += [(child, level + 1) for child in children(part)]
