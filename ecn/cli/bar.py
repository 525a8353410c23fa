"""How far a long piece of work is, on a terminal; nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Tell = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@contextmanager
def bar(doing: str, unit: str) -> Iterator[Tell]:
    """A bar on stderr while the block runs, gone when it ends.

    doing: what is being done: `Verifying`. unit: what is counted: `events`.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    context = click.get_current_context(silent=True)
    colourless = context is not None and context.color is False
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True, no_color=colourless, highlight=False),
        transient=True,
    )
    with progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)
