"""`ecn master-key`: rotate the key that wraps all secrets, and see which keys are in use."""

from pathlib import Path

import click

from ecn import master_key as files
from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.controller import DATA, default_data
from ecn.cli.errors import CliError
from ecn.cli.output import Column, Format, document_text, format_option, note, print_table
from ecn.cli.session import Session, pass_session
from ecn.master_key import MasterKeyFileUnusable

COLUMNS = (Column("KEY"), Column("ROLE"), Column("WRAPS"), Column("NOTE", flexible=True))
NOTES = {
    "waiting": "in the file, and used from the controller's next start on",
    "missing": "not in this controller's file: it can't open what this key wraps",
}
UNUSED = (
    "wraps nothing; its line may go two days after the last controller was started with the "
    "current one"
)
FILE = click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar=files.ENVIRONMENT,
    help=f"The key file itself, where it is not in the data folder. Also: {files.ENVIRONMENT}.",
)


@examples("""
ecn master-key status
ecn master-key rotate --data /var/lib/ecn
""")
@click.group("master-key", cls=Group)
def master_key() -> None:
    """Rotate the key that wraps all secrets. docs/secrets.md says what it is good for."""


@examples("""
ecn master-key rotate
ecn master-key rotate --data /srv/ecn
ecn master-key rotate --file /etc/ecn/master.key
""")
@master_key.command("rotate", cls=Command)
@DATA
@FILE
def rotate(data: Path | None, file: Path | None) -> None:
    """Put a fresh key into a controller's key file, on this machine.

    The keys that are there stay as former ones, which still open. Nothing else happens before the
    controllers are started anew.
    """
    path = _path(data, file)
    try:
        current, *former = files.rotate(path)
    except MasterKeyFileUnusable as e:
        raise CliError(str(e)) from e
    click.echo(f"{path}: the current key is {current.id} now")
    click.echo(f"former, still opening: {', '.join(key.id for key in former)}")
    click.echo(
        "\nNext:\n"
        "  1. Keep a copy of the file in a safe place. Without it no secret can ever be opened.\n"
        "  2. One controller, or several that share the file: start them anew, one by one.\n"
        "     Several with a copy each: replace all copies first, then start them anew, one by one."
        "\n  3. All secrets are wrapped again by themselves: ecn master-key status shows it.\n"
        "     Former lines may be removed two days after the last controller was started anew."
    )


@examples("""
ecn master-key status                             # asks the controller
ecn master-key status -o json
ecn master-key status --data /var/lib/ecn         # looks into the file, asks nobody
""")
@master_key.command("status", cls=Command)
@DATA
@FILE
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@click.pass_context
@pass_session
def status(
    session: Session, ctx: click.Context, data: Path | None, file: Path | None, form: str
) -> None:
    """Show which master keys are in use.

    By their ids: those in the controller's file, and those that the database needs. With --data or
    --file only what is in that file.
    """
    # The environment that a controller on this machine has does not mean that its file is asked.
    given = click.core.ParameterSource.COMMANDLINE
    if given in (ctx.get_parameter_source("data"), ctx.get_parameter_source("file")):
        found = _in_file(_path(data, file if ctx.get_parameter_source("file") is given else None))
    else:
        found = session.run(Client.master_keys)
    if form != Format.TABLE:
        click.echo(document_text(found, Format(form)))
        return
    print_table(COLUMNS, [_row(each) for each in found.items])
    if any(each.role == "former" and each.wraps for each in found.items):
        note("what is under a former key is being wrapped again: look once more in a moment")


def _row(key: d.MasterKeyDocument) -> tuple[str, ...]:
    unused = key.role == "former" and key.wraps == 0
    said = UNUSED if unused else NOTES.get(key.role, "")
    return (key.id or "-", key.role, "" if key.wraps is None else str(key.wraps), said)


def _path(data: Path | None, file: Path | None) -> Path:
    return file or (data or default_data()).expanduser().absolute() / files.FILE


def _in_file(path: Path) -> d.MasterKeys:
    """What stands in a file. Errors: CliError."""
    try:
        current, *former = files.read(path)
    except FileNotFoundError:
        raise CliError(f"{path} is not there", next_step="give --data DIR or --file FILE") from None
    except MasterKeyFileUnusable as e:
        raise CliError(str(e)) from e
    items = [d.MasterKeyDocument(id=current.id, role="current")]
    items += [d.MasterKeyDocument(id=key.id, role="former") for key in former]
    return d.MasterKeys(items=items)
