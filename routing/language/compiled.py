"""Running conditions: a tree becomes functions within functions, each made once.

What can be known before there is a message is done then: names in lower case, kinds, constants.
A value that is None is undefined; see `functions.Value`.
"""

import re
from collections.abc import Callable
from operator import add, ge, gt, le, lt, mul, sub

from routing.language.functions import (
    FUNCTIONS,
    NOTHING,
    TWIN_CHANGE,
    Function,
    Kind,
    Value,
    divided,
    ordinal,
    remainder,
)
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
    Operator,
    Or,
    Property,
    System,
    Text,
    Truth,
    Undefined,
)
from routing.language.types import kind_of

Valued = Callable[[Reading], Value]
Condition = Callable[[Reading], bool | None]

LONGEST = 1_048_576
"""Characters of a text that a condition makes; a longer one is undefined."""


def compiled(condition: Expression) -> Condition:
    """The condition as a function of a message: True, False, or None: undefined.

    A message takes the way only when it is True. The function raises nothing. Errors: Mismatch,
    of a tree that no text gives.
    """
    kind_of(condition, twin_changes=True)
    run = _run(condition)

    def outcome(reading: Reading) -> bool | None:
        value = run(reading)
        if value is True or value is False:
            return value
        return False if value is NOTHING else None

    return outcome


def _kind(node: Expression) -> Kind:
    return kind_of(node, twin_changes=True)


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
            return _numeric(lambda number, _: -number, _run(node.operand), _constant(0.0))
        case Not():
            return _not(_run(node.operand))
        case And():
            return _all_of(node)
        case Or():
            return _any_of(node)
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


def _not(operand: Valued) -> Valued:
    def run(reading: Reading) -> Value:
        value = operand(reading)
        if value is True or value is False:
            return not value
        return True if value is NOTHING else None

    return run


def _static(operands: tuple[Expression, ...]) -> bool:
    """Whether all are true, false or undefined, whatever the body is."""
    return all(_kind(operand) is Kind.TRUTH and not _nullable(operand) for operand in operands)


def _nullable(node: Expression) -> bool:
    """Whether something that counts as true or false may be null."""
    match node:
        case And() | Or():
            return not _static(node.operands)
        case Binary():
            return node.operator == "??"
        case Null() | Body():
            return True
        case _:
            return False


def _all_of(node: And) -> Valued:
    operands = [_run(operand) for operand in node.operands]
    if not _static(node.operands):
        return _folded(_and, node.operands, operands)
    first, *others = operands

    def run(reading: Reading) -> Value:
        so_far = first(reading)
        if so_far is False:
            return False
        for other in others:
            value = other(reading)
            if value is False:
                return False
            if value is None:
                so_far = None
        return so_far

    return run


def _any_of(node: Or) -> Valued:
    operands = [_run(operand) for operand in node.operands]
    if not _static(node.operands):
        return _folded(_or, node.operands, operands)
    first, *others = operands

    def run(reading: Reading) -> Value:
        so_far = first(reading)
        if so_far is True:
            return True
        for other in others:
            value = other(reading)
            if value is True:
                return True
            if value is None:
                so_far = None
        return so_far

    return run


def _folded(
    both: Callable[[Value, Value], Value],
    nodes: tuple[Expression, ...],
    operands: list[Valued],
) -> Valued:
    """Two at a time from the left, where null or values of the body take part.

    Azure: nothing dominates where one side is a value of the body; an undefined one makes both
    undefined.
    """
    open_sides = [_kind(node) is Kind.DYNAMIC for node in nodes]
    steps = [
        (operand, is_open or (position == 1 and open_sides[0]))
        for position, (operand, is_open) in enumerate(zip(operands, open_sides, strict=True))
    ]
    first, *others = steps

    def run(reading: Reading) -> Value:
        left = first[0](reading)
        for operand, is_open in others:
            right = operand(reading)
            if is_open and not (_truthlike(left) and _truthlike(right)):
                left = None
            else:
                left = both(left, right)
        return left

    return run


def _truthlike(value: Value) -> bool:
    return value is True or value is False or value is NOTHING


def _and(left: Value, right: Value) -> Value:
    if left is NOTHING:
        return NOTHING
    if left is False or right is False:
        return False
    if left is None or right is None:
        return None
    return right


def _or(left: Value, right: Value) -> Value:
    if left is NOTHING:
        return right
    if left is True or right is True:
        return True
    if left is None or right is None:
        return None
    return left


def _binary(node: Binary) -> Valued:
    left, right = _run(node.left), _run(node.right)
    match node.operator:
        case "=" | "!=":
            same_kind = _kind(node.left) is _kind(node.right) is not Kind.DYNAMIC
            return _equality(left, right, node.operator == "!=", same_kind, _literal(node.right))
        case "<" | "<=" | ">" | ">=":
            numbers = _kind(node.left) is _kind(node.right) is Kind.NUMBER
            return _ordered(node.operator, left, right, numbers)
        case "+":
            return _numeric(add, left, right)
        case "-":
            return _numeric(sub, left, right)
        case "*":
            return _numeric(mul, left, right)
        case "/":
            return _numeric(divided, left, right)
        case "%":
            return _numeric(remainder, left, right)
        case "||":
            return _joined(left, right)
        case "??":
            return lambda reading: right(reading) if (v := left(reading)) is None else v


def _literal(node: Expression) -> Value:
    return node.value if isinstance(node, Number | Text | Truth) else None


def _equality(
    left: Valued, right: Valued, unequal: bool, same_kind: bool, literal: Value
) -> Valued:
    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if first is None or second is None:
            return None
        return (type(first) is type(second) and first == second) is not unequal

    def with_literal(reading: Reading) -> Value:
        first = left(reading)
        return None if first is None else (first == literal) is not unequal

    return with_literal if same_kind and literal is not None else run


_ORDER: dict[Operator, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def _ordered(operator: Operator, left: Valued, right: Valued, numbers: bool) -> Valued:
    order = _ORDER[operator]

    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if isinstance(first, float) and isinstance(second, float):
            return order(first, second)
        if isinstance(first, str) and isinstance(second, str):
            return order(ordinal(first, second), 0)
        return None

    def of_numbers(reading: Reading) -> Value:
        first = left(reading)
        if first is None:
            return None
        second = right(reading)
        return None if second is None else order(first, second)  # type: ignore[arg-type]

    return of_numbers if numbers else run


def _numeric(
    operation: Callable[[float, float], float | None], left: Valued, right: Valued
) -> Valued:
    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if isinstance(first, float) and isinstance(second, float):
            return operation(first, second)
        return None

    return run


def _joined(left: Valued, right: Valued) -> Valued:
    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if not isinstance(first, str) or not isinstance(second, str):
            return None
        return first + second if len(first) + len(second) <= LONGEST else None

    return run


def _call(node: Call) -> Valued:
    function = FUNCTIONS[node.function]
    arguments = [_run(argument) for argument in node.arguments]
    if node.function == TWIN_CHANGE:
        return _twin_change(arguments[0])
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


def _twin_change(argument: Valued) -> Valued:
    """Whether the patch says something of a place: null, which removes it, says something too."""

    def run(reading: Reading) -> Value:
        path = argument(reading)
        if not isinstance(path, str) or not reading.message.twin_change:
            return None
        patch = reading.body
        if patch is UNREADABLE:
            return None
        steps = [step for step in _STEP.split(path) if step]
        if _touched(patch, steps):
            return True
        # Azure's paths are those of the whole twin; the patch is of what it reports.
        reported = [step.lower() for step in steps[:2]] == ["properties", "reported"]
        return reported and _touched(patch, steps[2:])

    return run


_STEP = re.compile(r"[.\[\]]")


def _touched(patch: object, steps: list[str]) -> bool:
    place = patch
    for step in steps:
        if isinstance(place, dict) and step in place:
            place = place[step]
        elif isinstance(place, list) and step.isascii() and step.isdigit():
            if len(step) > 9 or int(step) >= len(place):
                return False
            place = place[int(step)]
        else:
            return False
    return True
