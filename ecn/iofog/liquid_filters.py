"""Liquid's filters as ioFog's templates know them, which is as JavaScript would have them.

A single thing is as good as a list of one, nothing is empty, numbers and texts turn into each
other. Each takes the value before the bar and the arguments after the colon, all as JSON has them.
Pure, but for `date`, which knows what `now` is. Those that ask the network stand in liquid.py.
"""

import base64
import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cmp_to_key
from urllib.parse import quote, unquote_plus

from liquid import is_undefined
from msgspec import Struct

LARGEST = 1 << 1024
"""Numbers beyond are refused: JavaScript's end there too."""
LONGEST = 1 << 20
"""Characters of a text that a filter makes."""


class Call(Struct, frozen=True):
    """What a filter is given."""

    left: object
    arguments: list[object]

    def argument(self, index: int = 0, default: object = None) -> object:
        """The argument, or the default where there is none."""
        return self.arguments[index] if index < len(self.arguments) else default

    @property
    def list(self) -> Sequence[object]:
        """A list as it is, anything else as a list of one."""
        return self.left if _is_list(self.left) else (self.left,)  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """As it stands in a text."""
        return text(self.left)

    @property
    def number(self) -> float | int:
        """As JavaScript reads a number."""
        return number(self.left)


def plain(value: object, spend: Callable[[int], None]) -> object:
    """A value of the engine's as JSON has it: undefined is None, a range a list.

    spend: told how long a range is, before it becomes a list.
    """
    if isinstance(value, range):
        spend(max(0, value.stop - value.start))
        return list(value)
    if isinstance(value, None | bool | str | int | float | dict | list):
        return value
    if is_undefined(value):
        return None
    # Words of the engine's own (`empty`, a loop's counter), and lists that are made when read.
    return value if _is_list(value) or isinstance(value, Mapping) else str(value)


def text(value: object) -> str:
    """The value within a text: nothing is empty, a list is its elements one after the other."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case range():
            return f"{value.start}..{value.stop - 1}"
    if is_undefined(value):
        return ""
    if isinstance(value, Mapping):
        return json.dumps(dict(value), default=str, separators=(",", ":"), ensure_ascii=False)
    if _is_list(value):
        return "".join(text(each) for each in value)  # type: ignore[attr-defined]
    return str(value)


def number(value: object) -> float | int:
    """The value as a number. Errors: ValueError."""
    match value:
        case bool() | None:
            return int(bool(value))
        case int() | float():
            found: float | int = value
        case str() if re.fullmatch(r"\s*-?\d{1,300}\s*", value):
            found = int(value)
        case str():
            found = float(value or 0)
        case _:
            raise ValueError(f"{text(value)!r} is no number")
    if abs(found) > LARGEST:
        raise ValueError("the number is too large")
    return found


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | range)


def _get(value: object, path: object) -> object:
    """The property, nested ones with dots between; None where there is none."""
    for part in text(path).split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif _is_list(value) and part.isdecimal() and int(part) < len(value):  # type: ignore[arg-type]
            value = value[int(part)]  # type: ignore[index]
        elif part in ("size", "length") and isinstance(value, Sequence):
            value = len(value)
        else:
            return None
    return value


def _same(one: object, other: object) -> bool:
    """Without mixing up 1, 1.0 the same, and true, which is neither."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _truthy(value: object) -> bool:
    return value is not None and value is not False


def _bounded(found: float | int) -> float | int:
    """As short as it goes: 4.0 is 4."""
    if isinstance(found, float) and math.isfinite(found) and found.is_integer():
        found = int(found)
    return number(found)


def _where(call: Call) -> object:
    path = call.argument()
    if len(call.arguments) < 2:
        return [each for each in call.list if _truthy(_get(each, path))]
    wanted = call.argument(1)
    return [each for each in call.list if _same(_get(each, path), wanted)]


def _concat(call: Call) -> object:
    more = call.argument()
    return [*call.list, *(more if _is_list(more) else [more])]  # type: ignore[misc]


def _uniq(call: Call) -> object:
    return list({text(each): each for each in reversed(call.list)}.values())[::-1]


def _compare(one: object, other: object) -> int:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return (one > other) - (one < other)
    left, right = text(one), text(other)
    return (left > right) - (left < right)


def _sort(call: Call) -> object:
    path = call.argument()
    key = cmp_to_key(_compare)
    return sorted(call.list, key=lambda each: key(each if path is None else _get(each, path)))


def _sort_natural(call: Call) -> object:
    path = call.argument()
    return sorted(
        call.list, key=lambda each: text(each if path is None else _get(each, path)).lower()
    )


def _join(call: Call) -> object:
    between = text(call.argument(default=" "))
    if len(between) * len(call.list) > LONGEST:
        raise ValueError("the text is too long")
    return between.join(map(text, call.list))


def _slice(call: Call) -> object:
    value = call.left if _is_list(call.left) else call.text
    begin, length = int(number(call.argument())), int(number(call.argument(1, 1)))
    if begin < 0:
        begin = max(0, begin + len(value))  # type: ignore[arg-type]
    return value[begin : begin + max(0, length)]  # type: ignore[index]


def _replace(call: Call) -> object:
    old, new = text(call.argument()), text(call.argument(1))
    if call.text.count(old) * len(new) > LONGEST:
        raise ValueError("the text is too long")
    return call.text.replace(old, new)


def _split(call: Call) -> object:
    by = text(call.argument())
    return call.text.split(by) if by else list(call.text)


def _truncate(call: Call) -> object:
    length, end = int(number(call.argument(default=50))), text(call.argument(1, "..."))
    if len(call.text) <= length:
        return call.text
    return call.text[: max(0, length - len(end))] + end


def _truncatewords(call: Call) -> object:
    most, end = int(number(call.argument(default=15))), text(call.argument(1, "..."))
    words = call.text.split()
    return " ".join(words[:most]) + (end if len(words) >= most else "")


def _round(call: Call) -> object:
    digits = max(0, min(15, int(number(call.argument(default=0)))))
    amplified = number(call.number * 10**digits)
    return math.floor(amplified + 0.5) / 10**digits


def _date(call: Call) -> object:
    given, form = call.left, text(call.argument(default="%Y-%m-%dT%H:%M:%S"))
    if given in ("now", "today"):
        when = datetime.now(UTC)
    elif isinstance(given, int | float) or (isinstance(given, str) and given.isdecimal()):
        when = datetime.fromtimestamp(number(given), UTC)
    else:
        try:
            when = datetime.fromisoformat(text(given))
        except ValueError:
            return given
    return when.strftime(re.sub(r"%[-_0^#:]*\d*", "%", form))


def _default(call: Call) -> object:
    empty = not _truthy(call.left) or call.left == "" or call.left == []
    return call.argument(default="") if empty else call.left


def _parsed(call: Call) -> object:
    """JSON in a text as what it is; what is none stays."""
    try:
        return json.loads(call.left) if isinstance(call.left, str) else call.left
    except (ValueError, RecursionError):
        return call.left


def _size(call: Call) -> object:
    return len(call.left) if isinstance(call.left, str | Sequence) else 0


def _calculated(
    calculate: Callable[[float | int, float | int], float | int],
) -> Callable[[Call], object]:
    return lambda call: calculate(call.number, number(call.argument()))


def _counted(filter_: Callable[[Call], object]) -> Callable[[Call], object]:
    """A filter whose result is a number, kept within bounds."""

    def counted(call: Call) -> object:
        found = filter_(call)
        return _bounded(found) if isinstance(found, int | float) else found

    return counted


_ARRAYS: dict[str, Callable[[Call], object]] = {
    "first": lambda call: call.list[0] if _is_list(call.left) and call.list else None,
    "last": lambda call: call.list[-1] if _is_list(call.left) and call.list else None,
    "map": lambda call: [_get(each, call.argument()) for each in call.list],
    "where": _where,
    "concat": _concat,
    "reverse": lambda call: list(call.list)[::-1],
    "sort": _sort,
    "sort_natural": _sort_natural,
    "uniq": _uniq,
    "compact": lambda call: [each for each in call.list if each is not None],
    "join": _join,
    "size": _size,
    "slice": _slice,
    "split": _split,
}

_NUMBERS: dict[str, Callable[[Call], object]] = {
    "abs": lambda call: abs(call.number),
    "at_least": _calculated(max),
    "at_most": _calculated(min),
    "ceil": lambda call: math.ceil(call.number),
    "floor": lambda call: math.floor(call.number),
    "round": _round,
    "plus": _calculated(lambda one, other: one + other),
    "minus": _calculated(lambda one, other: one - other),
    "times": _calculated(lambda one, other: one * other),
    "divided_by": _calculated(lambda one, other: one / other),
    "modulo": _calculated(math.fmod),
}

_TEXTS: dict[str, Callable[[Call], object]] = {
    "append": lambda call: call.text + text(call.argument()),
    "prepend": lambda call: text(call.argument()) + call.text,
    "capitalize": lambda call: call.text[:1].upper() + call.text[1:],
    "downcase": lambda call: call.text.lower(),
    "upcase": lambda call: call.text.upper(),
    "escape": lambda call: html.escape(call.text),
    "escape_once": lambda call: html.escape(html.unescape(call.text)),
    "lstrip": lambda call: call.text.lstrip(),
    "rstrip": lambda call: call.text.rstrip(),
    "strip": lambda call: call.text.strip(),
    "strip_newlines": lambda call: call.text.replace("\n", ""),
    "newline_to_br": lambda call: call.text.replace("\n", "<br/>"),
    "remove": lambda call: call.text.replace(text(call.argument()), ""),
    "remove_first": lambda call: call.text.replace(text(call.argument()), "", 1),
    "replace": _replace,
    "replace_first": lambda call: call.text.replace(
        text(call.argument()), text(call.argument(1)), 1
    ),
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "url_encode": lambda call: quote(call.text, safe="").replace("%20", "+"),
    "url_decode": lambda call: unquote_plus(call.text),
    "base64_encode": lambda call: base64.b64encode(call.text.encode()).decode(),
    "base64_decode": lambda call: base64.b64decode(call.text, validate=True).decode(),
}

FILTERS: dict[str, Callable[[Call], object]] = {
    **_ARRAYS,
    **{name: _counted(filter_) for name, filter_ in _NUMBERS.items()},
    **_TEXTS,
    "date": _date,
    "default": _default,
    "json": lambda call: json.dumps(
        call.left, default=str, separators=(",", ":"), ensure_ascii=False
    ),
    "toNumber": _parsed,
    "toBoolean": _parsed,
    "toString": lambda call: call.text,
}
"""By name. An unknown one changes nothing."""
