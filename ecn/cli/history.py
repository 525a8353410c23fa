"""`ecn audit` and `ecn events`: what happened, who did it, and what is happening now."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime

import click
import msgspec

from ecn.api import documents as d
from ecn.cli import tables
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import printable
from ecn.cli.event_details import details
from ecn.cli.output import Format, document_text, format_option, note, print_table
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Instant

EVENT_PAGE = 100
"""Events asked for at once, and shown when nothing else is said."""
CSV = "csv"
TELEMETRY = frozenset({"container.reported", "node.facts-reported"})
"""What devices tell of themselves: no change that somebody made."""


@examples("""
ecn audit
ecn audit --subject application/shop
ecn audit --actor user/anna --since 2d
ecn audit --type microservice.moved --since 2026-05-01 -o csv > moves.csv
""")
@click.command("audit", cls=Command)
@click.option("--subject", default="", metavar="KIND/NAME", help="About this.")
@click.option("--actor", default="", metavar="ACTOR", help="By this one: user/anna, node/kiosk.")
@click.option("--type", "type_", default="", metavar="TYPE", help="Of this type.")
@click.option("--since", type=Instant(), help="After this time: 2h (ago), 2026-05-01.")
@click.option("--until", type=Instant(), help="Before this time.")
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="The latest N."
)
@click.option("--all", "everything", is_flag=True, help="With what devices reported, too.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "yaml", CSV]),
    default="table",
    show_default=True,
    help="How to show it.",
)
@connection_options
@pass_session
def audit(
    session: Session,
    subject: str,
    actor: str,
    type_: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    everything: bool,
    form: str,
) -> None:
    """Show who changed what, and when: the latest last.

    What devices merely report (a container started, say) is left out, unless asked for by --all,
    --type or an --actor that is a node.
    """
    query = {"subject": subject, "actor": actor, "type": versioned(type_), "order": "desc"}
    if since is not None:
        query["since"] = since.isoformat()
    if until is not None:
        query["until"] = until.isoformat()
    query = {name: value for name, value in query.items() if value}
    with_reports = everything or bool(type_) or actor.startswith("node/")

    async def collect(client: Client) -> d.Events:
        items = []
        page = await client.events({**query, "limit": str(EVENT_PAGE)})
        position = page.position
        while True:
            items += [e for e in page.items if with_reports or _is_change(e)]
            if page.next is None or len(items) >= limit:
                break
            page = await client.events(
                {**query, "limit": str(EVENT_PAGE), "before": str(page.next)}
            )
        return d.Events(position=position, items=items[:limit][::-1], next=None)

    found = session.run(collect)
    if form == CSV:
        click.echo(_csv(found.items), nl=False)
    else:
        _show(found, Format(form))


@examples("""
ecn events
ecn events --follow
ecn events --after 120 -o json
ecn events --follow -o json | jq .type
""")
@click.command("events", cls=Command)
@click.option("-f", "--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@click.option("--after", type=click.IntRange(0), metavar="N", help="From behind this position.")
@click.option("--subject", default="", metavar="KIND/NAME", help="About this.")
@click.option("--type", "type_", default="", metavar="TYPE", help="Of this type.")
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def events(
    session: Session, follow: bool, after: int | None, subject: str, type_: str, form: str
) -> None:
    """Show the events of the log as they are, reports of devices included.

    The latest ones, or all after a position. Followed as JSON, it is one event per line.
    """
    query = {k: v for k, v in (("subject", subject), ("type", versioned(type_))) if v}
    chosen = Format(form)
    if follow:
        session.run(lambda client: _follow(client, query, after, chosen))
    elif after is not None:
        query |= {"after": str(after), "limit": str(EVENT_PAGE)}
        session.run(lambda client: show_events(client, query, chosen))
    else:
        query |= {"order": "desc", "limit": str(EVENT_PAGE)}
        session.run(lambda client: show_events(client, query, chosen))


async def show_events(client: Client, query: Mapping[str, str], form: Format) -> None:
    """One page, the latest event last."""
    page = await client.events(query)
    if query.get("order") == "desc":
        page = msgspec.structs.replace(page, items=page.items[::-1], next=None)
    _show(page, form)
    if page.next is not None:
        note(f"there are more: --after {page.next}")


async def _follow(
    client: Client, query: Mapping[str, str], after: int | None, form: Format
) -> None:
    async with aclosing(client.follow(query, after=after)) as stream:
        await _print_each(stream, form)


async def _print_each(stream: AsyncIterator[d.EventDocument], form: Format) -> None:
    async for event in stream:
        match form:
            case Format.JSON:
                click.echo(msgspec.json.encode(event))
            case Format.YAML:
                click.echo(f"---\n{document_text(event, form)}")
            case _:
                position, time, actor, subject, word, glance = tables.event_row(event)
                line = f"{position:>8}  {time}  {actor:<16}  {subject:<28}  {word}  {glance}"
                click.echo(printable(line).rstrip())


def _show(page: d.Events, form: Format) -> None:
    if form in (Format.JSON, Format.YAML):
        click.echo(document_text(page, form))
    elif not page.items:
        note("no events like that")
    else:
        print_table(tables.EVENTS, [tables.event_row(e) for e in page.items])


def versioned(type_: str) -> str:
    """A type as the log has it: tables leave `.v1` out, so people do, too."""
    return type_ if not type_ or re.search(r"\.v\d+$", type_) else f"{type_}.v1"


def _is_change(event: d.EventDocument) -> bool:
    return tables.event_word(event.type) not in TELEMETRY


def _csv(items: list[d.EventDocument]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["position", "time", "actor", "subject", "subject_name", "type", "details"])
    for e in items:
        row = [
            str(e.position),
            e.time.isoformat(),
            e.actor,
            e.subject,
            e.subject_name,
            e.type,
            details(e),
        ]
        # A spreadsheet would take such a cell for a formula, and names come from people.
        writer.writerow([f"'{c}" if c[:1] in ("=", "+", "-", "@") else c for c in row])
    return text.getvalue()
