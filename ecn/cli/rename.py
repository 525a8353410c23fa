"""`ecn rename` and `ecn rebuild`: another name for what runs, and a new container for it."""

import click

from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import one_reference, reference_to_run
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind, Reference

KINDS = (Kind.NODE, Kind.APPLICATION, Kind.MICROSERVICE, Kind.ROUTE)


@examples("""
ecn rename application shop store
ecn rename microservice shop/web www
ecn rename node kiosk-7 kiosk-8
ecn rename route shop/orders bills
""")
@click.command("rename", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND NAME NEW-NAME")
@connection_options
@pass_session
def rename(session: Session, what: tuple[str, ...]) -> None:
    """Give a node, an application, a microservice or a route another name.

    Its id and its history stay, and what runs is not touched. A manifest that has the old name
    would make another one: rename it there, too.
    """
    if len(what) < 2:
        raise click.UsageError("say what, and its new name: KIND NAME NEW-NAME")
    *old, new = what
    reference = one_reference(tuple(old), *KINDS)
    new = new.rpartition("/")[2] if reference.kind is not Kind.NODE else new
    changed = session.run(lambda client: _rename(client, reference, new))
    said = f"is {new} now" if changed.events else f"is {new} already"
    click.echo(f"{reference} {said}")


async def _rename(client: Client, reference: Reference, new: str) -> d.Changed:
    match reference.kind:
        case Kind.NODE:
            return await client.update_node(reference.name, d.UpdateNode(name=new))
        case _:
            body = d.Rename(name=new)
            return await client.rename(reference.kind.plural, reference.name, body)


@examples("""
ecn rebuild shop/web
""")
@click.command("rebuild", cls=Command)
@click.argument("microservices", nargs=-1, required=True, metavar="APPLICATION/MICROSERVICE...")
@connection_options
@pass_session
def rebuild(session: Session, microservices: tuple[str, ...]) -> None:
    """Let containers be made anew, although nothing about them changed.

    What is not on a volume is lost; the image is asked for again, as its pull policy says.
    """
    meant = [reference_to_run(each) for each in microservices]
    for each in meant:
        if each.kind is not Kind.MICROSERVICE:
            raise click.UsageError(f"{each.name!r} is not APPLICATION/MICROSERVICE")

    async def work(client: Client) -> None:
        for each in meant:
            await client.rebuild(each.name)
            click.echo(f"{each} is made anew")

    session.run(work)
