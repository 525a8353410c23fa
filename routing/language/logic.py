"""What is true, false, null or undefined, together with more of the kind. Pure."""

from collections.abc import Callable

from routing.language.functions import NOTHING, Kind, Value
from routing.language.reading import Reading
from routing.language.tree import And, Binary, Body, Expression, Null, Or
from routing.language.types import kind_of

Valued = Callable[[Reading], Value]


def kind_in_any(node: Expression) -> Kind:
    """The kind of value that it has, in routes of whatever source."""
    return kind_of(node, twin_changes=True)


def negated(operand: Valued) -> Valued:
    """NOT: of undefined it is undefined, of null it is true."""

    def run(reading: Reading) -> Value:
        value = operand(reading)
        if value is True or value is False:
            return not value
        return True if value is NOTHING else None

    return run


def _static(operands: tuple[Expression, ...]) -> bool:
    """Whether all are true, false or undefined, whatever the body is."""
    return all(
        kind_in_any(operand) is Kind.TRUTH and not _nullable(operand) for operand in operands
    )


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


def all_of(node: And, operands: list[Valued]) -> Valued:
    """AND: one false makes it false, else one undefined makes it undefined."""
    if not _static(node.operands):
        return _folded(_and, node.operands, operands)
    return _unless_one_is(False, operands)


def any_of(node: Or, operands: list[Valued]) -> Valued:
    """OR: one true makes it true, else one undefined makes it undefined."""
    if not _static(node.operands):
        return _folded(_or, node.operands, operands)
    return _unless_one_is(True, operands)


def _unless_one_is(decisive: bool, operands: list[Valued]) -> Valued:
    """One operand with that value decides; what comes after it is not looked at."""
    first, *others = operands

    def run(reading: Reading) -> Value:
        so_far = first(reading)
        if so_far is decisive:
            return decisive
        for other in others:
            value = other(reading)
            if value is decisive:
                return decisive
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
    open_sides = [kind_in_any(node) is Kind.DYNAMIC for node in nodes]
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
    return right
