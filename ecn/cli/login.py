"""`ecn login`, `logout`, `whoami`, `status`: a token for a controller, and what it is good for."""

import os
import platform
import sys
from pathlib import Path

import click

from ecn.api import documents as d
from ecn.cli import contexts
from ecn.cli.at import at_option, looking
from ecn.cli.client import Client, client_of
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.contexts import Context
from ecn.cli.errors import CliError, NotAllowed, printable
from ecn.cli.output import Format, document_text, format_option, note
from ecn.cli.session import LOOPBACK, Session, normalised, pass_session, read_ca
from ecn.cli.wording import Duration, moment, styled


@examples("""
ecn login https://ecn.example:51121
ecn login http://127.0.0.1:51121 --name local --user admin
ecn login https://10.0.0.5:51121 --ca-file our-ca.pem --name plant
ECN_PASSWORD=... ecn login https://ecn.example:51121 --user ci
""")
@click.command("login", cls=Command)
@click.argument("url")
@click.option("--name", default="", metavar="NAME", help="Of the context. Default: the host.")
@click.option("--user", "-u", default="", metavar="NAME", help="Default: asked for.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read the password there (- for stdin). Default: ECN_PASSWORD, or asked for.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="Certificates (PEM) to trust the controller by; kept in the context.",
)
@click.option("--valid-for", type=Duration(), help="How long the token holds. Default: 30d.")
@pass_session
def login(
    session: Session,
    url: str,
    name: str,
    user: str,
    password_file: Path | None,
    ca_file: Path | None,
    valid_for: float | None,
) -> None:
    """Log in to the controller at URL, keep the token as a context, and use that from now on."""
    server = normalised(url)
    host = server.partition("://")[2]
    if server.startswith("http://") and not host.startswith(LOOPBACK):
        note(f"warning: {server} is not encrypted: the password can be read on the way")
    user = user or click.prompt("User", err=True)
    password = read_password(password_file, f"Password of {user}")
    ca = read_ca(ca_file)

    body = d.Login(
        name=user,
        password=password,
        description=f"ecn on {platform.node()}",
        valid_for=None if valid_for is None else int(valid_for),
    )

    async def work() -> d.Token:
        async with client_of(server, "", ca) as client:
            try:
                return await client.login(body)
            except NotAllowed as e:
                # "Log in" is no advice to somebody who does.
                raise NotAllowed(e.message, next_step="check the name and the password") from e

    token = session.work(work())
    name = name or _fitting_name(host, server)
    context = Context(server=server, user=token.user, token=token.token, ca=ca)
    contexts.put(name, context, use=True)
    until = f" until {moment(token.expires_at)}" if token.expires_at else ""
    click.echo(f"logged in to {server} as {token.user} ({token.role}){until}; context {name}")


@examples("""
ecn logout
ecn logout --context plant
""")
@click.command("logout", cls=Command)
@connection_options
@pass_session
def logout(session: Session) -> None:
    """Revoke the token of the context, and forget it. The context itself stays."""
    where = session.connection()
    try:
        session.run(Client.logout)
    except NotAllowed:
        note("the token was no good any more")
    if where.context:
        path = contexts.config_path()
        with contexts.changing(path) as known:
            old = known.named(where.context)
            without = Context(server=old.server, user=old.user, ca=old.ca, data=old.data)
            contexts.save(path, known.having(where.context, without, use=False))
    click.echo(f"logged out of {where.server}")


@examples("ecn whoami")
@click.command("whoami", cls=Command)
@connection_options
@pass_session
def whoami(session: Session) -> None:
    """Show the controller and the user that commands use. Asks the controller nothing."""
    where = session.connection()
    known = contexts.load(contexts.config_path()).contexts.get(where.context)
    click.echo(f"server   {where.server}")
    click.echo(f"context  {where.context or '-'}")
    click.echo(f"user     {(known.user if known else '') or '-'}")
    click.echo(f"token    {'yes' if where.token else 'none: ecn login ' + where.server}")


@examples("""
ecn status
ecn status -o json
ecn status --at 2026-05-01
""")
@click.command("status", cls=Command)
@at_option
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def status(session: Session, at: str, form: str) -> None:
    """Show how the controller is, and what its network counts. Needs no login, but for --at."""

    async def ask(client: Client) -> d.Status:
        return await (await looking(client, at, tell=form == Format.TABLE)).client.status()

    found = session.run(ask)
    if form != Format.TABLE:
        click.echo(document_text(found, Format(form)))
        return
    stale = " (stale: the log can't be reached)" if found.stale else ""
    click.echo(f"controller     {session.connection().server}")
    if not at:  # how the controller was, nobody wrote down
        click.echo(f"status         {styled(found.status)}")
        click.echo(f"version        {found.version}")
    click.echo(f"position       {found.position}{stale}")
    click.echo(f"nodes          {found.nodes_online} of {found.nodes} online")
    click.echo(f"microservices  {found.microservices_running} of {found.microservices} running")
    if not at:
        router = found.interior_router
        words = f" ({printable(router.reason)})" if router.reason else ""
        where = f" at {printable(router.url)}" if router.url else ""
        click.echo(f"interior       {styled(router.state)}{where}{words}")


def read_password(file: Path | None, prompt: str, *, confirm: bool = False) -> str:
    """From the file, the environment (ECN_PASSWORD), or the person. Never an argument.

    Errors: CliError when there is nobody to ask.
    """
    if file is not None:
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        except OSError as e:
            raise CliError(f"{file} can't be read: {e.strerror}") from e
        return text.rstrip("\r\n")
    given = os.environ.get("ECN_PASSWORD")
    if given:
        return given
    if not sys.stdin.isatty():
        raise CliError(
            "there is no password, and nobody to ask for it",
            next_step="give --password-file FILE, or ECN_PASSWORD in the environment",
        )
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def _fitting_name(host: str, server: str) -> str:
    """The host without its port; with it when that name leads somewhere else already."""
    short = host.rsplit(":", 1)[0]
    taken = contexts.load(contexts.config_path()).contexts.get(short)
    return short if taken is None or taken.server == server else host
