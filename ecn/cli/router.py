"""`ecn router`: an identity for an interior proxy, and the interior proxy itself."""

import asyncio
import importlib
import os
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path

import click

from ecn.api import documents as d
from ecn.api.network_documents import RouterManifest, SettingManifest
from ecn.cli import log_output
from ecn.cli.client import Client
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.controller import METRICS
from ecn.cli.errors import CliError, MissingExtra, Refused
from ecn.cli.lifeline import until_stopped
from ecn.cli.log_output import LogFormat
from ecn.cli.session import Session, normalised, pass_session, read_ca
from ecn.private_file import replace_privately
from ecn.router.settings import RouterCannotRun, RouterSettings
from events.user import Role

VALID_FOR = 3650 * 24 * 3600
"""Seconds that the token of an interior proxy speaks: it is revoked with `ecn delete user`."""
PROXY_HOST = "default-proxy-host"


@examples("""
ecn router create gate --host ports.example.com
ecn router run --server https://ecn.example:51121 --token-file gate.token
""")
@click.group("router", cls=Group)
def router() -> None:
    """Open public ports of microservices on this machine.

    The ports are those that microservices have as `public`; what comes to one goes through the
    network's interior router to the node.
    """


@examples("""
ecn router create gate --host ports.example.com
ecn router create gate-2 --write /etc/ecn/gate-2.token
""")
@router.command("create", cls=Command)
@click.argument("name")
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to put the token. Default: NAME.token, here.",
)
@click.option(
    "--host",
    default="",
    help="Name or address of the machine it will run on: links to public ports have it from now "
    "on, and it is the network's default router where there is none.",
)
@connection_options
@pass_session
def create(session: Session, name: str, write: Path | None, host: str) -> None:
    """Make the identity of an interior proxy: a user of the role `router`, and a token in a file
    that only you may read.

    Several may run with the same one. `ecn delete user NAME` ends what runs with it.
    """
    path = write or Path(f"{name}.token")
    if path.exists():
        raise CliError(f"{path} is there already", next_step="name another one with --write")
    if not path.absolute().parent.is_dir():
        raise CliError(f"there is no folder {path.absolute().parent}")
    password = secrets.token_urlsafe(32)  # of no use to anybody once the token is there

    async def work(client: Client) -> str:
        await client.create_user(d.CreateUser(name=name, password=password, role=Role.ROUTER))
        login = d.Login(name=name, password=password, valid_for=VALID_FOR, description="ecn router")
        token = (await client.login(login)).token
        if host:
            await _lead_to(client, host)
        return token

    token = session.run(work)
    try:
        replace_privately(path, f"{token}\n".encode())
    except OSError as e:
        raise CliError(
            f"{path} can't be written: {e.strerror}",
            next_step=f"ecn delete user {name}, and once more with another --write",
        ) from e
    click.echo(f"user/{name} created")
    click.echo(f"its token is in {path}; run it with:")
    click.echo(f"  ecn router run --server {session.connection().server} --token-file {path}")


async def _lead_to(client: Client, host: str) -> None:
    await client.set_setting(PROXY_HOST, SettingManifest(value=host))
    network = await client.network()
    if network.default_router is None:
        try:
            await client.set_router(RouterManifest(host=host))
        except Refused as e:
            # A node carries the default router: its public ports open there.
            click.echo(f"note: {e.message}", err=True)


@examples("""
ecn router run --server https://ecn.example:51121 --token-file gate.token
ecn router run --server http://127.0.0.1:51121 --token-file gate.token --listen 127.0.0.1
ecn router run --server https://ecn.example:51121 --token-file site.token --for site-gateway
""")
@router.command("run", cls=Command)
@click.option("--server", metavar="URL", required=True, envvar="ECN_SERVER", help="The controller.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar="ECN_ROUTER_TOKEN_FILE",
    help="What ecn router create wrote. Also: ECN_ROUTER_TOKEN_FILE.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="Certificates (PEM) to trust the controller by.",
)
@click.option(
    "--listen", metavar="ADDRESS", default="", help="The address to open ports on. Default: all."
)
@click.option(
    "--for",
    "node",
    metavar="NODE",
    default="",
    help="Open the public ports that name this node as their router, not the default router's.",
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0, max=25),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long connections may take to end once it is told to stop.",
)
@METRICS
@click.option("--lifeline", is_flag=True, help="Stop when stdin closes: for a parent process.")
@click.option(
    "--log-format",
    type=click.Choice([f.value for f in LogFormat]),
    default="auto",
    show_default=True,
    help="auto: text on a terminal, else JSON.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def run(
    server: str,
    token_file: Path,
    ca_file: Path | None,
    listen: str,
    node: str,
    drain: float,
    metrics: tuple[str, int] | None,
    lifeline: bool,
    log_format: str,
    verbose: bool,
) -> None:
    """Run an interior proxy until SIGTERM or Ctrl-C.

    It opens public ports here as the controller has them, and closes and changes them as they
    change. Any number may run, on machines of their own.
    """
    settings = RouterSettings(
        server=normalised(server),
        token_file=token_file,
        ca_pem=read_ca(ca_file or _named("ECN_CA_FILE")),
        listen=listen,
        node=node,
        drain=drain,
        metrics=metrics,
    )
    running = _runner()
    log_output.configure(LogFormat(log_format), verbose=verbose)
    try:
        asyncio.run(until_stopped(running(settings), lifeline=lifeline))
    except RouterCannotRun as e:
        raise CliError(str(e), next_step="ecn router create NAME makes another token") from e


def _named(variable: str) -> Path | None:
    name = os.environ.get(variable)
    return Path(name) if name else None


def _runner() -> Callable[[RouterSettings], Coroutine[object, object, None]]:
    """What runs one, if this installation can. Errors: MissingExtra."""
    try:
        module = importlib.import_module("ecn.router.run")
    except ModuleNotFoundError as e:
        name = (e.name or "").partition(".")[0]
        if name in ("ecn", "events", "agent", "routing"):
            raise
        raise MissingExtra("server", name) from e
    running: Callable[[RouterSettings], Coroutine[object, object, None]] = module.run
    return running
