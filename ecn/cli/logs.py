"""`ecn logs`: what microservices' containers wrote, of one or of a whole application."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import click

from ecn.cli.client import RECONNECTS, Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, NotAllowed, Refused, Unreachable
from ecn.cli.kinds import reference_to_run
from ecn.cli.log_lines import Line, Lines
from ecn.cli.output import note
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Instant
from ecn.manifests.kinds import Kind

COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")
MOST = 10
"""Logs that are read at once: so many a node lets through."""

AWAY = frozenset({502, 503, 504})
"""Statuses that may pass: the controller, or the device, is away."""

Show = Callable[[str, Line], None]


@examples("""
ecn logs shop/web
ecn logs shop/web --follow --tail 20
ecn logs shop/web --since 10m --timestamps
ecn logs -f shop                       # all microservices of the application
""")
@click.command("logs", cls=Command)
@click.argument("what", metavar="APPLICATION[/MICROSERVICE]")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("--since", type=Instant(), help="After this time: 10m (ago), 2026-05-01T12:00:00Z.")
@click.option("--timestamps", is_flag=True, help="Begin each line with the time it was written at.")
@connection_options
@pass_session
def logs(
    session: Session,
    what: str,
    follow: bool,
    tail: int | None,
    since: datetime | None,
    timestamps: bool,
) -> None:
    """Show what microservices wrote to stdout and stderr. Their agents send it now, on demand.

    Followed, it goes on where it was when the link to the device breaks, for as long as that takes.
    """
    reference = reference_to_run(what)
    query = {"timestamps": "true"}
    if follow:
        query["follow"] = "true"
    if tail is not None:
        query["tail"] = str(tail)
    if since is not None:
        query["since"] = since.isoformat()

    async def work(client: Client) -> None:
        if reference.kind is Kind.MICROSERVICE:
            await _show(client, reference.name, query, _plain(timestamps))
            return
        application = await client.application(reference.name)
        names = [f"{application.name}/{each.name}" for each in application.microservices]
        if not names:
            raise CliError(f"application {application.name} has no microservices")
        if len(names) > MOST:
            raise CliError(
                f"application {application.name} has {len(names)} microservices, and at most "
                f"{MOST} logs are read at once",
                next_step="name one: ecn logs " + names[0],
            )
        await _show_all(client, names, query, _prefixed(names, timestamps))

    session.run(work)


def _plain(timestamps: bool) -> Show:
    def show(_: str, line: Line) -> None:
        # As it is, bytes and all: what a program writes is its own affair.
        sys.stdout.buffer.write(_text(line, timestamps))
        sys.stdout.buffer.flush()

    return show


def _prefixed(names: list[str], timestamps: bool) -> Show:
    width = max(len(name) for name in names)
    coloured = {
        name: click.style(f"{name:<{width}} | ", fg=COLOURS[number % len(COLOURS)])
        for number, name in enumerate(names)
    }

    def show(name: str, line: Line) -> None:
        click.echo(coloured[name], nl=False)
        sys.stdout.flush()
        text = _text(line, timestamps)
        sys.stdout.buffer.write(text if text.endswith(b"\n") else text + b"\n")
        sys.stdout.buffer.flush()

    return show


def _text(line: Line, timestamps: bool) -> bytes:
    return f"{line.time} ".encode() + line.text if timestamps and line.time else line.text


async def _show_all(client: Client, names: list[str], query: dict[str, str], show: Show) -> None:
    """Side by side; one that can't be read is told of, and the others go on."""
    problems: list[CliError] = []

    async def one(name: str) -> None:
        try:
            await _show(client, name, query, show)
        except CliError as error:
            problems.append(error)
            note(f"{name}: {error.message}")

    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(one(name))
    if len(problems) == len(names):
        raise problems[0]


async def _show(client: Client, name: str, query: dict[str, str], show: Show) -> None:
    """Each line once. A link that breaks is taken up again while following. Errors: CliError."""
    async for line in followed(client, name, query):
        show(name, line)


async def followed(client: Client, name: str, query: dict[str, str]) -> AsyncIterator[Line]:
    """The lines of a log, over as many connections as it takes."""
    lines, asked, failures = Lines(), dict(query), 0
    while True:
        try:
            async with client.logs(name, asked) as pieces:
                async for piece in pieces:
                    failures = 0
                    for line in lines.feed(piece):
                        yield line
            for line in lines.end():
                yield line
            return
        except (Unreachable, Refused) as error:
            if "follow" not in query or not _may_pass(error) or lines.since is None:
                raise
            if failures == 0:
                note(f"{name}: the link broke, trying to go on ({error.message})")
        await asyncio.sleep(RECONNECTS[min(failures, len(RECONNECTS) - 1)])
        failures += 1
        since = lines.since
        asked = {key: value for key, value in query.items() if key not in ("tail", "since")}
        asked["since"] = since.isoformat()
        lines.resumed()


def _may_pass(error: CliError) -> bool:
    """Whether it may be otherwise in a moment: who has begun to follow goes on for as long."""
    if isinstance(error, NotAllowed):
        return False
    return not isinstance(error, Refused) or error.problem.status in AWAY
