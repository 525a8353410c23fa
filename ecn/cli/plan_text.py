"""Plans for people: what becomes of each thing, what each node does, what to know before. Pure."""

from collections.abc import Iterable, Iterator

import click

from ecn.api.plan_documents import (
    Becomes,
    Doing,
    Plan,
    PlannedChange,
    PlannedEvent,
    PlannedField,
    PlannedNode,
)
from ecn.cli.errors import printable
from ecn.cli.field_text import LONGEST, value_text
from ecn.cli.output import GAP
from ecn.cli.wording import counted, styled

CREATED, UPDATED, DELETED, REFUSED = ("+", "green"), ("~", "yellow"), ("-", "red"), ("!", "red")
WIDEST = 40
"""Cells up to which all fields begin in one column."""
COLOURS = {
    Doing.CREATE: "green",
    Doing.REPLACE: "yellow",
    Doing.RESTART: "yellow",
    Doing.STOP: "red",
    Doing.REMOVE: "red",
}
CHANGING = ("updated", "renamed", "linked", "unlinked", "router-set", "setting-changed")


def lines(plan: Plan, *, longest: int | None = LONGEST) -> Iterator[str]:
    """The whole. longest: characters of a value that are shown; None for all of them."""
    yield from _things(plan.changes, longest)
    for node in plan.nodes:
        yield ""
        yield from _node(node)
    if plan.warnings:
        yield ""
    for warning in plan.warnings:
        label = click.style("warning:", fg="yellow", bold=True)
        yield f"{label} {printable(f'{warning.about}: {warning.says}')}"
        if warning.next_step:
            yield f"  next:  {printable(warning.next_step)}"
    yield ""
    yield from sums(plan)


def sums(plan: Plan) -> list[str]:
    """What it comes to: things, containers, refusals."""
    totals = plan.totals
    words = [
        f"{number} to {verb}"
        for number, verb in (
            (totals.created, "create"),
            (totals.updated, "change"),
            (totals.deleted, "delete"),
        )
        if number
    ]
    number = totals.created + totals.updated + totals.deleted
    said = [f"{counted(number, 'thing')}: {', '.join(words)}"] if words else []
    if totals.containers:
        doings = ", ".join(f"{count} to {doing}" for doing, count in totals.containers.items())
        said.append(f"{counted(sum(totals.containers.values()), 'container')}: {doings}")
    if totals.refused:
        said.append(f"{totals.refused} refused")
    return said or ["nothing to do"]


def _things(changes: Iterable[PlannedChange], longest: int | None) -> Iterator[str]:
    """A line for each thing that changes, and one for each change that comes to nothing."""
    rows = list[tuple[tuple[str, str], str, list[str]]]()
    for change in changes:
        if change.problem is not None:
            detail = [printable(change.problem.detail)]
            if change.problem.field:
                detail.append(f"field: {printable(change.problem.field)}")
            if change.problem.next_step:
                detail.append(f"next:  {printable(change.problem.next_step)}")
            rows.append((REFUSED, change.about, detail))
        elif not change.events:
            rows.append((("=", ""), change.about, [Becomes.UNCHANGED.value]))
        by_subject = dict[str, list[PlannedEvent]]()
        for event in change.events:
            by_subject.setdefault(event.subject, []).append(event)
        for subject, events in by_subject.items():
            told = [text for event in events for text in _told(event, longest)]
            rows.append((_sign(events), subject, told))
    width = min(WIDEST, max((len(printable(name)) for _, name, _ in rows), default=0))
    for (sign, colour), name, told in rows:
        shown = f"{sign} {printable(name)}"
        head = click.style(shown, fg=colour) if colour else shown
        indent = max(width + 2, len(shown))
        yield head + (" " * (indent - len(shown)) + GAP + told[0] if told else "")
        for further in told[1:]:
            yield " " * indent + GAP + further


def _sign(events: Iterable[PlannedEvent]) -> tuple[str, str]:
    words = {event.type.split(".")[1] for event in events}
    if words & {"created", "registered"}:
        return CREATED
    return DELETED if "deleted" in words else UPDATED


def _told(event: PlannedEvent, longest: int | None) -> list[str]:
    word = event.type.split(".")[1]
    if word in CHANGING:
        return [_field(each, longest) for each in event.fields]
    if event.fields and word in ("created", "registered"):
        said = (
            f"{printable(each.field)} {value_text(each.after, longest=longest)}"
            for each in event.fields
        )
        return [", ".join(said)]
    return [] if word in ("created", "registered", "deleted") else [printable(event.says)]


def _field(each: PlannedField, longest: int | None) -> str:
    """`image: nginx:1 -> nginx:2`, coloured."""
    label = printable(each.field)
    old = click.style(value_text(each.before, longest=longest), fg="red")
    new = click.style(value_text(each.after, longest=longest), fg="green")
    if each.before is None:
        return f"{label}: {click.style('+', fg='green')} {new}"
    if each.after is None:
        return f"{label}: {click.style('-', fg='red')} {old}"
    return f"{label}: {old} -> {new}"


def _node(node: PlannedNode) -> Iterator[str]:
    state = "no device yet" if node.state == "registered" else node.state
    yield f"on {printable(node.name)} ({styled(state)}):"
    widest = max((len(printable(each.microservice)) for each in node.actions), default=0)
    for each in node.actions:
        colour = COLOURS.get(each.action)
        verb = click.style(f"{each.action.value:<9}", fg=colour) if colour else f"{each.action:<9}"
        moves = each.moves_from or each.moves_to
        because = f" ({', '.join(each.because)})" if each.because and not moves else ""
        name = f"{printable(each.microservice):<{min(widest, WIDEST)}}"
        yield f"  {verb}  {name}  {printable(each.says + because)}"
