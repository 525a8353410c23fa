"""`ecn deploy` and `ecn validate`: make the network as the manifests say, and see it become so."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from msgspec import Struct

from ecn.api import documents as d
from ecn.cli.client import Applied, Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import BadManifest, CliError, Refused
from ecn.cli.kinds import Kind
from ecn.cli.manifests import (
    Application,
    Manifest,
    NodeManifest,
    Registry,
    read_manifests,
    registry_body,
)
from ecn.cli.merge_patch import merge_patch
from ecn.cli.progress import wait_until_running
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Duration, counted, styled

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


class Done(Struct, frozen=True):
    """One manifest, applied."""

    kind: Kind
    name: str
    word: str
    """created, updated or unchanged."""
    position: int


@examples("""
ecn deploy -f demo.yaml
ecn deploy -f site/ -f secrets.yaml --timeout 10m
cat demo.yaml | ecn deploy -f - --no-wait
REGISTRY_PASSWORD=... ecn deploy -f registry.yaml   # with password_from: {env: REGISTRY_PASSWORD}
""")
@click.command("deploy", cls=Command)
@FILES
@click.option("--wait/--no-wait", default=True, help="Wait until all that should run does.")
@click.option("--timeout", type=Duration(), default="5m", show_default=True, help="Of that wait.")
@connection_options
@pass_session
def deploy(session: Session, files: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Create or update what the manifests describe.

    All of them are read and checked before anything is sent. Doing it twice changes nothing the
    second time. Microservices of an application that its manifest does not name are deleted.
    Ends with 5 when not everything runs in time, and says why.
    """
    manifests = read_manifests(read_sources(files))
    if not manifests:
        raise BadManifest("there is no manifest in that", next_step="see ecn deploy --help")
    bodies = {m.name: with_password(m) for m in manifests if isinstance(m, Registry)}

    async def work(client: Client) -> None:
        done = []
        for manifest in manifests:
            result = await apply(client, manifest, bodies)
            click.echo(f"{result.kind}/{result.name} {styled(result.word)}")
            done.append(result)
        positions = {r.name: r.position for r in done if r.kind is Kind.APPLICATION}
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
        match manifest:
            case Application(name, body):
                count = counted(len(body.microservices), "microservice")
                click.echo(f"application/{name} reads well ({count})")
            case NodeManifest(name, _):
                click.echo(f"node/{name} reads well")
            case Registry(name, _):
                click.echo(f"registry/{name} reads well")


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


async def apply(
    client: Client, manifest: Manifest, registries: dict[str, d.RegistryManifest]
) -> Done:
    """Make one thing as its manifest says. Errors: Refused, naming the thing."""
    try:
        match manifest:
            case Application(name, body):
                return _done(Kind.APPLICATION, name, await client.apply_application(name, body))
            case Registry(name, _):
                applied = await client.apply_registry(name, registries[name])
                return _done(Kind.REGISTRY, name, applied)
            case NodeManifest():
                return await _apply_node(client, manifest)
    except Refused as e:
        raise Refused(e.problem, about=f"{manifest.name}: ") from e


async def _apply_node(client: Client, manifest: NodeManifest) -> Done:
    """The API has no PUT for nodes: look, then register or patch what differs."""
    try:
        current = await client.node(manifest.name)
    except Refused as e:
        if e.problem.status != 404:
            raise
        body = d.RegisterNode(name=manifest.name, settings=manifest.settings)
        changed = await client.register_node(body)
        return Done(Kind.NODE, manifest.name, "created", changed.position)
    patch = merge_patch(current.settings, manifest.settings)
    if not patch:
        return Done(Kind.NODE, manifest.name, "unchanged", current.revision)
    changed = await client.update_node(current.id, d.UpdateNode(settings=patch))
    return Done(Kind.NODE, manifest.name, "updated", changed.position)


def _done(kind: Kind, name: str, applied: Applied) -> Done:
    return Done(kind, name, applied.word, applied.changed.position)


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
