"""How a plan that the controller answers is shown."""

import click

from ecn.api import plan_documents as p
from ecn.cli.errors import Refused
from ecn.cli.field_text import LONGEST
from ecn.cli.output import Format, document_text, terminal_width
from ecn.cli.plan_text import lines


def show(found: p.Plan, form: Format) -> None:
    """The plan, for people or for programs."""
    if form is not Format.TABLE:
        click.echo(document_text(found, form))
        return
    for line in lines(found, longest=LONGEST if terminal_width() is not None else None):
        click.echo(line)


def refuse(found: p.Plan) -> None:
    """Errors: Refused, with the first of what is refused."""
    for each in found.changes:
        if each.problem is not None:
            raise Refused(each.problem, about=f"{each.about}: ")
