"""`ecn start`, `ecn stop`, `ecn move`: whether and where things run."""

import click

from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import reference_to_run, references
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind, Reference


def _meant(words: tuple[str, ...]) -> list[Reference]:
    """`application shop`, `application/shop shop/web`: either way that people write it."""
    if len(words) > 1 and "/" not in words[0]:
        return references(words, Kind.APPLICATION, Kind.MICROSERVICE)
    return [reference_to_run(word) for word in words]


@examples("""
ecn start application/shop
ecn start shop/web shop/cache
""")
@click.command("start", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND/NAME...")
@connection_options
@pass_session
def start(session: Session, what: tuple[str, ...]) -> None:
    """Let applications or microservices run.

    Starting an application does not start those of its microservices that were stopped themselves.
    """

    async def work(client: Client) -> None:
        for reference in _meant(what):
            changed = await client.start(reference.kind.plural, reference.name)
            click.echo(f"{reference} {'started' if changed.events else 'was started already'}")

    session.run(work)


@examples("""
ecn stop application/shop
ecn stop shop/web
ecn stop $(ecn get ms --node kiosk-7 -o name)
""")
@click.command("stop", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND/NAME...")
@connection_options
@pass_session
def stop(session: Session, what: tuple[str, ...]) -> None:
    """Let applications or microservices not run. Their containers and data stay."""

    async def work(client: Client) -> None:
        for reference in _meant(what):
            changed = await client.stop(reference.kind.plural, reference.name)
            click.echo(f"{reference} {'stopped' if changed.events else 'was stopped already'}")

    session.run(work)


@examples("ecn move shop/web kiosk-8")
@click.command("move", cls=Command)
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@click.argument("node")
@connection_options
@pass_session
def move(session: Session, microservice: str, node: str) -> None:
    """Move a microservice to another node. Volumes of the old one do not follow."""
    reference = reference_to_run(microservice)
    if reference.kind is not Kind.MICROSERVICE:
        raise click.UsageError(f"{microservice!r} is not APPLICATION/MICROSERVICE")
    body = d.MoveMicroservice(node=node)
    changed = session.run(lambda client: client.move(reference.name, body))
    said = f"moved to {node}" if changed.events else f"is on {node} already"
    click.echo(f"{reference} {said}")
