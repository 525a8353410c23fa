"""Answers questions about history from a list of events, as the API does from the log."""

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

from ecn.history.asking import Question, Search
from events.envelope import Recorded

T = TypeVar("T")


def found(log: Sequence[Recorded], search: Search) -> list[Recorded]:
    """What EventLog.search finds."""
    between = [each for each in log if search.after < each.position < search.before]
    ordered = reversed(between) if search.descending else iter(between)
    return list(islice(filter(search.wanted.matches, ordered), search.limit))


def answered(log: Sequence[Recorded], question: Question[T]) -> T:
    """The answer."""
    try:
        search = next(question)
        while True:
            search = question.send(found(log, search))
    except StopIteration as e:
        answer: T = e.value
        return answer
