"""`ecn reboot`, `prune`, `upgrade`, `rollback`: what an agent is told to do once.

ioFog's agents do it; our own is not told yet.
"""

import click

from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import Kind, references
from ecn.cli.session import Session, pass_session

NODES = click.argument("what", nargs=-1, required=True, metavar="node NAME...")


def _instruct(session: Session, what: tuple[str, ...], instruction: str) -> None:
    nodes = references(what, Kind.NODE)

    async def work(client: Client) -> None:
        for each in nodes:
            await client.instruct(each.name, instruction)
            click.echo(f"{each}: its agent is told to {instruction}")

    session.run(work)


@examples("""
ecn reboot node kiosk-7
""")
@click.command("reboot", cls=Command)
@NODES
@connection_options
@pass_session
def reboot(session: Session, what: tuple[str, ...]) -> None:
    """Tell agents to restart their devices. One that is away does so when it is back.

    For ioFog's agents; ECN's own does not listen to this yet.
    """
    _instruct(session, what, "reboot")


@examples("""
ecn prune node kiosk-7 kiosk-8
""")
@click.command("prune", cls=Command)
@NODES
@connection_options
@pass_session
def prune(session: Session, what: tuple[str, ...]) -> None:
    """Tell agents to remove images that no container uses.

    For ioFog's agents; ECN's own does not listen to this yet.
    """
    _instruct(session, what, "prune")


@examples("""
ecn upgrade node kiosk-7
""")
@click.command("upgrade", cls=Command)
@NODES
@connection_options
@pass_session
def upgrade(session: Session, what: tuple[str, ...]) -> None:
    """Tell agents to install their next version.

    For ioFog's agents; ECN's own does not listen to this yet.
    """
    _instruct(session, what, "upgrade")


@examples("""
ecn rollback node kiosk-7
""")
@click.command("rollback", cls=Command)
@NODES
@connection_options
@pass_session
def rollback(session: Session, what: tuple[str, ...]) -> None:
    """Tell agents to go back to the version that they had before.

    For ioFog's agents; ECN's own does not listen to this yet.
    """
    _instruct(session, what, "rollback")
