"""`ecn why`: the reasons for what is, back to whoever asked for it."""

import click

from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import SHOWN_ONLY, one_reference
from ecn.cli.output import Format, document_text, format_option
from ecn.cli.reason_text import lines
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind

KINDS = tuple(kind for kind in Kind if kind not in (Kind.USER, *SHOWN_ONLY))


@examples("""
ecn why microservice/shop/web
ecn why shop/web                          # the same
ecn why node/kiosk-7                      # why it is offline
ecn why application/shop                  # which microservices keep it from running
ecn why ms shop/web --at 2h               # as it was two hours ago
""")
@click.command("why", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND/NAME")
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def why(session: Session, what: tuple[str, ...], at: str, form: str) -> None:
    """Show why something is as it is, or is gone.

    From its state back: what its device reported, what it waits for, the change that it was made
    from, the command behind that, what else the command led to, and who gave it.
    """
    reference = one_reference(what, *KINDS)

    async def show(client: Client) -> None:
        view = await looking(client, at, tell=form == Format.TABLE)
        found = await view.client.why(reference.kind, reference.name)
        if form != Format.TABLE:
            click.echo(document_text(found, Format(form)))
            return
        for line in lines(found, view.now):
            click.echo(line)

    session.run(show)
