"""`ecn blame`: who set each field of a thing."""

import click

from ecn.api.history_documents import Blame, BlamedField
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.field_text import SECRETS, path_text, value_text
from ecn.cli.kinds import SHOWN_ONLY, one_reference
from ecn.cli.output import Column, Format, document_text, format_option, note, print_table
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import moment
from ecn.manifests.kinds import Kind

KINDS = tuple(kind for kind in Kind if kind not in SHOWN_ONLY)

COLUMNS = (
    Column("FIELD"),
    Column("VALUE", flexible=True),
    Column("POSITION"),
    Column("TIME"),
    Column("ACTOR"),
    Column("COMMAND", wide=True),
)


@examples("""
ecn blame microservice/shop/web
ecn blame shop/web                        # the same
ecn blame application/shop --all          # with what is at its default
ecn blame node/kiosk-7 --at 2026-05-01
ecn blame shop/web -o json | jq '.fields[] | select(.path == "/image").event.actor'
""")
@click.command("blame", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND/NAME")
@click.option("--all", "everything", is_flag=True, help="With fields at their default, too.")
@at_option
@format_option(Format.TABLE, Format.WIDE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def blame(session: Session, what: tuple[str, ...], everything: bool, at: str, form: str) -> None:
    """Show which event gave each field its value: position, time, actor.

    The fields are those of the manifest (ecn get KIND NAME -o manifest). A field that was reset
    to its default is shown by --all.
    """
    reference = one_reference(what, *KINDS)

    async def ask(client: Client) -> Blame:
        view = await looking(client, at, tell=form in (Format.TABLE, Format.WIDE))
        return await view.client.blame(reference.kind, reference.name)

    found = session.run(ask)
    if form in (Format.JSON, Format.YAML):
        click.echo(document_text(found, Format(form)))
        return
    shown = [each for each in found.fields if everything or not each.is_default]
    if not shown:
        note("every field is at its default: --all shows them")
        return
    print_table(COLUMNS, [_row(each) for each in shown], wide=form == Format.WIDE)


def _row(field: BlamedField) -> tuple[str, ...]:
    sealed = field.path in SECRETS and field.value is not None
    event = field.event
    return (
        path_text(field.path),
        "(sealed)" if sealed else value_text(field.value, longest=None),
        str(event.position),
        moment(event.time),
        event.actor_name,
        event.command_id,
    )
