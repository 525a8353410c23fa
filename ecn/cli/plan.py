"""`ecn plan`: what deploying manifests would do, to the network and to containers."""

import click

from ecn.api import plan_documents as p
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.deploy import FILES, read_sources, ready
from ecn.cli.errors import BadManifest
from ecn.cli.manifests import read_manifests
from ecn.cli.output import Format, format_option
from ecn.cli.planned import refuse, show
from ecn.cli.session import Session, pass_session
from ecn.manifests.changes import change_of


@examples("""
ecn plan -f demo.yaml
ecn plan -f site/ --exit-code        # ends with 1 if there is anything to do
ecn plan -f site/ -o json | jq '.nodes[].actions[] | select(.action == "replace")'
""")
@click.command("plan", cls=Command)
@FILES
@click.option("--exit-code", is_flag=True, help="End with 1 if there is anything to do.")
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
@click.pass_context
def plan(
    ctx: click.Context, session: Session, files: tuple[str, ...], exit_code: bool, form: str
) -> None:
    """Show what deploying the manifests would do, without doing it.

    What is created, changed and deleted; what the agent of each node then does to containers:
    create, replace (and because of which fields), configure, start, stop, remove; what is refused
    and why. The controller decides it as it would for ecn deploy, and appends nothing.
    """
    manifests = read_manifests(read_sources(files))
    if not manifests:
        raise BadManifest("there is no manifest in that", next_step="see ecn plan --help")
    body = p.PlanRequest(changes=[change_of(ready(each)) for each in manifests])
    found = session.run(lambda client: client.plan(body))
    show(found, Format(form))
    refuse(found)
    if exit_code and any(each.events for each in found.changes):
        ctx.exit(1)
