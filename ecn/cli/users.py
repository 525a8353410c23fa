"""`ecn passwd`: another password for oneself or, as an administrator, for somebody."""

from pathlib import Path

import click
from msgspec import structs

from ecn.api import documents as d
from ecn.cli import contexts
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError
from ecn.cli.login import read_password
from ecn.cli.session import Session, pass_session


@examples("""
ecn passwd
ecn passwd anna --password-file password.txt
""")
@click.command("passwd", cls=Command)
@click.argument("user", required=False, default="")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read it there (- for stdin). Default: ECN_PASSWORD, or asked for, twice.",
)
@connection_options
@pass_session
def passwd(session: Session, user: str, password_file: Path | None) -> None:
    """Change a password, yours by default. All tokens of the user are revoked by it.

    After changing your own, you are logged in again at once.
    """
    where = session.connection()
    kept = contexts.load(contexts.config_path()).contexts.get(where.context)
    own = kept.user if kept is not None else ""
    user = user or own
    if not user:
        raise CliError("it is not known who you are here", next_step="ecn passwd NAME")
    password = read_password(password_file, f"New password of {user}", confirm=True)

    async def work(client: Client) -> d.Token | None:
        await client.update_user(user, d.UpdateUser(password=password))
        if kept is None or user != own:
            return None
        return await client.login(d.Login(name=user, password=password, description="ecn passwd"))

    token = session.run(work)
    if kept is not None and token is not None:
        contexts.put(where.context, structs.replace(kept, token=token.token), use=False)
    click.echo(f"the password of {user} is changed; earlier tokens are revoked")
