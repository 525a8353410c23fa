"""The options of `ecn controller` about the SSH server that devices can hold a tunnel to."""

import functools
from collections.abc import Callable
from pathlib import Path

import click

from ecn.settings import TunnelServer

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Ports(click.ParamType[tuple[int, int]]):
    """FIRST-LAST."""

    name = "first-last"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Errors: click's own usage error."""
        first, dash, last = str(value).partition("-")
        if not (dash and first.isdecimal() and last.isdecimal()):
            self.fail(f"{value!r} is no range of ports: write FIRST-LAST", param, ctx)
        if not 0 < int(first) <= int(last) < 65536:
            self.fail(f"{value!r} is no range of ports from 1 to 65535", param, ctx)
        return int(first), int(last)


OPTIONS = (
    click.option(
        "--tunnel-host",
        metavar="HOST",
        envvar="ECN_TUNNEL_HOST",
        help="An SSH server that devices can open a tunnel to. Also: ECN_TUNNEL_HOST.",
    ),
    click.option(
        "--tunnel-user",
        metavar="NAME",
        envvar="ECN_TUNNEL_USER",
        help="The user there. Also: ECN_TUNNEL_USER.",
    ),
    click.option(
        "--tunnel-key-file",
        type=FILE,
        help="That user's private key, which devices are given with a tunnel.",
    ),
    click.option(
        "--tunnel-password-file", type=FILE, help="That user's password, if there is no key."
    ),
    click.option(
        "--tunnel-ports",
        type=Ports(),
        default="2000-10000",
        show_default=True,
        help="Ports of that server that may lead to devices.",
    ),
)


def tunnel_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command these options; it gets them as one `tunnel`."""

    @functools.wraps(command)
    def wrapped(
        *args: object,
        tunnel_host: str | None,
        tunnel_user: str | None,
        tunnel_key_file: Path | None,
        tunnel_password_file: Path | None,
        tunnel_ports: tuple[int, int],
        **kwargs: object,
    ) -> None:
        others = (tunnel_user, tunnel_key_file, tunnel_password_file)
        if tunnel_host is None:
            if any(each is not None for each in others):
                raise click.UsageError("--tunnel-host says where the others are meant for")
            tunnel = None
        elif not tunnel_user or not (tunnel_key_file or tunnel_password_file):
            raise click.UsageError(
                "--tunnel-host needs --tunnel-user, and --tunnel-key-file or --tunnel-password-file"
            )
        else:
            tunnel = TunnelServer(
                host=tunnel_host,
                user=tunnel_user,
                key_file=tunnel_key_file and tunnel_key_file.absolute(),
                password_file=tunnel_password_file and tunnel_password_file.absolute(),
                first_port=tunnel_ports[0],
                last_port=tunnel_ports[1],
            )
        command(*args, tunnel=tunnel, **kwargs)

    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped
