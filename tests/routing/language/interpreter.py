"""The language once more, as plainly as it can be said: what `compiled` is judged by.

It walks the tree for each message, knows no shortcut, and shares no line with `compiled` or
`functions`. `None` is undefined; ("null",) is null; other values are themselves.
"""

import json
import math
import re
from collections.abc import Callable

from routing.language.functions import Kind
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
    Or,
    Property,
    System,
    Text,
    Truth,
    Undefined,
)
from routing.language.types import kind_of
from routing.message import Message

NULL = ("null",)
Value = bool | float | str | tuple[str] | None


def outcome(node: Expression, message: Message, module: str) -> bool | None:
    value = valued(node, message, module)
    if value == NULL:
        return False
    return value if isinstance(value, bool) else None


def valued(node: Expression, message: Message, module: str) -> Value:
    def of(other: Expression) -> Value:
        return valued(other, message, module)

    match node:
        case Number() | Text() | Truth():
            return node.value
        case Null():
            return NULL
        case Undefined():
            return None
        case Property():
            return _property(message, node.name)
        case System():
            own = None if node.forced else _property(message, "$" + node.name)
            return own if own is not None else _system(message, module, node.name)
        case Body():
            return _body(message, node.path)
        case Negative():
            value = of(node.operand)
            return -value if type(value) is float else None
        case Not():
            value = of(node.operand)
            return {True: False, False: True, NULL: True}.get(value) if _logical(value) else None
        case And() | Or():
            total = of(node.operands[0])
            for position, operand in enumerate(node.operands[1:]):
                is_open = Kind.DYNAMIC in (
                    kind_of(operand),
                    kind_of(node.operands[0]) if position == 0 else Kind.TRUTH,
                )
                total = _logic(isinstance(node, And), total, of(operand), is_open)
            return total
        case Call():
            return _call(node.function, [of(argument) for argument in node.arguments])
        case Binary():
            return _binary(node.operator, of(node.left), of(node.right))


def _logical(value: Value) -> bool:
    return isinstance(value, bool) or value == NULL


def _logic(is_and: bool, left: Value, right: Value, is_open: bool) -> Value:
    if is_open and not (_logical(left) and _logical(right)):
        return None
    if left == NULL:
        return NULL if is_and else right
    table: dict[tuple[object, object], Value] = {}
    for x in (True, False, None):
        for y in (True, False, None, NULL):
            both = {x, y}
            if is_and:
                table[x, y] = False if False in both else None if None in both else y
            else:
                table[x, y] = True if True in both else None if None in both else y
    return table[left, right]


def _property(message: Message, name: str) -> Value:
    if name in message.properties:
        return message.properties[name]
    same = [text for own, text in message.properties.items() if own.lower() == name.lower()]
    return same[0] if same else None


def _system(message: Message, module: str, name: str) -> Value:
    return {
        "messageId": message.message_id,
        "edgeMessageId": message.message_id,
        "contentType": message.content_type or None,
        "contentEncoding": message.content_encoding or None,
        "outputName": message.output or None,
        "connectionModuleId": module or None,
        "edgeHubOriginInterface": "internal",
        "creationTime": "2026-11-21T19:00:00.123Z",
        "enqueuedTime": "2026-11-21T19:00:00.123Z",
    }.get(name)


def _body(message: Message, path: tuple[str | int, ...]) -> Value:
    if not message.twin_change and message.content_type.lower() != "application/json":
        return None
    place = json.loads(message.body)
    for step in path:
        try:
            if isinstance(step, int) and not isinstance(place, list):
                raise KeyError
            place = place[step]
        except (KeyError, IndexError, TypeError):
            place = None
    if place is None:
        return NULL
    if isinstance(place, str) and re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", place):
        return None
    if isinstance(place, dict | list):
        return None
    return float(place) if type(place) is int else place


def _kind(value: Value) -> str:
    return type(value).__name__


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [raw[i] * 256 + raw[i + 1] for i in range(0, len(raw), 2)]


def _binary(operator: str, left: Value, right: Value) -> Value:
    if operator == "??":
        return right if left is None else left
    if left is None or right is None:
        return None
    same = _kind(left) == _kind(right)
    if operator == "=":
        return same and left == right
    if operator == "!=":
        return not (same and left == right)
    if operator == "||":
        return left + right if isinstance(left, str) and isinstance(right, str) else None
    if operator in ("<", "<=", ">", ">="):
        if isinstance(left, str) and isinstance(right, str):
            return _order(operator, _units(left), _units(right))
        return _order(operator, left, right) if _kind(left) == _kind(right) == "float" else None
    if _kind(left) != "float" or _kind(right) != "float":
        return None
    assert isinstance(left, float)
    assert isinstance(right, float)
    return _sum(operator, left, right)


def _order(operator: str, left: object, right: object) -> bool:
    return bool(eval(f"left {operator} right", {}, {"left": left, "right": right}))


def _sum(operator: str, left: float, right: float) -> Value:
    if operator == "%":
        if right == 0:
            return None
        if math.isinf(left) or math.isnan(left) or math.isnan(right):
            return math.nan
        return math.copysign(abs(left) % abs(right), left) if not math.isinf(right) else left
    if operator == "/":
        if right == 0:
            if left == 0 or math.isnan(left):
                return math.nan
            same = math.copysign(1, left) == math.copysign(1, right)
            return math.inf if same else -math.inf
        return left / right
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


def _call(name: str, values: list[Value]) -> Value:
    about: dict[str, Callable[[Value], bool]] = {
        "is_defined": lambda value: value is not None,
        "is_null": lambda value: value == NULL,
        "is_bool": lambda value: value is True or value is False,
        "is_number": lambda value: type(value) is float,
        "is_string": lambda value: type(value) is str,
    }
    if name in about:
        return about[name](values[0])
    if name in ("substring",):
        kinds = ["str", "float", "float"][: len(values)]
    elif name in ("abs", "ceiling", "exp", "floor", "power", "sign", "square", "sqrt"):
        kinds = ["float"] * len(values)
    else:
        kinds = ["str"] * len(values)
    if [_kind(value) for value in values] != kinds:
        return None
    return _of_texts(name, values) if "str" in kinds else _of_numbers(name, values)  # type: ignore[arg-type]


def _of_texts(name: str, values: list[str]) -> Value:
    first, *others = values
    match name:
        case "as_number":
            if not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", first, re.ASCII):
                return None
            return float(first) if math.isfinite(float(first)) else None
        case "concat":
            return "".join(values)
        case "length":
            return float(len(first))
        case "lower":
            return first.lower()
        case "upper":
            return first.upper()
        case "index_of":
            return float(first.find(others[0]))
        case "starts_with":
            return first[: len(others[0])] == others[0]
        case "ends_with":
            return first.endswith(others[0])
        case "contains":
            return others[0] in first
        case "substring":
            return _part(first, others)  # type: ignore[arg-type]
    raise AssertionError(name)


def _part(text: str, numbers: list[float]) -> Value:
    if any(math.isnan(number) or math.isinf(number) for number in numbers):
        return None
    start, *length = [math.trunc(number) for number in numbers]
    count = length[0] if length else len(text) - start
    if start < 0 or count < 0 or start + count > len(text):
        return None
    return "".join(text[start + i] for i in range(count))


def _of_numbers(name: str, values: list[float]) -> Value:
    first = values[0]
    match name:
        case "abs":
            return first if first >= 0 else -first
        case "floor" | "ceiling":
            if math.isnan(first) or math.isinf(first):
                return first
            return float(math.floor(first) if name == "floor" else -math.floor(-first))
        case "sign":
            return None if math.isnan(first) else float((first > 0) - (first < 0))
        case "square":
            return first * first
        case "sqrt":
            return math.sqrt(first) if first >= 0 else math.nan
        case "exp":
            return math.inf if first > 709.79 else math.exp(first)
        case "power":
            return _power(first, values[1])
    raise AssertionError(name)


def _power(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    return math.nan if isinstance(result, complex) else float(result)
