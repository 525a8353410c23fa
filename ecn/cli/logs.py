"""`ecn logs`: what a microservice's container wrote."""

import sys
from datetime import datetime

import click

from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import Kind, reference_to_run
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Instant


@examples("""
ecn logs shop/web
ecn logs shop/web --follow --tail 20
ecn logs shop/web --since 10m
""")
@click.command("logs", cls=Command)
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("--since", type=Instant(), help="After this time: 10m (ago), 2026-05-01T12:00:00Z.")
@connection_options
@pass_session
def logs(
    session: Session, microservice: str, follow: bool, tail: int | None, since: datetime | None
) -> None:
    """Show what a microservice wrote to stdout and stderr. Its agent sends it now, on demand."""
    reference = reference_to_run(microservice)
    if reference.kind is not Kind.MICROSERVICE:
        raise click.UsageError(f"{microservice!r} is not APPLICATION/MICROSERVICE")
    query = {"follow": "true"} if follow else {}
    if tail is not None:
        query["tail"] = str(tail)
    if since is not None:
        query["since"] = since.isoformat()

    async def work(client: Client) -> None:
        async with client.logs(reference.name, query) as chunks:
            async for chunk in chunks:
                # As it is, bytes and all: what a program writes is its own affair.
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()

    session.run(work)
