"""Running conditions: a tree becomes functions within functions, each made once.

What can be known before there is a message is done then: names in lower case, kinds, constants.
A value that is None is undefined; see `functions.Value`.
"""

import re
from collections.abc import Callable
from operator import add, mul, sub

from routing.language.functions import (
    FUNCTIONS,
    NOTHING,
    TWIN_CHANGE,
    Function,
    Kind,
    Value,
    divided,
    remainder,
)
from routing.language.logic import Valued, all_of, any_of, kind_in_any, negated
from routing.language.operations import LONGEST, equality, joined, numeric, ordered
from routing.language.reading import SYSTEM, UNREADABLE, Json, Reading
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
from routing.language.twin_changes import twin_change

Condition = Callable[[Reading], bool | None]


def compiled(condition: Expression) -> Condition:
    """The condition as a function of a message: True, False, or None: undefined.

    A message takes the way only when it is True. The function raises nothing. Errors: Mismatch,
    of a tree that no text gives.
    """
    kind_in_any(condition)
    run = _run(condition)

    def outcome(reading: Reading) -> bool | None:
        value = run(reading)
        if value is True or value is False:
            return value
        return False if value is NOTHING else None

    return outcome


def _constant(value: Value) -> Valued:
    return lambda reading: value


def _run(node: Expression) -> Valued:
    match node:
        case Number() | Text() | Truth():
            return _constant(node.value)
        case Null():
            return _constant(NOTHING)
        case Undefined():
            return _constant(None)
        case Property():
            return _property(node.name)
        case System():
            return _system(node)
        case Body():
            return _body(node.path)
        case Call():
            return _call(node)
        case Negative():
            return numeric(lambda number, _: -number, _run(node.operand), _constant(0.0))
        case Not():
            return negated(_run(node.operand))
        case And():
            return all_of(node, [_run(operand) for operand in node.operands])
        case Or():
            return any_of(node, [_run(operand) for operand in node.operands])
        case Binary():
            return _binary(node)


def _property(name: str) -> Valued:
    lowered = name.lower()

    def run(reading: Reading) -> Value:
        value = reading.properties.get(name)
        return reading.folded(lowered) if value is None else value

    return run


def _system(node: System) -> Valued:
    own = _property("$" + node.name)
    given = SYSTEM.get(node.name)
    if given is None:
        return own
    if node.forced:
        return given
    system = given

    def run(reading: Reading) -> Value:
        value = own(reading)
        return system(reading) if value is None else value

    return run


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def _body(path: tuple[str | int, ...]) -> Valued:
    def run(reading: Reading) -> Value:
        place = reading.body
        if place is UNREADABLE:
            return None
        for step in path:
            if isinstance(step, str):
                place = place.get(step) if isinstance(place, dict) else None
            else:
                in_list = isinstance(place, list) and step < len(place)
                place = place[step] if in_list else None  # type: ignore[index]  # it is a list
        return _value(place)

    return run


def _value(place: Json) -> Value:
    """What is at a place of a body, as the language knows it."""
    if isinstance(place, str):
        # Azure's reader makes a date of such a text, and no comparison knows dates.
        looks = len(place) >= 16 and place[10] == "T" and _MOMENT.fullmatch(place)
        return None if looks else place
    if isinstance(place, bool):
        return place
    if isinstance(place, int | float):
        try:
            return float(place)
        except OverflowError:
            return None
    return NOTHING if place is None else None


def _binary(node: Binary) -> Valued:
    left, right = _run(node.left), _run(node.right)
    match node.operator:
        case "=" | "!=":
            same_kind = kind_in_any(node.left) is kind_in_any(node.right) is not Kind.DYNAMIC
            return equality(left, right, node.operator == "!=", same_kind, _literal(node.right))
        case "<" | "<=" | ">" | ">=":
            numbers = kind_in_any(node.left) is kind_in_any(node.right) is Kind.NUMBER
            return ordered(node.operator, left, right, numbers)
        case "+":
            return numeric(add, left, right)
        case "-":
            return numeric(sub, left, right)
        case "*":
            return numeric(mul, left, right)
        case "/":
            return numeric(divided, left, right)
        case "%":
            return numeric(remainder, left, right)
        case "||":
            return joined(left, right)
        case "??":
            return lambda reading: right(reading) if (v := left(reading)) is None else v


def _literal(node: Expression) -> Value:
    return node.value if isinstance(node, Number | Text | Truth) else None


def _call(node: Call) -> Valued:
    function = FUNCTIONS[node.function]
    arguments = [_run(argument) for argument in node.arguments]
    if node.function == TWIN_CHANGE:
        return twin_change(arguments[0])
    if function.about_kinds:
        (about,), tell = arguments, function.run
        return lambda reading: tell(about(reading))
    if len(arguments) == 1:
        return _of_one(function, arguments[0])
    wanted = [_PYTHON[function.kind(position)] for position in range(len(arguments))]

    def run(reading: Reading) -> Value:
        values = [argument(reading) for argument in arguments]
        size = 0
        for value, kind in zip(values, wanted, strict=True):
            if not isinstance(value, kind):
                return None
            size += len(value) if isinstance(value, str) else 0
        return function.run(*values) if size <= LONGEST else None

    return run


_PYTHON: dict[Kind, type] = {Kind.TEXT: str, Kind.NUMBER: float}


def _of_one(function: Function, argument: Valued) -> Valued:
    wanted, act = _PYTHON[function.kind(0)], function.run

    def run(reading: Reading) -> Value:
        value = argument(reading)
        return act(value) if isinstance(value, wanted) else None

    return run
