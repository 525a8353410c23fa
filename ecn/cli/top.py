"""`ecn top`: what containers use at this moment, measured while somebody looks."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.live import Live
from rich.text import Text

from agent.contract import ContainerUsage
from ecn.cli.client import RECONNECTS, Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, NotAllowed
from ecn.cli.output import Column, Format, format_option, note, table_text, terminal_width
from ecn.cli.session import Session, pass_session
from ecn.cli.targets import Target, Targets, find, said, side_by_side

COLUMNS = (
    Column("MICROSERVICE"),
    Column("NODE"),
    Column("STATE"),
    Column("CPU"),
    Column("MEMORY"),
    Column("LIMIT"),
    Column("NET IN"),
    Column("NET OUT"),
    Column("DISK READ"),
    Column("WRITTEN"),
    Column("PROCESSES"),
)
SORTS: dict[str, Callable[["Row"], tuple[float | str, ...]]] = {
    "cpu": lambda row: (-row.usage.cpu_percent, row.microservice),
    "memory": lambda row: (-row.usage.memory_bytes, row.microservice),
    "name": lambda row: (row.microservice,),
}
ONCE_WITHIN = 15.0
"""Seconds for all nodes to say it once."""


class Row(Struct, frozen=True):
    """One container's use, with the names of now."""

    microservice: str
    node: str
    usage: ContainerUsage


@examples("""
ecn top
ecn top kiosk-7                          # a node
ecn top shop --sort memory               # an application
ecn top shop/web --interval 5
ecn top --once -o json | jq .
""")
@click.command("top", cls=Command)
@click.argument("what", default="", metavar="[NODE|APPLICATION|APPLICATION/MICROSERVICE]")
@click.option("--once", is_flag=True, help="Show it once, and end.")
@click.option(
    "--interval",
    type=click.IntRange(1, 60),
    default=2,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option("--sort", type=click.Choice(list(SORTS)), default="cpu", show_default=True)
@format_option(Format.TABLE, Format.JSON)
@connection_options
@pass_session
def top(session: Session, what: str, once: bool, interval: int, sort: str, form: str) -> None:
    """Show what containers use: processor (of one core), memory, network, disk, processes.

    The nodes measure while you look, and at no other time. JSON is one line for each container and
    look. Network and disk count from the start of the container.
    """

    async def work(client: Client) -> None:
        targets = await find(client, what)
        for each in targets.away:
            note(f"node {each}: nothing on it can be measured now")
        if not targets.targets:
            raise CliError("no node that is meant is online", next_step="ecn get nodes")
        await _Top(client, targets, interval, sort, form).run(once=once)

    session.run(work)


class _Top:
    def __init__(
        self, client: Client, targets: Targets, interval: int, sort: str, form: str
    ) -> None:
        self._client = client
        self._targets = targets
        self._interval = interval
        self._sort = sort
        self._json = form == Format.JSON
        self._rows: dict[tuple[str, str], Row] = {}
        self._problems: dict[str, str] = {}

    async def run(self, *, once: bool) -> None:
        """Until Ctrl-C, or once."""
        if once:
            looks = [self._look(target, once=True) for target in self._targets.targets]
            async with asyncio.timeout(ONCE_WITHIN):
                await side_by_side(*looks)
            self._end_of_once()
            return
        live = sys.stdout.isatty() and not self._json
        display: AbstractContextManager[Live | None] = (
            Live(console=Console(), screen=True, auto_refresh=False) if live else nullcontext()
        )
        with display as screen:
            following = [self._follow(target) for target in self._targets.targets]
            await side_by_side(*following, self._go_on_showing(screen))

    async def _go_on_showing(self, screen: Live | None) -> None:
        while True:
            if self._rows or self._problems:
                self._show(screen)
                await asyncio.sleep(self._interval)
            else:
                await asyncio.sleep(0.2)

    def _end_of_once(self) -> None:
        for node, problem in sorted(self._problems.items()):
            note(f"node {node}: {problem}")
        if self._problems and not self._rows:
            raise CliError("no node could be measured")
        if not self._json:
            self._show(None)

    async def _follow(self, target: Target) -> None:
        """Again and again: a node that is away comes back."""
        failures = 0
        while True:
            try:
                await self._look(target, once=False)
                failures = 0
            except NotAllowed:
                raise
            except CliError as error:
                self._problems[target.node] = said(error)
            self._forget(target.node)
            await asyncio.sleep(RECONNECTS[min(failures, len(RECONNECTS) - 1)])
            failures += 1

    async def _look(self, target: Target, *, once: bool) -> None:
        query = [*target.query, ("interval", str(self._interval))]
        if once:
            query.append(("once", "true"))
        try:
            async for usage in self._client.usage(target.node, query):
                self._problems.pop(target.node, None)
                self._take(target.node, usage)
        except CliError as error:
            if not once:
                raise
            self._problems[target.node] = said(error)

    def _take(self, node: str, usage: ContainerUsage) -> None:
        name = self._targets.names.get(usage.microservice_id, f"{usage.application}/{usage.name}")
        self._rows[node, usage.microservice_id] = Row(name, node, usage)
        if self._json:
            click.echo(msgspec.json.encode({"node": node, **msgspec.to_builtins(usage)}))

    def _forget(self, node: str) -> None:
        self._rows = {key: row for key, row in self._rows.items() if key[0] != node}

    def _show(self, screen: Live | None) -> None:
        if self._json:
            return
        latest = max((row.usage.at for row in self._rows.values()), default=None)
        # What was removed says nothing any more.
        kept = [
            row
            for row in self._rows.values()
            if latest is None or (latest - row.usage.at).total_seconds() < 4 * self._interval + 5
        ]
        lines = table(sorted(kept, key=SORTS[self._sort]))
        lines += [f"node {node}: {why}" for node, why in sorted(self._problems.items())]
        if screen is None:
            click.echo("\n".join(lines))
        else:
            screen.update(Text.from_ansi("\n".join(lines)), refresh=True)


def table(rows: Sequence[Row]) -> list[str]:
    """The lines of the table."""
    return table_text(COLUMNS, _cells(rows), wide=False, width=terminal_width())


def _cells(rows: Iterable[Row]) -> Iterable[list[str]]:
    for row in rows:
        use = row.usage
        running = use.processes > 0 or use.memory_bytes > 0
        limit = size(use.memory_limit_bytes) if use.memory_limit_bytes else "-"
        measured = [
            f"{use.cpu_percent:.1f}%",
            size(use.memory_bytes),
            limit,
            size(use.received_bytes),
            size(use.sent_bytes),
            size(use.read_bytes),
            size(use.written_bytes),
            str(use.processes),
        ]
        yield [row.microservice, row.node, use.state, *(measured if running else ["-"] * 8)]


def size(count: int) -> str:
    """Bytes for people: `512 B`, `1.5 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
