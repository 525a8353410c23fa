"""`ecn audit` and `ecn events`: what happened, who did it, and what is happening now."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta

import click

from ecn.api import documents as d
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.event_output import CSV, csv_text, show_each, show_events
from ecn.cli.output import Format, format_option, note
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Instant

SHOWN = 100
"""Events that are shown when nothing else is said."""
LARGEST_PAGE = 1000
"""Events that a controller answers at once."""


ALL = 0
"""As a limit."""


class Limit(click.ParamType[int]):
    """So many, or `all`."""

    name = "limit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Errors: click's own usage error."""
        text = str(value).strip().lower()
        if text != "all" and not (text.isascii() and text.isdecimal() and int(text) > 0):
            self.fail(f"{value!r} is neither a number nor: all", param, ctx)
        return ALL if text == "all" else int(text)


@examples("""
ecn audit
ecn audit --subject application/shop --since 2d         # with its microservices, past and present
ecn audit --actor user/anna --type microservice.moved
ecn audit --text nginx:1.27 --limit 10
ecn audit --command 0f3c...                             # all that one command led to
ecn audit --follow
ecn audit --since 2026-05-01 --until 2026-06-01 --limit all -o csv > may.csv
""")
@click.command("audit", cls=Command)
@click.option(
    "--subject", default="", metavar="KIND[/NAME]", help="About this; also what is gone by now."
)
@click.option("--actor", default="", metavar="ACTOR", help="By this one: user/anna, node/kiosk.")
@click.option(
    "--type", "type_", default="", metavar="TYPE", help="node, node.registered, node.registered.v1."
)
@click.option("--command", "command_id", default="", metavar="ID", help="Of this command.")
@click.option(
    "--correlation", "correlation_id", default="", metavar="ID", help="Of this one request."
)
@click.option("--text", default="", metavar="WORD", help="With this in the name or the data.")
@click.option("--since", type=Instant(), help="After this time: 2h (ago), 2026-05-01.")
@click.option("--until", type=Instant(), help="Before this time.")
@click.option("--before", type=click.IntRange(0), metavar="N", help="Before this position.")
@click.option(
    "--after", type=click.IntRange(0), metavar="N", help="The first ones behind this position."
)
@click.option("--limit", type=Limit(), metavar="N|all", help=f"So many. Default: {SHOWN}.")
@click.option("-f", "--follow", is_flag=True, help="Those to come, until Ctrl-C.")
@click.option("--all", "everything", is_flag=True, help="With what devices reported, too.")
@at_option
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
    command_id: str,
    correlation_id: str,
    text: str,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    after: int | None,
    limit: int | None,
    follow: bool,
    everything: bool,
    at: str,
    form: str,
) -> None:
    """Show who changed what, and when: the latest last.

    What devices merely report (a container started, say) is left out, unless asked for by --all,
    --type, --command, --correlation or an --actor that is a node.
    """
    asked_for = type_ or command_id or correlation_id or actor.startswith("node/")
    query = {
        "subject": subject,
        "actor": actor,
        "type": type_,
        "command_id": command_id,
        "correlation_id": correlation_id,
        "text": text,
        "changes": "" if everything or asked_for else "true",
        "since": "" if since is None else since.isoformat(),
        "until": "" if until is None else until.isoformat(),
    }
    query = {name: value for name, value in query.items() if value}
    if follow:
        for name, given in (("at", at), ("until", until), ("before", before), ("limit", limit)):
            if given not in (None, ""):
                raise click.UsageError(f"--follow goes on without end: it has no --{name}")
        session.run(lambda client: _follow(client, query, after, since, form))
        return
    span = Span(after, before, limit)
    session.run(lambda client: show_found(client, query, span, at, form))


@examples("""
ecn events
ecn events --follow
ecn events --after 120 -o json
ecn events --at 2h
ecn events --follow -o json | jq .type
""")
@click.command("events", cls=Command)
@click.option("-f", "--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@click.option("--after", type=click.IntRange(0), metavar="N", help="From behind this position.")
@click.option("--before", type=click.IntRange(0), metavar="N", help="Before this position.")
@click.option("--subject", default="", metavar="KIND[/NAME]", help="About this.")
@click.option(
    "--type", "type_", default="", metavar="TYPE", help="node, node.registered, node.registered.v1."
)
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def events(
    session: Session,
    follow: bool,
    after: int | None,
    before: int | None,
    subject: str,
    type_: str,
    at: str,
    form: str,
) -> None:
    """Show the events of the log as they are, reports of devices included.

    The latest ones, or all after a position. Followed as JSON, it is one event per line.
    """
    query = {k: v for k, v in (("subject", subject), ("type", type_)) if v}
    if follow:
        if at or before is not None:
            raise click.UsageError("--follow shows what is to come: it has no --at or --before")
        session.run(lambda client: _follow(client, query, after, None, form))
    else:
        span = Span(after, before)
        session.run(lambda client: show_found(client, query, span, at, form))


async def latest(client: Client, *, at: str, form: str) -> None:
    """Show the latest events, or the latest as of then."""
    await show_found(client, {}, Span(), at, form)


class Span:
    """Which part of what is found is shown: the latest so many, or the first behind a position."""

    def __init__(
        self, after: int | None = None, before: int | None = None, limit: int | None = None
    ) -> None:
        self.after = after
        self.before = before
        self.limit = SHOWN if limit is None else limit
        self.ascending = limit == ALL or (after is not None and before is None)

    async def pages(self, client: Client, query: Mapping[str, str]) -> AsyncIterator[d.Events]:
        """As many pages as it takes, one at least, in the order in which they are found."""
        left, after, before = self.limit, self.after, self.before
        while True:
            size = min(left, LARGEST_PAGE) if self.limit != ALL else LARGEST_PAGE
            asked = {**query, "limit": str(size), "order": "asc" if self.ascending else "desc"}
            if after is not None:
                asked["after"] = str(after)
            if before is not None:
                asked["before"] = str(before)
            page = await client.events(asked)
            yield page
            left -= len(page.items)
            if page.next is None or (left <= 0 and self.limit != ALL):
                return
            if self.ascending:
                after = page.next
            else:
                before = page.next


async def show_found(
    client: Client, query: Mapping[str, str], span: Span, at: str, form: str
) -> None:
    """Show the events that the query finds."""
    view = await looking(client, at, tell=form == Format.TABLE)
    streamed = form == CSV and span.ascending
    if streamed:
        click.echo(csv_text([], header=True), nl=False)
    items: list[d.EventDocument] = []
    position, following = 0, None
    async for page in span.pages(view.client, query):
        position, following = position or page.position, page.next
        if streamed:
            # However many there are: a file may hold what memory can't.
            click.echo(csv_text(page.items, header=False), nl=False)
        else:
            items += page.items
    if not streamed:
        ordered = items if span.ascending else items[::-1]
        show_events(d.Events(position=position, items=ordered, next=following), form)
    if following is not None:
        note(
            f"there are more: --after {following}"
            if span.ascending
            else f"there are earlier ones: --before {following}"
        )


async def _follow(
    client: Client,
    query: Mapping[str, str],
    after: int | None,
    since: datetime | None,
    form: str,
) -> None:
    if since is not None:
        just_before = (since - timedelta(microseconds=1)).isoformat()
        then = await client.as_of(just_before).status()
        after = max(after or 0, then.position)
    async with aclosing(client.follow(query, after=after)) as stream:
        await show_each(stream, form)
