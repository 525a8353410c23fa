"""Two values compared, or made one. Pure."""

from collections.abc import Callable
from operator import ge, gt, le, lt

from routing.language.functions import Value, ordinal
from routing.language.logic import Valued
from routing.language.reading import Reading
from routing.language.tree import Operator

LONGEST = 1_048_576
"""Characters of a text that a condition makes; a longer one is undefined."""


def equality(left: Valued, right: Valued, unequal: bool, same_kind: bool, literal: Value) -> Valued:
    """= and !=. `same_kind`: known before; `literal`: what stands at the right, if that is one."""

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


def ordered(operator: Operator, left: Valued, right: Valued, numbers: bool) -> Valued:
    """< and its like; undefined between kinds. `numbers`: both are, which is known before."""
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


def numeric(
    operation: Callable[[float, float], float | None], left: Valued, right: Valued
) -> Valued:
    """What two numbers make; undefined when one is none."""

    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if isinstance(first, float) and isinstance(second, float):
            return operation(first, second)
        return None

    return run


def joined(left: Valued, right: Valued) -> Valued:
    """One text of two; undefined when one is none, or it is too long."""

    def run(reading: Reading) -> Value:
        first, second = left(reading), right(reading)
        if not isinstance(first, str) or not isinstance(second, str):
            return None
        return first + second if len(first) + len(second) <= LONGEST else None

    return run
