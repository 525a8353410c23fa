"""`ecn revert`: things as they were, after showing what that means."""

import sys

import click

from ecn.api import plan_documents as p
from ecn.cli.at import Moment
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError
from ecn.cli.kinds import SHOWN_ONLY, one_reference, references
from ecn.cli.output import Format, document_text, format_option, note
from ecn.cli.planned import refuse, show
from ecn.cli.progress import wait_until_running
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Duration
from ecn.manifests.kinds import Kind, Reference

KINDS = tuple(kind for kind in Kind if kind not in SHOWN_ONLY)


@examples("""
ecn revert --to 2h application/shop                  # as it was two hours ago
ecn revert --to 1200 microservice/shop/web --dry-run
ecn revert --to 2026-05-01T12:00:00Z node/kiosk-7 application/shop --yes
""")
@click.command("revert", cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="KIND/NAME...")
@click.option(
    "--to", "to", type=Moment(), required=True, help="A position of the log, a time, or 2h (ago)."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--wait/--no-wait", default=True, help="Wait until all that should run does.")
@click.option("--timeout", type=Duration(), default="5m", show_default=True, help="Of that wait.")
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def revert(
    session: Session,
    what: tuple[str, ...],
    to: str,
    yes: bool,
    dry_run: bool,
    wait: bool,
    timeout: float,
    form: str,
) -> None:
    """Let things be as they were: applications, microservices, nodes and all the other kinds.

    What was not there then is deleted, what is gone comes back under its old id; all of it happens,
    or nothing. It shows the plan and asks; if somebody changes one of them meanwhile, nothing
    happens. The history in between stays in the log: a revert is one more change, and can be
    reverted. Who may log in, destroyed passwords and a device's identity do not come back.
    """
    subjects = [str(each) for each in meant(what)]
    asking = not yes and not dry_run
    chosen = Format(form)
    if asking and not (at_a_terminal() and chosen is Format.TABLE):
        raise click.UsageError("nobody is there to be asked: give --yes, or --dry-run")

    async def work(client: Client) -> None:
        planned = await client.revert(p.RevertRequest(to=to, subjects=subjects, plan=True))
        if chosen is Format.TABLE:
            click.echo(click.style(f"to position {planned.to}", bold=True))
            show(planned.plan, chosen)
        elif dry_run:
            click.echo(document_text(planned, chosen))
        refuse(planned.plan)
        if dry_run:
            return
        if not any(each.events for each in planned.plan.changes):
            note(f"all of it is as it was at position {planned.to}")
            return
        if asking and not click.confirm("Do this?", err=True):
            raise CliError("nothing was done")
        body = p.RevertRequest(
            to=str(planned.to), subjects=subjects, expected_position=planned.plan.position
        )
        done = await client.revert(body)
        if chosen is not Format.TABLE:
            click.echo(document_text(done, chosen))
        if done.done is None:
            return
        note(f"done at position {done.done.position}")
        applications = dict.fromkeys(running(done.plan), done.done.position)
        if wait and applications:
            await wait_until_running(client, applications, timeout)

    session.run(work)


def meant(words: tuple[str, ...]) -> list[Reference]:
    """`application shop`, or `application/shop shop/web`: either way that people write it."""
    if "/" not in words[0]:
        return references(words, *KINDS)
    return [one_reference((word,), *KINDS) for word in words]


def at_a_terminal() -> bool:
    """Whether somebody sees the plan, and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def running(plan: p.Plan) -> list[str]:
    """The applications that something was changed of, and that are there."""
    gone = {each.about for each in plan.changes if each.word is p.Becomes.DELETED}
    names = []
    for each in plan.changes:
        kind, _, name = each.about.partition("/")
        application = name.partition("/")[0]
        if (
            kind in (Kind.APPLICATION, Kind.MICROSERVICE)
            and each.events
            and f"{Kind.APPLICATION}/{application}" not in gone
        ):
            names.append(application)
    return list(dict.fromkeys(names))
