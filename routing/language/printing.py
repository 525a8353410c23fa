"""Writing a tree as text: always the same for the same tree, and read again it is that tree."""

import re

from routing.language.tree import (
    And,
    Binary,
    Body,
    Call,
    Expression,
    Input,
    Negative,
    Not,
    Null,
    Number,
    Operator,
    Or,
    Property,
    Query,
    System,
    Text,
    Truth,
    Undefined,
)

_LOOSEST, _OR, _AND, _NOT, _MINUS = 0, 1, 2, 7, 8

_LEVELS: dict[Operator, int] = {
    "??": _LOOSEST,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "||": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
"""How tightly each binds; AND, OR, NOT and the sign stand between."""


def printed(tree: Expression | Query) -> str:
    """The text of a condition or of a whole query, with no parenthesis too many."""
    if not isinstance(tree, Query):
        return _text(tree, _LOOSEST)
    condition = f" WHERE {_text(tree.condition, _LOOSEST)}" if tree.condition is not None else ""
    return f"FROM {tree.source.path}{condition} INTO {_sink(tree)}"


def _sink(query: Query) -> str:
    if not isinstance(query.sink, Input):
        return "$upstream"
    path = f"/modules/{query.sink.module}/inputs/{query.sink.name}"
    return f"BrokeredEndpoint({quoted(path, chr(34))})"


def quoted(text: str, quote: str = "'") -> str:
    """A text as it is written in the language."""
    return quote + _AWKWARD.sub(lambda found: _escaped(found[0], quote), text) + quote


_AWKWARD = re.compile(r"""['"\\]|[^\x20-\x7e\xa1-\uffff]|[\u2000-\u200f\u2028-\u202f\ufeff]""")
"""Quotes, backslashes, and what would not be seen."""


def _escaped(character: str, quote: str) -> str:
    if character in "'\"":
        return "\\" + character if character == quote else character
    if character == "\\":
        return "\\\\"
    units = character.encode("utf-16-be")
    if len(units) > 2:
        return character  # beyond \uFFFF: seen as it is
    return f"\\u{units.hex()}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _body(path: tuple[str | int, ...]) -> str:
    return "$body" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _within(text: str, level: int, needed: int) -> str:
    return text if level >= needed else f"({text})"


def _text(node: Expression, needed: int) -> str:
    match node:
        case Number():
            return _number(node.value)
        case Text():
            return quoted(node.value)
        case Truth():
            return "true" if node.value else "false"
        case Null():
            return "null"
        case Undefined():
            return "undefined"
        case Property():
            return node.name
        case System():
            return f"{{${node.name}}}" if node.forced else f"${node.name}"
        case Body():
            return _body(node.path)
        case Call():
            return f"{node.function}({', '.join(_text(a, _LOOSEST) for a in node.arguments)})"
        case Negative():
            return _within(f"- {_text(node.operand, _MINUS)}", _MINUS, needed)
        case Not():
            return _within(f"NOT {_text(node.operand, _NOT)}", _NOT, needed)
        case And():
            joined = " AND ".join(_text(operand, _AND + 1) for operand in node.operands)
            return _within(joined, _AND, needed)
        case Or():
            joined = " OR ".join(_text(operand, _OR + 1) for operand in node.operands)
            return _within(joined, _OR, needed)
        case Binary():
            level = _LEVELS[node.operator]
            left, right = _text(node.left, level), _text(node.right, level + 1)
            return _within(f"{left} {node.operator} {right}", level, needed)
