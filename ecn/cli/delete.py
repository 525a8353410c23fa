"""`ecn delete`: things go, after a question when a person asks for it."""

import sys

import click

from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.deploy import read_sources
from ecn.cli.errors import CliError, Refused
from ecn.cli.kinds import SHOWN_ONLY, references
from ecn.cli.manifests import read_manifests
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind
from ecn.manifests.wishes import reference

KINDS = tuple(kind for kind in Kind if kind not in (Kind.NETWORK, *SHOWN_ONLY))


@examples("""
ecn delete application shop
ecn delete microservice shop/web
ecn delete node kiosk-7 --force      # with the microservices on it
ecn delete node/kiosk-7 registry/ours -y
ecn delete route shop/orders
ecn delete edge-resource camera@1.0.0
ecn delete -f demo.yaml
""")
@click.command("delete", cls=Command)
@click.argument("what", nargs=-1, metavar="KIND NAME...")
@click.option("-f", "--file", "files", multiple=True, metavar="FILE", help="What it describes.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="A node together with its microservices.")
@click.option("--ignore-missing", is_flag=True, help="What is not there counts as deleted.")
@connection_options
@pass_session
def delete(
    session: Session,
    what: tuple[str, ...],
    files: tuple[str, ...],
    yes: bool,
    force: bool,
    ignore_missing: bool,
) -> None:
    """Delete nodes, applications, microservices, registries or users.

    An application goes with its microservices. On a terminal it asks before; elsewhere it does
    not. The history of what is deleted stays in the log.
    """
    if bool(what) == bool(files):
        raise click.UsageError("say what to delete: KIND NAME..., or -f FILE")
    # In the order opposite to deploying: what others refer to goes last.
    meant = (
        [reference(m) for m in reversed(read_manifests(read_sources(files)))]
        if files
        else references(what, *KINDS)
    )
    if not meant:
        return
    listed = ", ".join(str(each) for each in meant)
    asking = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if asking and not click.confirm(f"Delete {listed}?", err=True):
        raise CliError("nothing was deleted")

    async def work(client: Client) -> int:
        failed: list[CliError] = []
        for each in meant:
            forced = force and each.kind is Kind.NODE
            try:
                await client.delete(each.kind.plural, each.name, force=forced)
            except Refused as e:
                if e.problem.status == 404 and ignore_missing:
                    click.echo(f"{each} was not there")
                    continue
                failed.append(e)
                e.show()
                continue
            click.echo(f"{each} deleted")
        return failed[0].exit_code if failed else 0

    code = session.run(work)
    if code:
        raise click.exceptions.Exit(code)
