"""What kind of value each part of a condition has, known before there is a message.

Pure. The language converts nothing by itself: a property is text, and to compare it with a number
is a mistake that its writer hears of, rather than a condition that is never true.
"""

import difflib

from routing.language.functions import FUNCTIONS, TWIN_CHANGE, Kind
from routing.language.printing import printed
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
    System,
    Text,
    Truth,
    Undefined,
)

_OPEN = frozenset({Kind.DYNAMIC, Kind.UNDEFINED})
"""Kinds that may turn out to be any."""


class Mismatch(Exception):
    """A part that has no sense, with the sentence and the hint of a NotTheLanguage."""

    def __init__(self, node: Expression, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.node, self.problem, self.hint = node, problem, hint


def kind_of(node: Expression, *, twin_changes: bool = False) -> Kind:
    """The kind of value that it has. Errors: Mismatch, at the innermost part that has none."""
    match node:
        case Number():
            return Kind.NUMBER
        case Text() | Property() | System():
            return Kind.TEXT
        case Truth():
            return Kind.TRUTH
        case Null():
            return Kind.NULL
        case Undefined():
            return Kind.UNDEFINED
        case Body():
            return Kind.DYNAMIC
        case Negative():
            _number(node.operand, kind_of(node.operand, twin_changes=twin_changes), "-")
            return Kind.NUMBER
        case Not():
            kind = kind_of(node.operand, twin_changes=twin_changes)
            _truth(node.operand, kind, "NOT")
            return Kind.TRUTH
        case And() | Or():
            word = "AND" if isinstance(node, And) else "OR"
            for operand in node.operands:
                _truth(operand, kind_of(operand, twin_changes=twin_changes), word)
            return Kind.TRUTH
        case Call():
            return _call(node, twin_changes)
        case Binary():
            left = kind_of(node.left, twin_changes=twin_changes)
            return _binary(node, left, kind_of(node.right, twin_changes=twin_changes))


def _binary(node: Binary, left: Kind, right: Kind) -> Kind:
    match node.operator:
        case "||":
            for side, kind in ((node.left, left), (node.right, right)):
                if kind is not Kind.TEXT and kind not in _OPEN:
                    raise Mismatch(side, f"|| joins texts, and this is {kind.value}", _OR_HINT)
            return Kind.TEXT
        case "+" | "-" | "*" | "/" | "%":
            _number(node.left, left, node.operator)
            _number(node.right, right, node.operator)
            return Kind.NUMBER
        case "??":
            return _default(node, left, right)
        case _:
            _comparable(node, node.operator, left, right)
            return Kind.TRUTH


_OR_HINT = "for one or the other write OR"


def _default(node: Binary, left: Kind, right: Kind) -> Kind:
    if left is right or right is Kind.UNDEFINED:
        return left
    if left is Kind.UNDEFINED:
        return right
    if Kind.DYNAMIC in (left, right):
        return Kind.DYNAMIC
    hint = "?? has the same kind of value on both sides"
    if isinstance(node.right, Binary) and kind_of(node.right.left) is left:
        inner, first = node.right, printed(Binary("??", node.left, node.right.left))
        hint = f"?? binds loosest: did you mean ({first}) {inner.operator} {printed(inner.right)}?"
    raise Mismatch(node, f"{left.value} ?? {right.value}", hint)


def _comparable(node: Binary, operator: Operator, left: Kind, right: Kind) -> None:
    ordered = operator not in ("=", "!=")
    if ordered:
        for side, kind in ((node.left, left), (node.right, right)):
            if kind in (Kind.TRUTH, Kind.NULL):
                hint = _CHAIN_HINT if isinstance(side, Binary) else "write = or !="
                raise Mismatch(side, f"{operator} has no sense with {kind.value}", hint)
    elif Kind.NULL in (left, right):
        return
    if left is right or left in _OPEN or right in _OPEN:
        return
    problem = f"{left.value} {operator} {right.value} is never so: nothing is converted by itself"
    raise Mismatch(node, problem, _conversion(node, left, right))


_CHAIN_HINT = "compare two at a time: a < b AND b < c"


def _conversion(node: Binary, left: Kind, right: Kind) -> str:
    """What the writer of a comparison between kinds probably meant."""
    kinds = {left, right}
    for side in (node.left, node.right):
        if isinstance(side, Not):
            inner = Binary(node.operator, side.operand, node.right)
            return f"NOT binds more tightly: did you mean NOT ({printed(inner)})?"
        if isinstance(side, Property) and (spaced := _spaced(side.name)):
            return spaced
    if kinds == {Kind.TEXT, Kind.NUMBER}:
        if isinstance(node.left, Text):
            return f"did you mean {node.left.value} {node.operator} {printed(node.right)}?"
        if isinstance(node.right, Text) and left is Kind.NUMBER:
            return f"did you mean {printed(node.left)} {node.operator} {node.right.value}?"
        text_is_left = left is Kind.TEXT
        text = Call("as_number", (node.left if text_is_left else node.right,))
        meant = Binary(
            node.operator,
            text if text_is_left else node.left,
            node.right if text_is_left else text,
        )
        return f"did you mean {printed(meant)}?"
    if kinds == {Kind.TEXT, Kind.TRUTH}:
        if isinstance(node.right, Truth):
            quoted = Text("true" if node.right.value else "false")
            return f"did you mean {printed(Binary(node.operator, node.left, quoted))}?"
        if any(isinstance(s, Binary) and s.operator in _COMPARING for s in (node.left, node.right)):
            return "two values are compared at a time: put AND or OR between comparisons"
    return "write both sides as the same kind of value"


_COMPARING = ("=", "!=", "<", "<=", ">", ">=")


def _spaced(name: str) -> str:
    """A hint for a name that was probably meant as an operation."""
    for operator in ("||", "+", "*", "%", "-"):
        first, found, second = name.partition(operator)
        if found and first and second:
            return f"{name} is one name: around {operator} spaces are needed, if two are meant"
    return ""


def _number(node: Expression, kind: Kind, operator: str) -> None:
    if kind is Kind.NUMBER or kind in _OPEN:
        return
    if kind is Kind.TEXT:
        meant = printed(Call("as_number", (node,)))
        hint = f"did you mean {meant}?"
        if isinstance(node, Property) and (spaced := _spaced(node.name)):
            hint = spaced
        elif operator == "+":
            hint += " Texts are joined by ||"
    else:
        hint = "only numbers have it"
    raise Mismatch(node, f"{operator} needs numbers, and this is {kind.value}", hint)


def _truth(node: Expression, kind: Kind, word: str) -> None:
    if kind in (Kind.TRUTH, Kind.NULL) or kind in _OPEN:
        return
    hint = "compare it with something"
    if word == "NOT":
        hint = f"NOT binds more tightly than = and <: write NOT ({printed(node)} = …)"
    elif isinstance(node, Property | System):
        hint = f"did you mean {printed(Binary('=', node, Text('true')))}?"
        if isinstance(node, Property) and (spaced := _spaced(node.name)):
            hint = spaced
    raise Mismatch(node, f"{word} needs what is true or false, and this is {kind.value}", hint)


def _call(node: Call, twin_changes: bool) -> Kind:
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise Mismatch(node, f"there is no function {node.function}", _nearest(node.function))
    if node.function == TWIN_CHANGE and not twin_changes:
        raise Mismatch(
            node,
            f"{TWIN_CHANGE} asks of changed twins, and this route is of messages",
            "it belongs to the source /twinChangeNotifications",
        )
    given = len(node.arguments)
    if given < function.fewest or (function.most is not None and given > function.most):
        raise Mismatch(node, f"{node.function} takes {_how_many(node.function)}, not {given}")
    for position, argument in enumerate(node.arguments):
        kind = kind_of(argument, twin_changes=twin_changes)
        wanted = function.kind(position)
        if function.about_kinds or kind is wanted or kind in _OPEN:
            continue
        hint = ""
        if kind is Kind.TEXT and wanted is Kind.NUMBER:
            hint = f"did you mean {printed(Call('as_number', (argument,)))}?"
        problem = f"{node.function} needs {wanted.value} here, and this is {kind.value}"
        raise Mismatch(argument, problem, hint)
    return function.gives


def _how_many(name: str) -> str:
    function = FUNCTIONS[name]
    if function.most is None:
        return f"{function.fewest} or more values"
    few = str(function.fewest)
    both = few if function.optional == 0 else f"{few} or {function.most}"
    return f"{both} value" if both == "1" else f"{both} values"


_CLOUD = ("is_array", "is_object", "is_primitive")
_OTHER_WORDS = {
    "!": "write NOT (…)",
    "in": "there is no IN: write a = 'x' OR a = 'y'",
    "tonumber": "as_number",
    "len": "length",
    "substr": "substring",
    "ceil": "ceiling",
    "is_text": "is_string",
    "pow": "power",
}


def _nearest(name: str) -> str:
    if name in _CLOUD:
        return "the edge does not have it, the cloud alone"
    other = _OTHER_WORDS.get(name)
    if other is not None:
        return other if " " in other else f"did you mean {other}?"
    if name.startswith("-"):
        return f"a space is needed: - {name[1:]}(…)"
    near = difflib.get_close_matches(name[:64], FUNCTIONS, 1, 0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(FUNCTIONS))}"
