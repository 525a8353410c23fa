"""What goes to stdout: tables for people, documents for programs.

On a terminal a table keeps to its width by shortening the columns that may be shortened; in a
pipe nothing is ever shortened. Names never are: people copy them.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

import click
import msgspec
from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from ecn.cli.errors import printable

F = TypeVar("F", bound=Callable[..., object])
GAP = "  "
LEAST = 8
"""Cells that a shortened column keeps."""


_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class Format(StrEnum):
    """What `-o` may say."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    MANIFEST = "manifest"


class Column(Struct, frozen=True):
    """A heading; whether it only shows when wide; whether it may be shortened."""

    title: str
    wide: bool = False
    flexible: bool = False


def format_option(*formats: Format) -> Callable[[F], F]:
    """`-o`, with those of the formats that make sense for the command."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice([f.value for f in formats]),
        default=formats[0].value,
        show_default=True,
        help="How to show it.",
    )


def document_text(document: object, form: Format) -> str:
    """JSON or YAML of anything that msgspec knows."""
    encoded = msgspec.json.encode(document)
    if form is Format.YAML:
        from ecn.yaml_text import dumped

        return dumped(msgspec.json.decode(encoded)).rstrip("\n")
    return msgspec.json.format(encoded.decode(), indent=2)


def table_text(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, wide: bool, width: int | None
) -> list[str]:
    """The lines of a table. Cells may be styled.

    width: cells of the terminal, None for no limit.
    """
    shown = [i for i, column in enumerate(columns) if wide or not column.wide]
    cells = [[_one_line(row[i]) for i in shown] for row in rows]
    kept = [columns[i] for i in shown]
    # A column that says nothing for anybody takes room from those that do.
    filled = [i for i in range(len(kept)) if not kept[i].flexible or any(row[i] for row in cells)]
    kept = [kept[i] for i in filled]
    grid = [[c.title for c in kept], *([row[i] for i in filled] for row in cells)]
    sizes = [max(cell_len(click.unstyle(row[i])) for row in grid) for i in range(len(kept))]
    if width is not None:
        _shorten(kept, sizes, width)
    lines = []
    for number, row in enumerate(grid):
        fitted = [_fitted(cell, size) for cell, size in zip(row, sizes, strict=True)]
        line = GAP.join(fitted).rstrip()
        lines.append(click.style(line, bold=True) if number == 0 else line)
    return lines


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, wide: bool = False
) -> None:
    """Show a table, as wide as the terminal allows."""
    for line in table_text(columns, rows, wide=wide, width=terminal_width()):
        click.echo(line)


def terminal_width() -> int | None:
    """Cells per line, None when stdout is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def note(text: str) -> None:
    """A remark on stderr, out of the way of what programs read."""
    click.echo(printable(text), err=True)


def _one_line(cell: str) -> str:
    # Colours are ours; any other control character came with somebody's text.
    parts = _COLOUR.split(" ".join(cell.split("\n")))
    return "".join(part if i % 2 else printable(part) for i, part in enumerate(parts))


def _shorten(columns: Sequence[Column], sizes: list[int], width: int) -> None:
    excess = sum(sizes) + len(GAP) * (len(sizes) - 1) - width
    while excess > 0:
        # The longest gives first, so that short ones stay whole.
        candidates = [i for i, c in enumerate(columns) if c.flexible and sizes[i] > LEAST]
        if not candidates:
            return
        longest = max(candidates, key=lambda i: sizes[i])
        sizes[longest] -= 1
        excess -= 1


def _fitted(cell: str, size: int) -> str:
    plain = click.unstyle(cell)
    length = cell_len(plain)
    if length <= size:
        return cell + " " * (size - length)
    return set_cell_size(plain, size - 1).rstrip() + "…"
