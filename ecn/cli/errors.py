"""What goes wrong for the person at the terminal, and the exit code that tells a script.

CliError              1  the request failed
  Refused             1  the controller said no: a Problem
  BadManifest         2  a manifest can't be used; nothing was sent
  Unreachable         3  no answer
  NotAllowed          4  not logged in, or with too small a role
  NotThere            5  waited, and what was waited for did not come

Each says what happened, where (the field, if any) and what to do next. They are click's own
exceptions, so that click shows them and sets the exit code wherever they are raised.
"""

from typing import IO, ClassVar

import click

from ecn.api.documents import Problem

EXIT_CODES = """\
Exit codes: 0 done, 1 refused or failed, 2 wrong usage or a manifest that can't be used,
3 controller not reachable, 4 not logged in or not allowed, 5 waited in vain."""


class CliError(click.ClickException):
    """Something that the person can read and act on."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, field: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.next_step = next_step

    def show(self, file: IO[str] | None = None) -> None:
        """Write it to stderr: what happened, the field, the next step."""
        label = click.style("error:", fg="red", bold=True)
        click.echo(f"{label} {printable(self.message)}", file=file, err=file is None)
        if self.field:
            click.echo(f"  field: {printable(self.field)}", file=file, err=file is None)
        if self.next_step:
            click.echo(f"  next:  {printable(self.next_step)}", file=file, err=file is None)


class Refused(CliError):
    """The controller answered with a Problem."""

    def __init__(self, problem: Problem, *, about: str = "") -> None:
        said = about + (problem.detail or problem.title)
        super().__init__(said, field=problem.field, next_step=problem.next_step)
        self.problem = problem


class BadManifest(CliError):
    """A file can't be read as manifests. Every fault found is told, not only the first."""

    exit_code: ClassVar[int] = 2


class Unreachable(CliError):
    """Nobody answered, or somebody who is no ECN controller."""

    exit_code: ClassVar[int] = 3


class NotAllowed(CliError):
    """No token, one that is no good any more, or one whose role may not do this."""

    exit_code: ClassVar[int] = 4


class NotThere(CliError):
    """The wait ended before what was waited for."""

    exit_code: ClassVar[int] = 5


class MissingExtra(CliError):
    """A part of ECN that this installation was made without."""

    MADE_FOR: ClassVar[dict[str, str]] = {
        "server": "a controller",
        "agent": "an agent",
        "all": "a network",
    }

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"this installation has no part to run {self.MADE_FOR[extra]} ({module} is missing)",
            next_step=f"in the folder of ECN's source: pipx install --force '.[{extra}]'   "
            "(or '.[all]' for everything)",
        )


def printable(text: str) -> str:
    """The text without control characters: reasons come from devices, and terminals obey."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
