"""How each command of `ecn` is made: examples in its help, the connection options on both sides.

`ecn --context x get nodes` and `ecn get nodes --context x` mean the same, as people expect who
know kubectl; so the connection options stand on the group and on every command that connects.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

import click
from msgspec import Struct

from ecn.cli.errors import EXIT_CODES
from ecn.cli.session import Session

F = TypeVar("F", bound=Callable[..., object])
C = TypeVar("C", bound=click.Command)


class Command(click.Command):
    """A command whose help ends with examples."""

    examples: str = ""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are: click would fold their lines."""
        write_examples(formatter, self.examples)


class Group(click.Group):
    """Commands under one word, with examples for all of them."""

    command_class = Command
    examples: str = ""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are."""
        write_examples(formatter, self.examples)


class Entry(Struct, frozen=True):
    """A command that is imported when it is used: `ecn --help` stays quick."""

    section: str
    summary: str
    target: str
    """`module:attribute`."""


class LazyGroup(Group):
    """The commands of a table, loaded one by one."""

    entries: ClassVar[dict[str, Entry]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them by section, without importing any."""
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, e.summary) for name, e in self.entries.items() if e.section == section]
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and what the exit codes mean."""
        super().format_epilog(ctx, formatter)
        formatter.write("\n" + EXIT_CODES + "\n")


def write_examples(formatter: click.HelpFormatter, examples: str) -> None:
    """A section of lines that are kept as they are."""
    if examples:
        formatter.write("\nExamples:\n")
        for line in examples.strip().splitlines():
            formatter.write(f"  {line.strip()}\n")


def examples(text: str) -> Callable[[C], C]:
    """Give a command its examples. Goes outermost, above `@click.command`."""

    def given(command: C) -> C:
        if not isinstance(command, Command | Group):
            raise TypeError(f"{command.name} was made without cls=Command")
        command.examples = text
        return command

    return given


def _kept(attribute: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(ctx: click.Context, _param: click.Parameter, value: object) -> None:
        if value is not None:
            setattr(ctx.ensure_object(Session), attribute, value)

    return keep


def connection_options(function: F) -> F:
    """`--context`, `--server`, `--token-file`, `--ca-file`: kept in the session."""
    a_file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--ca-file",
            type=a_file,
            expose_value=False,
            callback=_kept("ca_file"),
            help="Certificates (PEM) to trust the controller by.",
        ),
        click.option(
            "--token-file",
            type=a_file,
            expose_value=False,
            callback=_kept("token_file"),
            help="File with a token, instead of the context's. Also: ECN_TOKEN.",
        ),
        click.option(
            "--server",
            metavar="URL",
            expose_value=False,
            callback=_kept("server"),
            help="The controller's address, instead of the context's. Also: ECN_SERVER.",
        ),
        click.option(
            "--context",
            metavar="NAME",
            expose_value=False,
            callback=_kept("context"),
            help="The context to use, instead of the current one. Also: ECN_CONTEXT.",
        ),
    ):
        function = option(function)
    return function
