"""`ecn deploy` and `ecn validate`: make the network as the manifests say, and see it become so."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ecn.api import documents as d
from ecn.api import plan_documents as p
from ecn.cli.applying import apply
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.deploy_notes import notes
from ecn.cli.errors import BadManifest, CliError, printable
from ecn.cli.manifests import read_manifests, registry_body
from ecn.cli.output import Format
from ecn.cli.planned import refuse, show
from ecn.cli.progress import wait_until_running
from ecn.cli.session import Session, pass_session
from ecn.cli.volume_files import volume_body
from ecn.cli.wording import Duration, counted, styled
from ecn.manifests.changes import change_of, registry_manifest
from ecn.manifests.kinds import Kind
from ecn.manifests.wishes import (
    Application,
    FetchedRegistry,
    FetchedVolume,
    Manifest,
    Ready,
    Registry,
    Volume,
    reference,
)

LARGEST = 4 * 1024 * 1024
"""Bytes of a file. A manifest is written by people; this is somebody's image."""
SUFFIXES = (".yaml", ".yml", ".json")

FILES = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    required=True,
    metavar="FILE",
    help="A manifest, a folder of them, or - for stdin. May be repeated.",
)
"""What a command that reads manifests is told; `read_sources` reads them."""


@examples("""
ecn deploy -f demo.yaml
ecn deploy -f site/ -f secrets.yaml --timeout 10m
cat demo.yaml | ecn deploy -f - --no-wait
REGISTRY_PASSWORD=... ecn deploy -f registry.yaml   # with password_from: {env: REGISTRY_PASSWORD}
ecn deploy -f iofog.yaml                            # documents of Eclipse ioFog, too
ecn deploy -f demo.yaml --dry-run                   # as ecn plan
""")
@click.command("deploy", cls=Command)
@FILES
@click.option("--wait/--no-wait", default=True, help="Wait until all that should run does.")
@click.option("--timeout", type=Duration(), default="5m", show_default=True, help="Of that wait.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@connection_options
@pass_session
def deploy(
    session: Session, files: tuple[str, ...], wait: bool, timeout: float, dry_run: bool
) -> None:
    """Create or update what the manifests describe.

    All of them are read and checked before anything is sent. Doing it twice changes nothing the
    second time. Microservices of an application that its manifest does not name are deleted.
    Ends with 5 when not everything runs in time, and says why.
    """
    manifests = read_manifests(read_sources(files))
    if not manifests:
        raise BadManifest("there is no manifest in that", next_step="see ecn deploy --help")
    wishes = [ready(each) for each in manifests]
    if dry_run:
        body = p.PlanRequest(changes=[change_of(each) for each in wishes])
        found = session.run(lambda client: client.plan(body))
        show(found, Format.TABLE)
        refuse(found)
        return

    async def work(client: Client) -> None:
        positions = dict[str, int]()
        for wish in wishes:
            about = reference(wish)
            result = await apply(client, wish)
            click.echo(f"{about} {styled(result.word)}")
            if isinstance(wish, Application):
                for note in notes(wish.body.microservices):
                    click.echo(printable(f"{about}: {note}"), err=True)
            if about.kind in (Kind.APPLICATION, Kind.MICROSERVICE):
                positions[about.name.partition("/")[0]] = result.position
        if wait and positions:
            await wait_until_running(client, positions, timeout)

    session.run(work)


@examples("""
ecn validate -f demo.yaml
ecn validate -f site/
""")
@click.command("validate", cls=Command)
@FILES
def validate(files: tuple[str, ...]) -> None:
    """Check manifests without sending anything: no controller is needed."""
    for manifest in read_manifests(read_sources(files)):
        said = f"{reference(manifest)} reads well"
        if isinstance(manifest, Application):
            said += f" ({counted(len(manifest.body.microservices), 'microservice')})"
        click.echo(said)


def read_sources(files: Sequence[str]) -> list[tuple[str, str]]:
    """Names and texts of all files meant. Errors: CliError when one can't be read."""
    sources = []
    for file in files:
        if file == "-":
            sources.append(("<stdin>", _text("<stdin>", sys.stdin.buffer.read(LARGEST + 1))))
            continue
        path = Path(file)
        paths = [path]
        if path.is_dir():
            paths = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
            if not paths:
                raise BadManifest(f"{file} has no file that ends in {', '.join(SUFFIXES)}")
        for each in paths:
            try:
                with each.open("rb") as opened:
                    sources.append((str(each), _text(str(each), opened.read(LARGEST + 1))))
            except OSError as e:
                raise BadManifest(f"{each} can't be read: {e.strerror}") from e
    return sources


def ready(manifest: Manifest) -> Ready:
    """The wish, with what stands elsewhere on this machine. Errors: CliError."""
    match manifest:
        case Registry(name, _):
            return FetchedRegistry(name, with_password(manifest))
        case _:
            return with_files(manifest)


def with_files(manifest: Manifest) -> Ready:
    """The wish, with the files that it names; without a password. Errors: CliError."""
    match manifest:
        case Volume(name, _):
            return FetchedVolume(name, volume_body(manifest))
        case Registry(name, spec):
            return FetchedRegistry(name, registry_manifest(spec, None))
        case _:
            return manifest


def with_password(registry: Registry) -> d.RegistryManifest:
    """The request for it, its password fetched. Errors: CliError when there is none."""

    def read_file(name: str) -> str:
        try:
            return Path(name).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise CliError(
                f"registry {registry.name!r}: the password's file {name} can't be read",
                field="spec.password_from.file",
            ) from e

    return registry_body(registry, os.environ.get, read_file)


def _text(name: str, content: bytes) -> str:
    if len(content) > LARGEST:
        raise BadManifest(f"{name} is larger than {LARGEST // 1024 // 1024} MiB: no manifest is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise BadManifest(f"{name} is not UTF-8 text (byte {e.start})") from e
