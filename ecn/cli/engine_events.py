"""`ecn engine-events`: what nodes' container engines say of our containers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import click
import msgspec

from agent.contract import EngineEvent
from ecn.cli.client import RECONNECTS, Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, NotAllowed, printable
from ecn.cli.output import Column, Format, format_option, note, print_table
from ecn.cli.session import Session, pass_session
from ecn.cli.targets import Target, Targets, find, said, side_by_side
from ecn.cli.wording import Instant, moment

COLUMNS = (
    Column("TIME"),
    Column("NODE"),
    Column("MICROSERVICE"),
    Column("WHAT"),
    Column("DETAIL"),
    Column("CONTAINER"),
)
BAD = frozenset({"oom", "die"})
DEFAULT_SINCE = "1h"


@examples("""
ecn engine-events kiosk-7
ecn engine-events shop/web --since 10m
ecn engine-events -f shop
ecn engine-events -f kiosk-7 -o json | jq .action
""")
@click.command("engine-events", cls=Command)
@click.argument("what", default="", metavar="[NODE|APPLICATION|APPLICATION/MICROSERVICE]")
@click.option("-f", "--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@click.option(
    "--since",
    type=Instant(),
    help=f"After this time: 10m (ago). Default: {DEFAULT_SINCE}; followed, from now on.",
)
@format_option(Format.TABLE, Format.JSON)
@connection_options
@pass_session
def events(session: Session, what: str, follow: bool, since: datetime | None, form: str) -> None:
    """Show what the container engine did: containers created, started, ended, out of memory, …

    As far back as the engine remembers (Docker: the last 256 events of the device, until it is
    restarted). The network's own log is `ecn events`.
    """

    async def work(client: Client) -> None:
        targets = await find(client, what)
        for each in targets.away:
            note(f"node {each}: its engine can't be asked now")
        if not targets.targets:
            raise CliError("no node that is meant is online", next_step="ecn get nodes")
        query: list[tuple[str, str]] = [("follow", "true")] if follow else []
        begin = since
        if begin is None and not follow:
            begin = Instant().convert(DEFAULT_SINCE, None, None)
        if begin is not None:
            query.append(("since", begin.isoformat()))
        await (_follow if follow else _show)(client, targets, query, form)

    session.run(work)


async def _show(
    client: Client, targets: Targets, query: Sequence[tuple[str, str]], form: str
) -> None:
    found: list[tuple[str, EngineEvent]] = []
    problems = []

    async def ask(target: Target) -> None:
        asked = client.engine_events(target.node, [*target.query, *query])
        try:
            found.extend([(target.node, event) async for event in asked])
        except CliError as error:
            problems.append(error)
            note(f"node {target.node}: {said(error)}")

    await side_by_side(*(ask(target) for target in targets.targets))
    if len(problems) == len(targets.targets):
        raise problems[0]
    found.sort(key=lambda each: each[1].at)
    if form == Format.JSON:
        for node, event in found:
            click.echo(_json(node, event))
    elif found:
        print_table(COLUMNS, [_cells(targets, node, event) for node, event in found])
    else:
        note("nothing happened, as far as the engines remember")


async def _follow(
    client: Client, targets: Targets, query: Sequence[tuple[str, str]], form: str
) -> None:
    async def tell(target: Target) -> None:
        """A link that breaks is taken up again, from behind the last event."""
        asked, failures = dict(query), 0
        while True:
            try:
                pairs = [*target.query, *asked.items()]
                async for event in client.engine_events(target.node, pairs):
                    failures = 0
                    asked["since"] = (event.at + timedelta(microseconds=1)).isoformat()
                    _tell(targets, target.node, event, form)
            except NotAllowed:
                raise
            except CliError as error:
                if failures >= len(RECONNECTS):
                    raise
                if failures == 0:
                    note(f"node {target.node}: {said(error)}")
            await asyncio.sleep(RECONNECTS[min(failures, len(RECONNECTS) - 1)])
            failures += 1

    await side_by_side(*(tell(target) for target in targets.targets))


def _tell(targets: Targets, node: str, event: EngineEvent, form: str) -> None:
    if form == Format.JSON:
        click.echo(_json(node, event))
        return
    time, _, name, *rest = _cells(targets, node, event)
    click.echo(f"{time}  {node:<12}  {name:<20}  {'  '.join(rest)}")


def _json(node: str, event: EngineEvent) -> bytes:
    return msgspec.json.encode({"node": node, **msgspec.to_builtins(event)})


def _cells(targets: Targets, node: str, event: EngineEvent) -> list[str]:
    name = targets.names.get(event.microservice_id, f"{event.application}/{event.name}")
    action = click.style(event.action, fg="red") if event.action in BAD else event.action
    return [
        moment(event.at),
        node,
        printable(name),
        action,
        printable(event.detail),
        event.container_id[:12],
    ]
