"""`--at`: a moment of the past, for every command that only looks.

A command takes its client from `looking`, and looks through it at one and the same position,
however many requests it makes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec import Struct

from ecn.cli.output import note
from ecn.cli.wording import instant_of, moment

if TYPE_CHECKING:  # aiohttp takes a while to import, and --help does not need it
    from ecn.cli.client import Client

F = TypeVar("F", bound=Callable[..., object])


class Moment(click.ParamType[str]):
    """A position of the log, or a time; as the API takes it."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Errors: click's own usage error."""
        text = str(value).strip()
        if text.isascii() and text.isdecimal():
            return text
        try:
            return instant_of(text.removesuffix("ago"), datetime.now(UTC)).isoformat()
        except ValueError:
            self.fail(
                f"{text!r} is no moment: write a position, 2h (ago), 2026-05-01 "
                "or 2026-05-01T12:00:00Z",
                param,
                ctx,
            )


def at_option(function: F) -> F:
    """`--at`, given to the command as `at`: "" for now."""
    return click.option(
        "--at",
        type=Moment(),
        callback=lambda _context, _option, value: value or "",
        metavar="POSITION|TIME",
        help="As it was then: at a position of the log, 2h (ago), on 2026-05-01.",
    )(function)


class View(Struct, frozen=True):
    """What a command looks through."""

    client: "Client"
    now: datetime
    """What ages are counted from: then, if that is what is looked at."""


async def looking(client: "Client", at: str, *, tell: bool) -> View:
    """The view of the moment that `--at` names, of now if it names none.

    tell: say on stderr which moment it is; for output that people read.
    Errors: Refused, with where the log ends, for a moment to come.
    """
    now = datetime.now(UTC)
    if not at:
        return View(client, now)
    then = await client.as_of(at).status()
    if not at.isdecimal():
        now = min(now, datetime.fromisoformat(at))
    elif then.time is not None:
        now = then.time
    if tell:
        recorded = moment(then.time) if then.time else "before the first event"
        note(f"as of position {then.position}, {recorded}")
    return View(client.as_of(str(then.position)), now)
