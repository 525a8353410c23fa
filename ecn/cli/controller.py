"""`ecn controller`: run a controller in the foreground."""

import asyncio
import importlib
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType

import click
import platformdirs

from ecn.cli import log_output
from ecn.cli.command import Command, examples
from ecn.cli.errors import CliError, MissingExtra
from ecn.cli.lifeline import until_stopped
from ecn.cli.log_output import LogFormat
from ecn.cli.tunnel_options import tunnel_options
from ecn.settings import DEFAULT_PORT, CannotStart, ControllerSettings, TunnelServer

OURS = frozenset({"ecn", "events", "projections", "agent", "routing"})


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT, [HOST]:PORT for IPv6, or one of both alone."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Errors: click's own usage error."""
        if isinstance(value, tuple):
            return (str(value[0]), int(value[1]))
        text = str(value)
        host, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            host, port = (text, str(DEFAULT_PORT)) if not text.isdecimal() else ("", text)
        host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{text!r} is no address to listen on: write HOST:PORT", param, ctx)
        return host, int(port)


LISTEN = click.option(
    "--listen",
    type=Address(),
    default=f"127.0.0.1:{DEFAULT_PORT}",
    show_default=True,
    envvar="ECN_LISTEN",
    help="Where to listen. 0.0.0.0:PORT for all addresses. Also: ECN_LISTEN.",
)
METRICS = click.option(
    "--metrics",
    type=Address(),
    envvar="ECN_METRICS",
    help="Where scrapers read metrics without a token: a private address. Also: ECN_METRICS.",
)
DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="ECN_DATA",
    help="The folder for all that is kept here. Also: ECN_DATA. Default: /var/lib/ecn as root, "
    "else in your data folder.",
)
DATABASE = click.option(
    "--database-url",
    metavar="URL",
    envvar="ECN_DATABASE_URL",
    help="A Postgres to use instead of an own one. With a password in it, give it as "
    "ECN_DATABASE_URL: others can read arguments.",
)
SIGNUP = click.option(
    "--open-signup",
    is_flag=True,
    envvar="ECN_OPEN_SIGNUP",
    help="Anybody may make an account with ioFog's clients, and operate the network. "
    "Also: ECN_OPEN_SIGNUP.",
)


BROKER = click.option(
    "--broker",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="ECN_BROKER",
    help="A file that says where the interior router (RabbitMQ) is, and as whom it is kept; see "
    "docs/interior-router.md. Also: ECN_BROKER.",
)


def default_data() -> Path:
    """Where data goes when nobody says."""
    return Path("/var/lib/ecn") if os.geteuid() == 0 else platformdirs.user_data_path("ecn")


@examples("""
ecn controller
ecn controller --listen 0.0.0.0:51121 --tls-cert cert.pem --tls-key key.pem
ECN_DATABASE_URL=postgresql://ecn:...@db/ecn ecn controller --data /var/lib/ecn
""")
@click.command("controller", cls=Command)
@LISTEN
@DATA
@DATABASE
@SIGNUP
@BROKER
@click.option(
    "--forget-broker",
    is_flag=True,
    help="Let the network have no interior router any more: agents are told so.",
)
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate chain (PEM): serve https.",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its private key (PEM).",
)
@click.option(
    "--advertise",
    metavar="URL",
    default="",
    envvar="ECN_ADVERTISE",
    help="Where other controllers over the same database reach this one. Default: where it "
    "listens. Also: ECN_ADVERTISE.",
)
@click.option(
    "--offline-after",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Silence after which a node counts as offline.",
)
@click.option(
    "--forget-master-key",
    metavar="ID",
    help="Give up what is wrapped under a master key that is lost for good; see docs/secrets.md.",
)
@METRICS
@tunnel_options
@click.option("--lifeline", is_flag=True, help="Stop when stdin closes: for a parent process.")
@click.option(
    "--log-format",
    type=click.Choice([f.value for f in LogFormat]),
    default="auto",
    show_default=True,
    help="auto: text on a terminal, else JSON.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def controller(
    listen: tuple[str, int],
    data: Path | None,
    database_url: str | None,
    open_signup: bool,
    broker: Path | None,
    forget_broker: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    advertise: str,
    offline_after: float,
    forget_master_key: str | None,
    metrics: tuple[str, int] | None,
    tunnel: TunnelServer | None,
    lifeline: bool,
    log_format: str,
    verbose: bool,
) -> None:
    """Run a controller until SIGTERM or Ctrl-C.

    Without --database-url it starts a Postgres of its own in the data folder. At its first start
    it writes the administrator's password and token to admin.json there.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if broker is not None and forget_broker:
        raise click.UsageError("--broker and --forget-broker contradict each other")
    settings = ControllerSettings(
        listen_host=listen[0],
        listen_port=listen[1],
        data=(data or default_data()).expanduser().absolute(),
        database_url=database_url,
        open_signup=open_signup,
        broker=broker and broker.absolute(),
        forget_broker=forget_broker,
        tls_cert=tls_cert,
        tls_key=tls_key,
        advertise=advertise,
        offline_after=offline_after,
        forget_master_key=forget_master_key,
        metrics=metrics,
        tunnel=tunnel,
    )
    run = _runner()
    log_output.configure(LogFormat(log_format), verbose=verbose)
    try:
        asyncio.run(until_stopped(run(settings), lifeline=lifeline))
    except CannotStart as e:
        raise CliError(str(e)) from e


def require_server(extra: str = "server") -> ModuleType:
    """What runs a controller, if this installation can. Errors: MissingExtra, for that extra."""
    try:
        return importlib.import_module("ecn.controller")
    except ModuleNotFoundError as e:
        name = (e.name or "").partition(".")[0]
        if name in OURS:
            raise
        raise MissingExtra(extra, name) from e


def _runner() -> Callable[[ControllerSettings], Coroutine[object, object, None]]:
    run: Callable[[ControllerSettings], Coroutine[object, object, None]] = require_server().run
    return run
