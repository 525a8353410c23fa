"""`ecn plan`: what deploying manifests would do, to the network and to containers."""

import click

from ecn.api import plan_documents as p
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.deploy import FILES, read_sources, with_password
from ecn.cli.errors import BadManifest, Refused
from ecn.cli.field_text import LONGEST
from ecn.cli.manifests import Application, Manifest, NodeManifest, Registry, read_manifests
from ecn.cli.output import Format, document_text, format_option, terminal_width
from ecn.cli.plan_text import lines
from ecn.cli.session import Session, pass_session


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
    body = p.PlanRequest(changes=[change_of(each) for each in manifests])
    found = session.run(lambda client: client.plan(body))
    show(found, Format(form))
    refuse(found)
    if exit_code and any(each.events for each in found.changes):
        ctx.exit(1)


def change_of(manifest: Manifest) -> p.AnyChange:
    """What deploying it asks for. Errors: CliError when its password is not there."""
    match manifest:
        case Application(name, body):
            return p.ApplyApplication(name=name, manifest=body)
        case NodeManifest(name, settings):
            return p.ApplyNode(name=name, settings=settings)
        case Registry(name, _):
            return p.ApplyRegistry(name=name, manifest=with_password(manifest))


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
