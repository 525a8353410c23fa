"""`ecn log`: the log as a whole: a file of it, a log from a file, checkpoints for an auditor."""

import asyncio
import importlib
import logging
import sys
from base64 import b64decode
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click
import msgspec
import structlog

from ecn.api.log_documents import LogPublicKey, SignedCheckpoint
from ecn.cli.bar import Tell, bar
from ecn.cli.client import Client
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.controller import DATA, DATABASE, default_data, require_server
from ecn.cli.errors import CliError
from ecn.cli.output import note
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import counted
from ecn.private_file import replace_privately, replacing_privately
from events.chaining import ChainBroken
from events.export import ExportRefused, LogReader

STDOUT = Path("-")


@examples("""
ecn log export -o network.jsonl.zst             # a backup, or to move the network
ecn log import network.jsonl.zst --data /var/lib/ecn
ecn log checkpoint -o checkpoint.json           # for an auditor
ecn verify network.jsonl.zst --checkpoint checkpoint.json
""")
@click.group("log", cls=Group)
def log() -> None:
    """Export and import the log, and sign what it is.

    What a microservice wrote is shown by `ecn logs`; what happened, by `ecn audit`.
    """


@examples("""
ecn log export -o network.jsonl.zst
ecn log export --from 1000 --to 2000 -o part.jsonl.zst
ecn log export -o - | zstdcat | jq -r .type
""")
@log.command("export", cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to. - is stdout.",
)
@click.option("--from", "first", type=click.IntRange(1), metavar="N", help="First position.")
@click.option("--to", "last", type=click.IntRange(0), metavar="N", help="Last position.")
@connection_options
@pass_session
def export(session: Session, output: Path, first: int | None, last: int | None) -> None:
    """Write the log to a file: one JSON document per line, packed with zstd.

    Needs the role admin: the log holds hashes of passwords and tokens. The file appears when it
    is whole, readable by you alone; its chain of hashes is checked on the way.
    """
    query = {} if first is None else {"from": str(first)}
    if last is not None:
        query["to"] = str(last)
    reader, broken = LogReader(), None
    try:
        with _target(output) as file, bar("Exporting", "events") as tell:

            async def work(client: Client) -> ChainBroken | None:
                return await _copied(client, query, file, reader, tell)

            broken = session.run(work)
    except ExportRefused as e:
        raise CliError(f"what the controller sent is no whole log: {e}") from e
    except OSError as e:
        raise CliError(f"{output} can't be written: {e.strerror}") from e
    if broken is not None:
        raise CliError(
            f"the log is exported as it is, and it is broken. Event {broken.position}: "
            f"{broken.what}",
            next_step="ecn verify shows the same; compare with an earlier export",
        )
    note(f"exported {counted(reader.count, 'event')}, each following from the one before")


@examples("""
ecn log import network.jsonl.zst                # into this machine's own data folder
ecn log import network.jsonl.zst --data /srv/ecn
ECN_DATABASE_URL=postgresql://ecn:...@db/ecn ecn log import network.jsonl.zst
""")
@log.command("import", cls=Command)
@click.argument("file", type=click.File("rb"))
@DATA
@DATABASE
def import_(file: BinaryIO, data: Path | None, database_url: str | None) -> None:
    """Make an exported log the one of an empty database. No controller may run there.

    All of it, or nothing: the chain of hashes is checked on the way. A controller that is started
    on it then is the network that was exported, with its users and their tokens. Passwords of
    registries are not in the log: see docs/log.md for what else to take along.
    """
    require_server()
    importer = importlib.import_module("ecn.log_import")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with bar("Importing", "events") as tell:
        try:
            work = importer.import_file(
                file, data=data or default_data(), database_url=database_url, tell=tell
            )
            imported = asyncio.run(work)
        except importer.CannotImport as e:
            raise CliError(str(e)) from e
        except OSError as e:
            raise CliError(f"{file.name} can't be read: {e.strerror}") from e
    note_unknown(imported.unknown)
    click.echo(f"imported {counted(imported.end.position, 'event')}")


@examples("""
ecn log checkpoint
ecn log checkpoint -o checkpoint.json
ecn log checkpoint -o - | jq -r .statement
""")
@log.command("checkpoint", cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write it there, as JSON. - is stdout.",
)
@connection_options
@pass_session
def checkpoint(session: Session, output: Path | None) -> None:
    """Get a signed statement of where the log is: its position and hash.

    Kept elsewhere, it finds any later change of what came before it: `ecn verify --checkpoint`.
    """
    signed = session.run(lambda client: client.checkpoint())
    document = msgspec.json.format(msgspec.json.encode(signed), indent=2) + b"\n"
    if output is None:
        click.echo(f"{signed.statement}public key {hex_of(signed)}")
    elif output == STDOUT:
        click.echo(document, nl=False)
    else:
        try:
            replace_privately(output, document)
        except OSError as e:
            raise CliError(f"{output} can't be written: {e.strerror}") from e
        click.echo(signed.statement.splitlines()[1])


@examples("""
ecn log public-key
ecn log public-key --pem > ecn.pem              # for openssl
""")
@log.command("public-key", cls=Command)
@click.option("--pem", is_flag=True, help="As PEM.")
@connection_options
@pass_session
def public_key(session: Session, pem: bool) -> None:
    """Show the key that this network's checkpoints are signed with.

    Ask for it once, by a way that you trust, and compare later checkpoints with it.
    """
    known: LogPublicKey = session.run(lambda client: client.log_public_key())
    click.echo(known.pem.rstrip() if pem else known.public_key)


def hex_of(signed: SignedCheckpoint) -> str:
    """The key in a checkpoint, as people compare it. It ends what stands in the PEM."""
    body = "".join(line for line in signed.public_key.splitlines() if "-----" not in line)
    return b64decode(body)[-32:].hex()


def note_unknown(unknown: Mapping[str, int]) -> None:
    """Say which events a newer version wrote. They are kept, and not folded."""
    for type_, count in sorted(unknown.items()):
        note(f"{counted(count, 'event')} of type {type_}, which this version does not know")


def _target(output: Path) -> AbstractContextManager[BinaryIO]:
    if output != STDOUT:
        return replacing_privately(output)
    if sys.stdout.isatty():
        raise click.UsageError("this is no text for a terminal: give -o FILE, or a pipe")
    return nullcontext(sys.stdout.buffer)


async def _copied(
    client: Client,
    query: Mapping[str, str],
    file: BinaryIO,
    reader: LogReader,
    tell: Tell,
) -> ChainBroken | None:
    """Copy the file as it comes, and read along; where its chain is broken, if it is.

    Errors: ExportRefused when it is not whole.
    """
    broken: ChainBroken | None = None
    async with client.export(query) as chunks:
        async for chunk in chunks:
            file.write(chunk)
            if broken is None:
                try:
                    reader.feed(chunk)
                except ChainBroken as e:
                    broken = e
                if reader.header is not None:
                    tell(reader.count, reader.header.last - reader.header.first + 1)
    if broken is None:
        try:
            reader.finish()
        except ChainBroken as e:
            broken = e
    return broken
