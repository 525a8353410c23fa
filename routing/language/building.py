"""From the grammar library's tree to ours. Loaded with it, by `parse.py` alone.

Not recursive, so that no text is too deep for it.
"""

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from routing.language.sources import BadPath, sink_of, source_of
from routing.language.tree import (
    And,
    Binary,
    Body,
    Call,
    Expression,
    Negative,
    Not,
    Null,
    Number,
    Operator,
    Or,
    Property,
    Query,
    Sink,
    Source,
    System,
    Text,
    Truth,
    Undefined,
    Upstream,
)
from routing.language.words import SYSTEM_NAMES, nearest_system_name

if TYPE_CHECKING:
    from lark import Token, Tree


class Refused(Exception):
    """Words in their places, and yet without sense; with the parts of a NotTheLanguage."""

    def __init__(self, start: int, end: int, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.start, self.end, self.problem, self.hint = start, end, problem, hint


Part = Expression | Sink | Query
Built = dict[int, Part]


def built(text: str, tree: "Tree[Token]") -> tuple[Expression | Query, dict[int, tuple[int, int]]]:
    """Our tree of it, and where each of its parts stands. Errors: Refused."""
    parts: Built = {}
    spans: dict[int, tuple[int, int]] = {}
    # iter_subtrees: every tree after those within it.
    for subtree in tree.iter_subtrees():
        part = _PARTS[str(subtree.data)](_Piece(text, subtree, parts))
        parts[id(subtree)] = part
        spans[id(part)] = (subtree.meta.start_pos, subtree.meta.end_pos)
    whole = parts[id(tree)]
    if isinstance(whole, Upstream) or not isinstance(whole, Query | Expression):
        raise AssertionError(f"a {tree.data} is no whole text")
    return whole, spans


class _Piece:
    """A subtree whose own subtrees are built."""

    def __init__(self, text: str, subtree: "Tree[Token]", parts: Built) -> None:
        self.text = text
        self._subtree, self._parts = subtree, parts

    def expressions(self) -> tuple[Expression, ...]:
        found = (self._parts.get(id(child)) for child in self._subtree.children)
        return tuple(part for part in found if isinstance(part, Expression))

    def sink(self) -> Sink:
        for child in self._subtree.children:
            part = self._parts.get(id(child))
            if isinstance(part, Sink):
                return part
        raise AssertionError("a query has a sink")

    def word(self, position: int = 0) -> "Token":
        words = [child for child in self._subtree.children if isinstance(child, str)]
        return words[position]

    def typed(self, kind: str) -> "Token":
        words = (child for child in self._subtree.children if isinstance(child, str))
        return next(word for word in words if word.type == kind)


def _refused(word: "Token", problem: str, hint: str = "") -> Refused:
    start = word.start_pos or 0
    return Refused(start, start + len(word), problem, hint)


def _query(piece: _Piece) -> Query:
    conditions = piece.expressions()
    return Query(
        _source(piece.typed("SOURCE")), conditions[0] if conditions else None, piece.sink()
    )


def _source(word: "Token") -> Source:
    try:
        return source_of(str(word))
    except BadPath as bad:
        raise _refused(word, bad.problem, bad.hint) from None


def _endpoint(piece: _Piece) -> Sink:
    word = piece.typed("TEXT")
    try:
        return sink_of(_unquoted(word))
    except BadPath as bad:
        raise _refused(word, bad.problem, bad.hint) from None


def _number(piece: _Piece) -> Number:
    value = float(piece.word())
    if not math.isfinite(value):
        raise _refused(piece.word(), "the number is too large")
    return Number(value)


def _hexadecimal(piece: _Piece) -> Number:
    try:
        return Number(float(int(piece.word(), 16)))
    except OverflowError:
        raise _refused(piece.word(), "the number is too large") from None


_ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)


def _unquoted(word: "Token") -> str:
    plain = _ESCAPES.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], word[1:-1])
    try:  # two halves, each \u, are one character
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _refused(word, "half a character stands in the text") from None


def _property(piece: _Piece) -> Expression:
    word = piece.word()
    name, end = str(word), word.end_pos or 0
    if name.startswith("$"):
        return _system(word, forced=False)
    if name.endswith("!") and piece.text[end : end + 1] == "=":
        raise _refused(word, f"{name} is a name here", "around != spaces are needed")
    if "||" in name:
        raise _refused(word, f"{name} is one name", "around || spaces are needed")
    if not name.strip("+-*%!|&^"):
        hint = {"&&": "write AND", "!": "write NOT (…)"}.get(name, "")
        raise _refused(word, f"{name} stands where a value belongs", hint)
    return Property(name)


def _forced(piece: _Piece) -> Expression:
    word = piece.word()
    if not word.startswith("$"):
        raise _refused(word, "{ } are for what begins with $", f"write {word}")
    return _system(word, forced=True)


def _system(word: "Token", *, forced: bool) -> Expression:
    name = word[1:]
    lowered = name.lower()
    if lowered.startswith("body.") or lowered == "body":
        raise _refused(word, "that is no place in a body", "write $body.member.other[0]")
    if lowered == "twin" or lowered.startswith("twin."):
        hint = "take what the sender knows into a property"
        raise _refused(word, "the edge has no $twin, the cloud alone", hint)
    if lowered in ("upstream", ""):
        raise _refused(word, f"{word} is no value")
    known = SYSTEM_NAMES.get(lowered)
    if known is not None:
        return System(known, forced)
    near = nearest_system_name(name)
    if forced or near:
        hint = (
            f"did you mean ${near}?" if near else f"there are ${', $'.join(SYSTEM_NAMES.values())}"
        )
        raise _refused(word, f"there is no {word}", hint)
    return System(name)


_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")


def _body(piece: _Piece) -> Body:
    steps = _STEP.findall(piece.word())
    return Body(tuple(member or int(element) for member, element in steps))


def _call(piece: _Piece) -> Call:
    return Call(piece.word().lower(), piece.expressions())


def _binary(piece: _Piece) -> Binary:
    left, right = piece.expressions()
    return Binary(_OPERATORS[str(piece.word())], left, right)


_OPERATORS: dict[str, Operator] = {
    "*": "*",
    "/": "/",
    "%": "%",
    "+": "+",
    "-": "-",
    "||": "||",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "=": "=",
    "!=": "!=",
    "<>": "!=",
    "??": "??",
}

_PARTS: dict[str, Callable[[_Piece], Part]] = {
    "query": _query,
    "upstream": lambda _: Upstream(),
    "endpoint": _endpoint,
    "any_of": lambda piece: Or(piece.expressions()),
    "all_of": lambda piece: And(piece.expressions()),
    "binary": _binary,
    "negated": lambda piece: Not(piece.expressions()[0]),
    "negative": lambda piece: Negative(piece.expressions()[0]),
    "number": _number,
    "hexadecimal": _hexadecimal,
    "text": lambda piece: Text(_unquoted(piece.word())),
    "true": lambda _: Truth(value=True),
    "false": lambda _: Truth(value=False),
    "null": lambda _: Null(),
    "undefined": lambda _: Undefined(),
    "property": _property,
    "forced": _forced,
    "body": _body,
    "call": _call,
}
"""By the names of the grammar's rules."""
