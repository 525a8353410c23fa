"""`ecn diff`: how the network differs between two moments, or from manifests."""

from collections.abc import Sequence

import click
import msgspec
from msgspec import structs

from ecn.api.history_documents import Difference, Differences
from ecn.cli.at import Moment
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.deploy import read_sources, with_files
from ecn.cli.difference_text import lines
from ecn.cli.errors import BadManifest
from ecn.cli.field_text import LONGEST
from ecn.cli.kinds import NAMES
from ecn.cli.manifest_diff import compared
from ecn.cli.manifests import read_manifests
from ecn.cli.output import Format, document_text, note, terminal_width
from ecn.cli.session import Session, pass_session
from ecn.history.patch import patch
from ecn.manifests.wishes import Ported, Registry, reference

PATCH = "patch"


@examples("""
ecn diff 2h                               # what differs from two hours ago
ecn diff 1200 1300                        # between two positions of the log
ecn diff 2026-05-01 2026-05-02 --subject application/shop
ecn diff -f shop.yaml                     # what deploying it would change
ecn diff -f site/ --exit-code             # ends with 1 if anything differs
ecn diff 1200 -o patch                    # as a JSON patch (RFC 6902)
""")
@click.command("diff", cls=Command)
@click.argument("start", metavar="[A", type=Moment(), required=False)
@click.argument("end", metavar="[B]]", type=Moment(), required=False)
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Compare what is there with a manifest, a folder of them, or - for stdin.",
)
@click.option("--subject", default="", metavar="KIND[/NAME]", help="Only of this.")
@click.option("--exit-code", is_flag=True, help="End with 1 if anything differs.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "yaml", PATCH]),
    default="table",
    show_default=True,
    help="How to show it.",
)
@connection_options
@pass_session
@click.pass_context
def diff(
    ctx: click.Context,
    session: Session,
    start: str | None,
    end: str | None,
    files: tuple[str, ...],
    subject: str,
    exit_code: bool,
    form: str,
) -> None:
    """Show how the network differs between moment A and moment B, or now.

    A moment is a position of the log, a time, or how long ago. What devices reported is told
    apart from what people asked for. With -f, what is there is compared with manifests: as
    deploying them would change it.
    """
    if bool(files) == (start is not None):
        raise click.UsageError("say since when (ecn diff 2h), or compare manifests (ecn diff -f)")
    if files:
        found = _against(session, files, subject)
    else:
        query = {"from": start or "", "to": end or "", "subject": _known(subject)}
        query = {name: value for name, value in query.items() if value}
        found = session.run(lambda client: client.differences(query))
    _show(found, form)
    if exit_code and found.items:
        ctx.exit(1)


def _against(session: Session, files: Sequence[str], subject: str) -> Differences:
    manifests = read_manifests(read_sources(files))
    if not manifests:
        raise BadManifest("there is no manifest in that", next_step="see ecn diff --help")
    for manifest in manifests:
        spec = manifest.spec if isinstance(manifest, Registry) else None
        if spec is not None and (spec.password is not None or spec.password_from is not None):
            note(f"registry/{manifest.name}: passwords can't be compared, as nobody can read them")
        if isinstance(manifest, Ported):
            note(f"{reference(manifest)} is not compared: ecn plan -f says what it would change")

    wishes = [with_files(each) for each in manifests]

    async def work(client: Client) -> Differences:
        return await compared(client, wishes)

    found = session.run(work)
    wanted = _known(subject)
    return structs.replace(found, items=[each for each in found.items if _is(each, wanted)])


def _show(found: Differences, form: str) -> None:
    match form:
        case "table":
            longest = LONGEST if terminal_width() is not None else None
            for line in lines(found, longest=longest):
                click.echo(line)
        case "patch":
            operations = list(patch(found.items))
            click.echo(msgspec.json.format(msgspec.json.encode(operations), indent=2).decode())
        case _:
            click.echo(document_text(found, Format(form)))


def _known(subject: str) -> str:
    """The subject with its kind as the API calls it. Errors: click.UsageError."""
    if not subject:
        return ""
    kind, slash, name = subject.partition("/")
    if kind.lower() not in NAMES:
        raise click.UsageError(f"{kind!r} is no kind: write --subject KIND or KIND/NAME")
    return f"{NAMES[kind.lower()]}{slash}{name}"


def _is(difference: Difference, wanted: str) -> bool:
    kind, _, ref = wanted.partition("/")
    of, _, key = difference.subject.partition("/")
    return not wanted or (kind == of and ref in ("", difference.name, key))
