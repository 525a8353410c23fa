"""`ecn twin`: what a microservice should be, what it says that it is, and who changed that when."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TextIO

import click
import msgspec

from agent.local.merge_patch import Document, assignment, leaves, together
from ecn.api.twin_documents import TwinDocument
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.history import Limit, Span, show_found
from ecn.cli.kinds import reference_to_run
from ecn.cli.output import Column, Format, document_text, format_option, print_table
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import age
from ecn.manifests.kinds import Kind

COLUMNS = (
    Column("SECTION"),
    Column("PROPERTY"),
    Column("VALUE", flexible=True),
    Column("VERSION"),
    Column("CHANGED"),
    Column("BY", flexible=True),
)

_which = click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
_seen = click.option(
    "--if-version",
    "seen",
    type=click.IntRange(0),
    metavar="N",
    help="Only if the desired properties are at this version.",
)


@examples("""
ecn twin get shop/web
ecn twin set shop/web rate=5 net.mtu=1500 old=null
ecn twin patch shop/web -f patch.json --if-version 7
ecn twin history shop/web
""")
@click.group("twin", cls=Group)
def twin() -> None:
    """Show and change a microservice's twin: desired properties and reported ones.

    Desired properties reach the running microservice at once and restart nothing. What it reports
    is its own word.
    """


@examples("""
ecn twin get shop/web
ecn twin get shop/web -o json
ecn twin get shop/web --at 2h
""")
@twin.command("get", cls=Command)
@_which
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def get(session: Session, microservice: str, at: str, form: str) -> None:
    """Show both sections, and who changed which property."""
    name = _microservice(microservice)

    async def work(client: Client) -> None:
        view = await looking(client, at, tell=form == Format.TABLE)
        document = await view.client.twin(name)
        if form != Format.TABLE:
            click.echo(document_text(document, Format(form)))
            return
        click.echo(
            f"desired version {document.desired.version}, reported version "
            f"{document.reported.version}, conflicts: {document.conflicts.value}"
        )
        rows = list(_rows(document, view.now))
        if rows:
            print_table(COLUMNS, rows)

    session.run(work)


@examples("""
ecn twin set shop/web rate=5
ecn twin set shop/web net.mtu=1500 net.dns='["10.0.0.1"]' name=lobby old=null
""")
@twin.command("set", cls=Command)
@_which
@click.argument("properties", nargs=-1, required=True, metavar="NAME=VALUE...")
@_seen
@connection_options
@pass_session
def set_properties(
    session: Session, microservice: str, properties: tuple[str, ...], seen: int | None
) -> None:
    """Set desired properties. A value is JSON, else text; null removes the property."""
    patch: Document = {}
    for each in properties:
        try:
            patch = together(patch, assignment(each))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    _patch(session, microservice, patch, seen)


@examples("""
ecn twin patch shop/web '{"rate": 5, "old": null}'
ecn twin patch shop/web -f patch.json
generate | ecn twin patch shop/web -f -
""")
@twin.command("patch", cls=Command)
@_which
@click.argument("patch", required=False)
@click.option("-f", "--file", type=click.File("r"), help="Where it stands; - reads it.")
@_seen
@connection_options
@pass_session
def patch_properties(
    session: Session, microservice: str, patch: str | None, file: TextIO | None, seen: int | None
) -> None:
    """Change desired properties by a JSON merge patch: what is absent stays, null removes."""
    if (patch is None) == (file is None):
        raise click.UsageError("give the patch, or a file with it: -f FILE")
    text = file.read() if file is not None else patch or ""
    _patch(session, microservice, _object(text), seen)


@examples("""
ecn twin replace shop/web -f desired.json
""")
@twin.command("replace", cls=Command)
@_which
@click.option(
    "-f", "--file", type=click.File("r"), required=True, help="A JSON object; - reads it."
)
@_seen
@connection_options
@pass_session
def replace_properties(session: Session, microservice: str, file: TextIO, seen: int | None) -> None:
    """Let exactly these be the desired properties."""
    name, desired = _microservice(microservice), _object(file.read())
    changed = session.run(lambda client: client.replace_twin(name, desired, seen=seen))
    _tell(name, changed=bool(changed.events))


@examples("""
ecn twin history shop/web
ecn twin history shop/web --limit all -o json
""")
@twin.command("history", cls=Command)
@_which
@click.option("--limit", type=Limit(), metavar="N|all", help="So many, the latest ones.")
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def history(session: Session, microservice: str, limit: int | None, at: str, form: str) -> None:
    """Show every change of both sections, also those on the device that gave way.

    A change that was made offline is here since the device could tell it; `at` in its data is the
    device's time.
    """
    query = {"subject": f"microservice/{_microservice(microservice)}", "type": "twin"}
    session.run(lambda client: show_found(client, query, Span(limit=limit), at, form))


def _patch(
    session: Session, microservice: str, patch: Mapping[str, object], seen: int | None
) -> None:
    name = _microservice(microservice)
    changed = session.run(lambda client: client.patch_twin(name, patch, seen=seen))
    _tell(name, changed=bool(changed.events))


def _tell(name: str, *, changed: bool) -> None:
    click.echo(f"{name}: desired properties {'changed' if changed else 'are so already'}")


def _microservice(text: str) -> str:
    reference = reference_to_run(text)
    if reference.kind is not Kind.MICROSERVICE:
        raise click.UsageError(f"{text!r} is not APPLICATION/MICROSERVICE")
    return reference.name


def _object(text: str) -> Document:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise click.UsageError(f"this is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise click.UsageError("this is no JSON object")
    return document


def _rows(document: TwinDocument, now: datetime) -> Iterator[list[str]]:
    for name, section in (("desired", document.desired), ("reported", document.reported)):
        properties = msgspec.json.decode(section.properties, type=dict[str, object])
        for path, value in leaves(properties):
            field = section.fields.get(path)
            yield [
                name,
                # As `set` takes it.
                ".".join(key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]),
                msgspec.json.encode(value).decode(),
                str(field.version) if field else "",
                age(field.at, now) if field else "",
                f"{field.by}{' (on the device)' if field.edge else ''}" if field else "",
            ]
