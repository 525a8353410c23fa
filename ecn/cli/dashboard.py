"""`ecn dashboard`: a link that opens the operator's page, logged in."""

import webbrowser
from html import escape
from pathlib import Path

import click

from ecn.cli import contexts
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError
from ecn.cli.output import note
from ecn.cli.session import Session, pass_session
from ecn.private_file import replace_privately

PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}">
<title>ECN</title>
<p><a href="{link}">To the dashboard</a></p>
"""


@examples("""
ecn dashboard                             # prints a link
ecn dashboard --open                      # opens it in this machine's browser
ecn dashboard --context plant
""")
@click.command("dashboard", cls=Command)
@click.option("--open", "open_", is_flag=True, help="Open it in the browser of this machine.")
@connection_options
@pass_session
def dashboard(session: Session, open_: bool) -> None:
    """Print a link that opens the dashboard, logged in as you.

    The link is good once, and for two minutes: give it to nobody. It holds no password, and what it
    holds is never sent to a server as part of a URL. The dashboard stays logged in for 12 hours.
    """
    made = session.run(Client.dashboard_link)
    server = session.connection().server
    link = f"{server}/dashboard/#login={made.token}"
    click.echo(link)
    if not open_:
        note("good once, within two minutes")
        return
    # Not the link itself: whoever sees this machine's processes would see it.
    path = _written(link)
    if not webbrowser.open(path.as_uri()):
        raise CliError(
            "no browser could be opened here", next_step="open the link above, within two minutes"
        )


def _written(link: str) -> Path:
    """A page of one's own that leads there. Errors: CliError."""
    path = contexts.config_path().with_name("dashboard.html")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_privately(path, PAGE.format(link=escape(link)).encode())
    except OSError as e:
        raise CliError(
            f"{path} can't be written: {e.strerror}", next_step="open the link above yourself"
        ) from e
    return path.absolute()
