"""`ecn port-forward` and `ecn tunnel`: ports of containers and devices, on this machine."""

import re

import click

from ecn.cli.command import Command, connection_options, examples
from ecn.cli.kinds import NAMES, one_reference
from ecn.cli.session import Session, pass_session
from ecn.manifests.kinds import Kind, Reference

PORTS = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})", re.ASCII)

ADDRESS = click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen here. Whoever reaches it reaches the ports, as you.",
)
PORT_ARGUMENT = click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]PORT...")


@examples("""
ecn port-forward shop/web 8080:80
ecn port-forward microservice/shop/db 5432
ecn port-forward shop/web 0:80 0:443          # any ports here that are free
""")
@click.command("port-forward", cls=Command)
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@PORT_ARGUMENT
@ADDRESS
@connection_options
@pass_session
def port_forward(session: Session, microservice: str, ports: tuple[str, ...], address: str) -> None:
    """Reach ports of a microservice's container from here, as long as this runs.

    They need not be opened to anybody else, on the device or in a manifest. Who reached which ports
    stands in the log (ecn audit), what went through does not.
    """
    reference = one_reference((microservice,), Kind.MICROSERVICE)
    _forward(session, reference, ports, address)


@examples("""
ecn tunnel kiosk-7 2222:22
ecn tunnel node/kiosk-7 8080
""")
@click.command("tunnel", cls=Command)
@click.argument("node", metavar="NODE")
@PORT_ARGUMENT
@ADDRESS
@connection_options
@pass_session
def tunnel(session: Session, node: str, ports: tuple[str, ...], address: str) -> None:
    """Reach ports of a node's device from here, as long as this runs.

    They are those that listen on its loopback address, or on all. Only admins may, where the node's
    access does not say otherwise.
    """
    head, slash, rest = node.partition("/")
    named = slash and NAMES.get(head.lower()) is Kind.NODE
    _forward(session, Reference(Kind.NODE, rest if named else node), ports, address)


def _forward(session: Session, reference: Reference, ports: tuple[str, ...], address: str) -> None:
    from ecn.cli.forwarding import Forwarding, Pair  # it takes a while, and --help does not need it

    pairs = [Pair(*_pair(each)) for each in ports]
    remotes = [each.remote for each in pairs]
    if len(set(remotes)) < len(remotes):
        raise click.UsageError("a port is named twice")
    about = f"{reference.name}" if reference.kind is Kind.MICROSERVICE else f"{reference}"
    session.run(
        lambda client: Forwarding(lambda: client.forward(reference), pairs, about).run(address)
    )


def _pair(text: str) -> tuple[int, int]:
    """Errors: click.BadParameter."""
    found = PORTS.fullmatch(text)
    if found is not None:
        local, remote = int(found[1] or found[2]), int(found[2])
        if 0 <= local < 65536 and 0 < remote < 65536:
            return local, remote
    raise click.BadParameter(f"{text!r} is not [LOCAL:]PORT, each 1 to 65535")
