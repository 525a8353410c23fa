"""`ecn attach` and `ecn detach`: which nodes may use an edge resource."""

import click

from ecn.api.edge_resource_documents import LinkedNode
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.session import Session, pass_session


@examples("""
ecn attach edge-resource camera 1.0.0 kiosk-7
""")
@click.group("attach", cls=Group)
def attach() -> None:
    """Let microservices of a node use something."""


@examples("""
ecn attach edge-resource camera 1.0.0 kiosk-7
""")
@attach.command("edge-resource", cls=Command)
@click.argument("name")
@click.argument("version")
@click.argument("node")
@connection_options
@pass_session
def attach_edge_resource(session: Session, name: str, version: str, node: str) -> None:
    """Let microservices of the node use it. The node gets its tags."""
    body = LinkedNode(node=node)
    changed = session.run(lambda client: client.link(f"{name}@{version}", body))
    said = "attached" if changed.events else "was attached already"
    click.echo(f"edge-resource/{name}@{version} {said} to node/{node}")


@examples("""
ecn detach edge-resource camera 1.0.0 kiosk-7
""")
@click.group("detach", cls=Group)
def detach() -> None:
    """Let microservices of a node use something no more."""


@examples("""
ecn detach edge-resource camera 1.0.0 kiosk-7
""")
@detach.command("edge-resource", cls=Command)
@click.argument("name")
@click.argument("version")
@click.argument("node")
@connection_options
@pass_session
def detach_edge_resource(session: Session, name: str, version: str, node: str) -> None:
    """Let microservices of the node use it no more. Its tags go from the node."""
    body = LinkedNode(node=node)
    changed = session.run(lambda client: client.unlink(f"{name}@{version}", body))
    said = "detached" if changed.events else "was not attached"
    click.echo(
        f"edge-resource/{name}@{version} {said} {'from' if changed.events else 'to'} node/{node}"
    )
