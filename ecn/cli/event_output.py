"""Events as people and programs read them: tables, documents, CSV, line by line as they come."""

import csv
import io
from collections.abc import AsyncIterator, Iterable

import click
import msgspec

from ecn.api import documents as d
from ecn.cli import tables
from ecn.cli.errors import printable
from ecn.cli.event_details import details
from ecn.cli.output import Format, document_text, note, print_table

CSV = "csv"
"""A form beside those of `Format`, for events alone."""

COLUMNS = (
    *("position", "time", "actor", "actor_name", "subject", "subject_name", "type", "details"),
    *("command_id", "correlation_id", "causation_id", "data", "hash"),
)


def show_events(page: d.Events, form: str) -> None:
    """A page, or what was collected of several."""
    match form:
        case "json" | "yaml":
            click.echo(document_text(page, Format(form)))
        case "csv":
            click.echo(csv_text(page.items, header=True), nl=False)
        case _ if page.items:
            print_table(tables.EVENTS, [tables.event_row(e) for e in page.items])
        case _:
            note("no events like that")


async def show_each(stream: AsyncIterator[d.EventDocument], form: str) -> None:
    """Each as it comes, without end. JSON is one event per line."""
    if form == CSV:
        click.echo(csv_text([], header=True), nl=False)
    async for event in stream:
        match form:
            case "json":
                click.echo(msgspec.json.encode(event))
            case "yaml":
                click.echo(f"---\n{document_text(event, Format.YAML)}")
            case "csv":
                click.echo(csv_text([event], header=False), nl=False)
            case _:
                position, time, actor, subject, word, glance = tables.event_row(event)
                line = f"{position:>8}  {time}  {actor:<16}  {subject:<28}  {word}  {glance}"
                click.echo(printable(line).rstrip())


def csv_text(events: Iterable[d.EventDocument], *, header: bool) -> str:
    """Rows of RFC 4180, but with plain line ends; times in UTC."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for e in events:
        row = (
            *(str(e.position), e.time.isoformat(), e.actor, e.actor_name, e.subject),
            *(e.subject_name, e.type, details(e), e.command_id, e.correlation_id),
            *(e.causation_id, bytes(e.data).decode(), e.hash),
        )
        # A spreadsheet would take such a cell for a formula, and names come from people.
        writer.writerow([f"'{c}" if c[:1] in ("=", "+", "-", "@", "\t", "\r") else c for c in row])
    return text.getvalue()
