"""`ecn replay`: build the world anew from the log, and prove that it is the one that serves."""

from contextlib import aclosing

import click

from ecn.api.replay_documents import LogReplay, ReplayDifference, ReplayVerdict
from ecn.cli.bar import Tell, bar
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import Unreachable, printable
from ecn.cli.output import Format, document_text, format_option
from ecn.cli.session import Session, pass_session

DIFFERENT = 1
"""Exit code, whatever form was asked for."""


@examples("""
ecn replay
ecn replay -o json
""")
@click.command("replay", cls=Command)
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def replay(session: Session, form: str) -> None:
    """Build the world anew from the first event on, and compare. Ends with 1 if anything differs.

    The controller folds its whole log while it goes on serving, and holds the outcome against the
    world that it answers from, and against the rows in the database that it would start from. The
    first difference is named. Wrong rows are written anew by themselves.
    """
    with bar("Replaying", "events") as tell:
        found = session.run(lambda client: _found(client, tell))
    if form != Format.TABLE:
        click.echo(document_text(found, Format(form)))
    else:
        _show(found)
    if not found.same:
        click.get_current_context().exit(DIFFERENT)


async def _found(client: Client, tell: Tell) -> LogReplay:
    async with aclosing(client.replay()) as lines:
        async for line in lines:
            tell(line.position, line.of)
            if line.done:
                return line
    raise Unreachable("the controller ended its answer in the middle", next_step="try again")


def _show(found: LogReplay) -> None:
    rate = f", {found.events_per_second:,} a second" if found.events_per_second else ""
    click.echo(f"replayed {found.position:,} events{rate}")
    for name, verdict, next_step in (
        ("live world", found.live, "restart this controller: it starts from the log"),
        ("rows in the database", found.views, "they are compared and written anew by themselves"),
    ):
        if verdict is not None:
            _say(name, verdict, next_step)


def _say(name: str, verdict: ReplayVerdict, next_step: str) -> None:
    if verdict.compared == "same":
        click.echo(f"{name}: the same, at position {verdict.position}")
    elif verdict.difference is None:
        click.echo(f"{name}: not compared: {printable(verdict.why_not)}")
    else:
        wrong = click.style("different", fg="red", bold=True)
        click.echo(f"{name}: {wrong}, at position {verdict.position}")
        click.echo(_first(verdict.difference))
        click.echo(f"  next: {next_step}")


def _first(difference: ReplayDifference) -> str:
    where = " ".join(part for part in (difference.key, difference.field) if part)
    return (
        f"  first in {printable(difference.view)}: {printable(where)}\n"
        f"    from the log: {printable(difference.expected)}\n"
        f"    found:        {printable(difference.found)}"
    )
