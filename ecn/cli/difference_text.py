"""Differences for people: one line for each thing, and below it what changed of it. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import click

from ecn.api.history_documents import Change, Difference, Differences
from ecn.cli.errors import printable
from ecn.cli.field_text import change_text, value_text
from ecn.cli.output import GAP
from ecn.cli.wording import counted, moment

SIGNS = {
    Change.CREATED: ("+", "green"),
    Change.CHANGED: ("~", "yellow"),
    Change.DELETED: ("-", "red"),
}
WIDEST = 40
"""Cells up to which all fields begin in one column."""


def lines(found: Differences, *, longest: int | None) -> Iterator[str]:
    """The whole, with the moments above and the sums below.

    longest: characters of a value that are shown; None for all of them.
    """
    yield click.style(_moments(found), bold=True)
    names = [_name(each) for each in found.items]
    width = min(WIDEST, max(map(len, names), default=0))
    for each, name in zip(found.items, names, strict=True):
        sign, colour = SIGNS[each.change]
        said = [change_text(field, each.names, longest=longest) for field in each.fields]
        said = said or [summary(each)]
        head = f"{sign} {name:<{width if said[0] else 0}}"
        yield f"{click.style(head, fg=colour)}{GAP if said[0] else ''}{said[0]}"
        for further in said[1:]:
            yield " " * (2 + max(width, len(name))) + GAP + further
    yield _sums(found)


def summary(difference: Difference) -> str:
    """What a thing that came or went is, in a few words."""
    document = difference.document or {}
    words = []
    if "image" in document:
        node = document.get("node")
        node = node or difference.names.get(f"node/{document.get('node_id')}", "")
        words.append(f"{value_text(document['image'])} on {printable(str(node))}")
    told = (document.get(name) for name in ("url", "role", "description"))
    words += [value_text(value) for value in told if value]
    settings = document.get("settings")
    if isinstance(settings, dict):
        labels = settings.get("labels") or {}
        words += [printable(f"{key}={value}") for key, value in sorted(labels.items())]
    return ", ".join(words)


def _name(difference: Difference) -> str:
    return printable(f"{difference.subject.partition('/')[0]}/{difference.name}")


def _moments(found: Differences) -> str:
    start = _moment(found.from_, found.from_time)
    if found.to is None:
        return f"from {start} to what the manifests say"
    return f"from {start} to {_moment(found.to, found.to_time)}"


def _moment(position: int, time: datetime | None) -> str:
    return f"{position} ({moment(time) if time is not None else 'the beginning'})"


def _sums(found: Differences) -> str:
    if not found.items:
        return "nothing differs"
    counts = Counter(each.change for each in found.items)
    parts = ", ".join(f"{counts[each]} {each}" for each in Change if counts[each])
    verb = "differs" if len(found.items) == 1 else "differ"
    return f"{counted(len(found.items), 'thing')} {verb}: {parts}"
