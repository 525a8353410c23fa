"""How many conditions a second are evaluated, and the ratio to the same in hand-written Python.

Run `python -m tests.benchmarks.route_language [seconds for each]`. Each is evaluated on the reading
of a message, as the edge router does; a body is parsed before, but for the last line, where each
message is read anew.
"""

import sys
import time
from collections.abc import Callable

from routing.language import Reading, compiled, parse_condition
from routing.language.reading import UNREADABLE
from routing.message import Message
from routing.selection import Way, chosen

MESSAGE = Message(
    message_id="0f" * 16,
    publisher="probe",
    content_type="application/json",
    content_encoding="utf-8",
    properties={"temp": "71", "severity": "high", "site": "north"},
    body=b'{"t": {"v": 71.5}, "tags": ["a", "b"], "name": "' + b"x" * 900 + b'"}',
)


def by_number(reading: Reading) -> bool | None:
    """as_number(temp) > 70, as one would write it."""
    text = reading.message.properties.get("temp")
    if text is None:
        return None
    try:
        return float(text) > 70
    except ValueError:
        return None


def by_text(reading: Reading) -> bool | None:
    """severity = 'high'."""
    text = reading.message.properties.get("severity")
    return None if text is None else text == "high"


def by_body(reading: Reading) -> bool | None:
    """$body.t.v > 70."""
    body = reading.body
    if body is UNREADABLE:
        return None
    value = body.get("t") if isinstance(body, dict) else None
    value = value.get("v") if isinstance(value, dict) else None
    return value > 70 if isinstance(value, int | float) else None


def by_both(reading: Reading) -> bool | None:
    """severity = 'high' AND as_number(temp) > 70 OR site = 'south'."""
    return (by_text(reading) and by_number(reading)) or MESSAGE.properties.get("site") == "south"


def whole(reading: Reading) -> bool | None:
    """A message, read from its bytes."""
    return by_body(Reading(reading.message))


CASES: tuple[tuple[str, Callable[[Reading], bool | None]], ...] = (
    ("as_number(temp) > 70", by_number),
    ("severity = 'high'", by_text),
    ("$body.t.v > 70", by_body),
    ("severity = 'high' AND as_number(temp) > 70 OR site = 'south'", by_both),
)


def rate(condition: Callable[[Reading], bool | None], seconds: float) -> float:
    """Evaluations a second; the best of five parts of that time."""
    reading, best, rounds = Reading(MESSAGE), 0.0, 20_000
    for _ in range(5):
        done, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds / 5:
            for _ in range(rounds):
                condition(reading)
            done += rounds
        best = max(best, done / spent)
    return best


def say(line: str) -> None:
    """To whoever runs it."""
    print(line)  # noqa: T201


def main() -> None:
    """Print a line for each condition."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    for text, by_hand in CASES:
        ours, theirs = rate(compiled(parse_condition(text)), seconds), rate(by_hand, seconds)
        say(f"{text:<62} {ours:>11,.0f}/s  {ours / theirs:.2f} of hand-written")
    fires = compiled(parse_condition("$body.t.v > 70"))
    ours = rate(lambda reading: fires(Reading(reading.message)), seconds)
    ratio = ours / rate(whole, seconds)
    say(f"{'the same, each message read anew':<62} {ours:>11,.0f}/s  {ratio:.2f} of the same")
    ways = [
        Way(route_id=str(n), sink=str(n % 4), priority=n, condition=compiled(parse_condition(text)))
        for n, (text, _) in enumerate(CASES * 2)
    ]
    choices = rate(lambda reading: bool(chosen(ways, Reading(reading.message)).taken), seconds)
    say(f"{'8 routes of a message read anew':<62} {choices:>11,.0f}/s  messages")


if __name__ == "__main__":
    main()
