"""`ecn provision-key` and `ecn deprovision`: devices become nodes, and cease to be."""

import click

from ecn.api import documents as d
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.output import Format, document_text, format_option
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Duration, moment


@examples("""
ecn provision-key kiosk-7
ecn provision-key kiosk-7 --valid-for 1d
ecn provision-key kiosk-7 -o json | jq -r .key
""")
@click.command("provision-key", cls=Command)
@click.argument("node")
@click.option("--valid-for", type=Duration(), default="20m", show_default=True, help="How long.")
@format_option(Format.TABLE, Format.JSON, Format.YAML)
@connection_options
@pass_session
def provision_key(session: Session, node: str, valid_for: float, form: str) -> None:
    """Make a key with which one device becomes the node, and show what to run there.

    It is good for one device and replaces an earlier key. Whoever has it can take the node's
    place until it is used or expires.
    """
    body = d.IssueProvisioningKey(valid_for=int(valid_for))
    key = session.run(lambda client: client.provisioning_key(node, body))
    if form != Format.TABLE:
        click.echo(document_text(key, Format(form)))
        return
    server = session.connection().server
    click.echo(f"# {key.node}: good for one device until {moment(key.expires_at)}; shown this once")
    click.echo("# on the device, as root:")
    # In the environment: an argument could be read by every user of the device.
    click.echo(f"ECN_PROVISIONING_KEY={key.key} ecn-agent provision --controller {server}")
    click.echo("ecn-agent run")
    click.echo("# or, as a service of the device, `install` in place of `provision`, and no run")
    if "//127." in server or "//localhost" in server:
        click.echo(
            f"# {server} is this machine's own address: from elsewhere use one that leads here."
        )


@examples("ecn deprovision kiosk-7")
@click.command("deprovision", cls=Command)
@click.argument("node")
@connection_options
@pass_session
def deprovision(session: Session, node: str) -> None:
    """Withdraw the credential of the node's device: it removes our containers and stops.

    The node stays, with what should run there; another device may take its place.
    """
    changed = session.run(lambda client: client.deprovision(node))
    click.echo(f"node/{node} {'deprovisioned' if changed.events else 'has no device'}")
