"""The functions of the language: what they take, what they give, what they do.

Pure. Names are in lower case here; their case does not matter to writers. A function is called
only with values of its kinds, none of them undefined, unless it is `about_kinds`.
"""

import math
from collections.abc import Callable
from enum import Enum

from msgspec import Struct


class Nothing(Enum):
    """null, as a value: None is undefined everywhere here."""

    NOTHING = "null"


NOTHING = Nothing.NOTHING

Value = bool | float | str | Nothing | None
"""What an expression is of one message. None: undefined. All numbers are float."""


class Kind(Enum):
    """What is known of a value before there is a message."""

    TEXT = "text"
    NUMBER = "a number"
    TRUTH = "true or false"
    NULL = "null"
    UNDEFINED = "undefined"
    DYNAMIC = "a value of the body"
    """Known when there is a message: text, number, true, false or null, or undefined."""


class Function(Struct, frozen=True, kw_only=True):
    """One function."""

    takes: tuple[Kind, ...]
    gives: Kind
    run: Callable[..., Value]
    optional: int = 0
    """How many of the last ones may be left out."""
    any_more: bool = False
    """The last one may be repeated."""
    about_kinds: bool = False
    """Takes values of all kinds, undefined ones too."""

    @property
    def fewest(self) -> int:
        """Of arguments."""
        return len(self.takes) - self.optional

    @property
    def most(self) -> int | None:
        """Of arguments; None: as many as one likes."""
        return None if self.any_more else len(self.takes)

    def kind(self, position: int) -> Kind:
        """Of the argument there, from 0."""
        return self.takes[min(position, len(self.takes) - 1)]


def number_of(text: str) -> float | None:
    """The number that a text is, or None: as people write numbers, not as Python also takes them.

    Finite ones alone: `nan` and `inf` are words.
    """
    if "_" in text or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0 else None


def divided(left: float, right: float) -> float:
    """By nothing, it is infinite."""
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0 or left != left:
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float | None:
    """With the sign of `left`; undefined when `right` is 0."""
    if right == 0:
        return None
    try:
        return math.fmod(left, right)
    except ValueError:  # of something infinite
        return math.nan


def ordinal(left: str, right: str) -> int:
    """Less than, equal to or greater than 0, by UTF-16 code units, as .NET compares ordinally."""
    if left.isascii() or right.isascii():
        return (left > right) - (left < right)
    first, second = (
        left.encode("utf-16-be", "surrogatepass"),
        right.encode("utf-16-be", "surrogatepass"),
    )
    return (first > second) - (first < second)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent == math.floor(exponent) and exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base == 0:  # to something negative
            return math.inf
        return math.nan


def _exp(number: float) -> float:
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf


def _whole(rounded: Callable[[float], int], number: float) -> float:
    return float(rounded(number)) if math.isfinite(number) else number


def _sign(number: float) -> float | None:
    return None if number != number else float((number > 0) - (number < 0))


def _substring(text: str, start: float, length: float | None = None) -> str | None:
    if not math.isfinite(start) or not math.isfinite(length or 0.0):
        return None
    begin = int(start)
    end = len(text) if length is None else begin + int(length)
    return text[begin:end] if 0 <= begin <= end <= len(text) else None


_T, _N = Kind.TEXT, Kind.NUMBER
_B = Kind.TRUTH


def _about(run: Callable[[Value], bool]) -> Function:
    return Function(takes=(Kind.DYNAMIC,), gives=_B, run=run, about_kinds=True)


def _numeric(run: Callable[[float], float | None]) -> Function:
    return Function(takes=(_N,), gives=_N, run=run)


def _texts(run: Callable[[str, str], bool]) -> Function:
    return Function(takes=(_T, _T), gives=_B, run=run)


TWIN_CHANGE = "twin_change_includes"
"""It asks of the message, not of its arguments alone: `twin_changes.py` runs it."""

FUNCTIONS: dict[str, Function] = {
    "abs": _numeric(abs),
    "ceiling": _numeric(lambda number: _whole(math.ceil, number)),
    "exp": _numeric(_exp),
    "floor": _numeric(lambda number: _whole(math.floor, number)),
    "power": Function(takes=(_N, _N), gives=_N, run=_power),
    "sign": _numeric(_sign),
    "square": _numeric(lambda number: number * number),
    "sqrt": _numeric(lambda number: math.sqrt(number) if number >= 0 else math.nan),
    "as_number": Function(takes=(_T,), gives=_N, run=number_of),
    "is_bool": _about(lambda value: isinstance(value, bool)),
    "is_defined": _about(lambda value: value is not None),
    "is_null": _about(lambda value: value is NOTHING),
    "is_number": _about(lambda value: isinstance(value, float)),
    "is_string": _about(lambda value: isinstance(value, str)),
    "concat": Function(takes=(_T,), gives=_T, run=lambda *texts: "".join(texts), any_more=True),
    "length": Function(takes=(_T,), gives=_N, run=lambda text: float(len(text))),
    "lower": Function(takes=(_T,), gives=_T, run=str.lower),
    "upper": Function(takes=(_T,), gives=_T, run=str.upper),
    "substring": Function(takes=(_T, _N, _N), gives=_T, run=_substring, optional=1),
    "index_of": Function(takes=(_T, _T), gives=_N, run=lambda text, part: float(text.find(part))),
    "starts_with": _texts(str.startswith),
    "ends_with": _texts(str.endswith),
    "contains": _texts(str.__contains__),
    TWIN_CHANGE: Function(takes=(_T,), gives=_B, run=lambda _: None),
}
