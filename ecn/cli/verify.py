"""`ecn verify`: prove that history is as it was, at the controller or in an exported file."""

from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import click
from msgspec import Struct

from ecn.api.log_documents import ChainFault
from ecn.cli.bar import Tell, bar
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, MissingExtra, Unreachable
from ecn.cli.log import note_unknown
from ecn.cli.output import Format, document_text, format_option, note
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import counted
from events.chaining import ChainBroken
from events.envelope import is_known
from events.export import ExportRefused, LogReader

CHUNK = 64 << 10
BROKEN = 1
"""Exit code, whatever form was asked for."""


class Held(Struct, frozen=True, kw_only=True):
    """A checkpoint whose signature is good, and that the log is held against."""

    position: int
    hash: str
    signed: str
    public_key: str


class Verified(Struct, frozen=True, kw_only=True):
    """What came of it."""

    verified: bool
    first: int
    position: int
    """Up to here all is as it was."""
    hash: str
    """Of the event there."""
    wrong: ChainFault | None = None
    checkpoint: Held | None = None


@examples("""
ecn verify                                      # the controller's log, by itself
ecn verify network.jsonl.zst                    # an exported one, with no controller
ecn verify network.jsonl.zst --checkpoint checkpoint.json --public-key ecn.pem
""")
@click.command("verify", cls=Command)
@click.argument("file", type=click.File("rb"), required=False)
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Hold the log against this signed checkpoint, too.",
)
@click.option(
    "--public-key",
    metavar="HEX|FILE",
    help="The key that must have signed it: 64 hex digits, or a PEM file.",
)
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def verify(
    session: Session,
    file: BinaryIO | None,
    checkpoint: Path | None,
    public_key: str | None,
    form: str,
) -> None:
    """Check every event's hash and place, and name the first that is wrong. Ends with 1 then.

    Without FILE the controller checks its own log. To trust nobody but your own machine, export
    the log and verify the file: that needs no controller.
    """
    if public_key is not None and checkpoint is None:
        raise click.UsageError("--public-key goes with --checkpoint")
    held = None if checkpoint is None else _held(checkpoint, public_key)
    unknown: Counter[str] = Counter()
    with bar("Verifying", "events") as tell:
        if file is None:
            found = session.run(lambda client: _online(client, held, tell))
        else:
            found = _offline(file, held, tell, unknown)
    note_unknown(unknown)
    if form != Format.TABLE:
        click.echo(document_text(found, Format(form)))
    else:
        _show(found, public_key)
    if not found.verified:
        click.get_current_context().exit(BROKEN)


async def _online(client: Client, held: Held | None, tell: Tell) -> Verified:
    query = {} if held is None else {"position": str(held.position), "hash": held.hash}
    async with aclosing(client.verify(query)) as lines:
        async for line in lines:
            tell(line.position, line.of)
            if line.done:
                return Verified(
                    verified=line.wrong is None,
                    first=1,
                    position=line.position,
                    hash=line.hash,
                    wrong=line.wrong,
                    checkpoint=held,
                )
    raise Unreachable("the controller ended its answer in the middle", next_step="try again")


def _offline(file: BinaryIO, held: Held | None, tell: Tell, unknown: Counter[str]) -> Verified:
    """The file, from its first line to its last; what nobody knows is counted in `unknown`."""
    marks = {} if held is None else {held.position: bytes.fromhex(held.hash)}
    reader, wrong = LogReader(marks), None
    try:
        while chunk := file.read(CHUNK):
            events = reader.feed(chunk)
            unknown.update(each.type for each in events if not is_known(each.type))
            if reader.header is not None:
                tell(reader.count, reader.header.last - reader.header.first + 1)
        reader.finish()
    except ChainBroken as e:
        wrong = ChainFault(position=e.position, what=e.what)
    except ExportRefused as e:
        raise CliError(f"{file.name}: {e}") from e
    except OSError as e:
        raise CliError(f"{file.name} can't be read: {e.strerror}") from e
    return Verified(
        verified=wrong is None,
        first=reader.header.first if reader.header else 1,
        position=reader.place.position,
        hash=reader.place.hash.hex(),
        wrong=wrong,
        checkpoint=held,
    )


def _held(file: Path, key: str | None) -> Held:
    """The checkpoint in that file. Errors: CliError when it proves nothing."""
    try:
        # Signatures are checked by the server's package for them, which a mere client lacks.
        from ecn import checkpoint as signatures
    except ModuleNotFoundError as e:
        raise MissingExtra("server", e.name or "") from e
    try:
        signed = signatures.read(file.read_bytes())
        trusted = None if key is None else signatures.public_key(_key_text(key))
        stated = signatures.check(signed, trusted)
        shown = signatures.shown(signatures.public_key(signed.public_key))
    except signatures.CheckpointRefused as e:
        raise CliError(str(e)) from e
    except OSError as e:
        raise CliError(f"{file} can't be read: {e.strerror}") from e
    return Held(
        position=stated.position,
        hash=stated.hash.hex(),
        signed=stated.signed.isoformat(),
        public_key=shown,
    )


def _key_text(key: str) -> str:
    try:
        return Path(key).read_text() if Path(key).is_file() else key
    except (OSError, UnicodeDecodeError) as e:
        raise CliError(f"{key} can't be read as a public key") from e


def _show(found: Verified, public_key: str | None) -> None:
    if found.wrong is not None:
        raise CliError(
            f"the log is broken. Event {found.wrong.position}: {found.wrong.what}",
            next_step=_up_to(found),
        )
    count = found.position - found.first + 1
    click.echo(f"verified: {counted(count, 'event')}, each following from the one before")
    if found.first > 1 and count:
        click.echo(f"they follow an event {found.first - 1} that is not in the file")
    click.echo(f"position    {found.position}")
    click.echo(f"hash        {found.hash}")
    if found.checkpoint is not None:
        held = found.checkpoint
        click.echo(f"checkpoint  {held.position}, signed {held.signed}: holds")
        if public_key is None:
            note(
                f"signed with {held.public_key}: give --public-key to be sure that it is the "
                "network's own"
            )


def _up_to(found: Verified) -> str:
    if found.position < found.first:
        return "restore the log from a backup, or find out who changed it"
    return (
        f"up to event {found.position} it is as it was; compare the rest with a backup: "
        "ecn verify FILE"
    )
