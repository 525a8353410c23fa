"""`ecn create` and `ecn update`: nodes, users and routes by options. Manifests can do nodes and
routes, too."""

from pathlib import Path

import click
import msgspec
from msgspec import UNSET, UnsetType

from agent.local.merge_patch import merged
from ecn.api import documents as d
from ecn.api.network_documents import RouterManifest, SettingManifest
from ecn.api.route_documents import CreateRoute
from ecn.cli.client import Client
from ecn.cli.command import Command, Group, connection_options, examples
from ecn.cli.login import read_password
from ecn.cli.node_settings import node_options, said_patch
from ecn.cli.route_options import route_options, said_of_route
from ecn.cli.session import Session, pass_session
from events.node import NodeSettings
from events.user import Role

ROLES = [role.value for role in Role]


@examples("""
ecn create node kiosk-7 -l site=berlin --tag gpu
ecn create user anna --role operator
""")
@click.group("create", cls=Group)
def create() -> None:
    """Register a node, add a user or a route. Applications come from `ecn deploy`."""


@examples("""
ecn create node kiosk-7
ecn create node kiosk-7 -l site=berlin --tag gpu --location "Hall 3"
""")
@create.command("node", cls=Command)
@click.argument("name")
@node_options
@connection_options
@pass_session
def create_node(session: Session, /, name: str, **said: object) -> None:
    """Make a place for a device. `ecn provision-key NAME` then lets one take it."""
    settings = msgspec.convert(merged({}, said_patch(said)), NodeSettings)
    session.run(lambda client: client.register_node(d.RegisterNode(name=name, settings=settings)))
    click.echo(f"node/{name} created; next: ecn provision-key {name}")


@examples("""
ecn create user anna --role operator
ecn create user ci --role viewer --password-file password.txt
""")
@create.command("user", cls=Command)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Read the password there (- for stdin). Default: ECN_PASSWORD, or asked for.",
)
@connection_options
@pass_session
def create_user(session: Session, name: str, role: str, password_file: Path | None) -> None:
    """Let someone log in. viewer reads; operator changes; admin manages users, too."""
    password = read_password(password_file, f"Password for {name}", confirm=True)
    body = d.CreateUser(name=name, password=password, role=Role(role))
    session.run(lambda client: client.create_user(body))
    click.echo(f"user/{name} created as {role}")


@examples("""
ecn create route shop/alarms --from probe --to siren --where "as_number(temp) > 70"
ecn create route shop/orders --from '*' --to '$upstream' --priority 0 --ttl 7d
ecn create route shop/in --query 'FROM /messages/modules/probe/* INTO $upstream'
""")
@create.command("route", cls=Command)
@click.argument("name", metavar="APPLICATION/NAME")
@route_options
@connection_options
@pass_session
def create_route(session: Session, /, name: str, **said: object) -> None:
    """Let messages of one microservice reach another, or your own consumers. docs/routes.md."""
    application, slash, own = name.partition("/")
    if not slash or not own:
        raise click.UsageError(f"{name!r} has no application: write APPLICATION/NAME")
    body = msgspec.convert({**said_of_route(said), "name": own}, CreateRoute)
    session.run(lambda client: client.create_route(application, body))
    click.echo(f"route/{name} created; see how it is: ecn describe route {name}")


@examples("""
ecn update node kiosk-7 -l site=hamburg -l old=
ecn update user anna --role admin
ecn update network default-proxy-host=ecn.example
""")
@click.group("update", cls=Group)
def update() -> None:
    """Change a node, a user, a route or the network. What is not said stays as it is."""


@examples("""
ecn update node kiosk-7 -l site=hamburg -l old= --location "Hall 4"
ecn update node kiosk-7 --name kiosk-8
ecn update node kiosk-7 --privileged --exec admin --pull-limit 512
""")
@update.command("node", cls=Command)
@click.argument("node")
@click.option("--name", help="Another name. Its id stays.")
@node_options
@connection_options
@pass_session
def update_node(session: Session, /, node: str, name: str | None, **said: object) -> None:
    """Change what is said of a node. Labels are merged, tags replaced; an empty text resets."""
    patch = said_patch(said)
    if not patch and name is None:
        raise click.UsageError("say what to change, --label K=V for instance")
    renamed: str | UnsetType = UNSET if name is None else name
    body = d.UpdateNode(name=renamed, settings=patch or UNSET)
    changed = session.run(lambda client: client.update_node(node, body))
    click.echo(f"node/{name or node} {'updated' if changed.events else 'unchanged'}")


@examples("""
ecn update route shop/alarms --where "as_number(temp) > 80"
ecn update route shop/alarms --to '$upstream' --webhook https://hook.example/alarms
""")
@update.command("route", cls=Command)
@click.argument("name", metavar="APPLICATION/NAME")
@route_options
@connection_options
@pass_session
def update_route(session: Session, /, name: str, **said: object) -> None:
    """Change where a route leads, or what goes there. An empty text takes away."""
    patch = said_of_route(said)
    if not patch:
        raise click.UsageError("say what to change, --where CONDITION for instance")
    changed = session.run(lambda client: client.change_route(name, patch))
    click.echo(f"route/{name} {'updated' if changed.events else 'unchanged'}")


@examples("ecn update user anna --role operator")
@update.command("user", cls=Command)
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@connection_options
@pass_session
def update_user(session: Session, name: str, role: str) -> None:
    """Give a user another role. Passwords: `ecn passwd NAME`."""
    body = d.UpdateUser(role=Role(role))
    changed = session.run(lambda client: client.update_user(name, body))
    click.echo(f"user/{name} {'updated' if changed.events else 'unchanged'}")


@examples("""
ecn update network default-proxy-host=ecn.example
ecn update network --router-host router.example
""")
@update.command("network", cls=Command)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--router-host", help="The router that nodes lead to, outside all nodes.")
@click.option("--messaging-port", type=int, default=5672, show_default=True, help="Of that router.")
@click.option("--edge-port", type=int, default=56722, show_default=True, help="Of that router.")
@click.option("--inter-router-port", type=int, default=56721, show_default=True, help="Likewise.")
@connection_options
@pass_session
def update_network(
    session: Session,
    settings: tuple[str, ...],
    router_host: str | None,
    messaging_port: int,
    edge_port: int,
    inter_router_port: int,
) -> None:
    """Change what is set for the network as a whole."""
    pairs = [each.partition("=") for each in settings]
    for (key, equals, _), said in zip(pairs, settings, strict=True):
        if not key or not equals:
            raise click.UsageError(f"{said!r} is not a setting: write KEY=VALUE")
    if not pairs and router_host is None:
        raise click.UsageError("say what to change, default-proxy-host=HOST for instance")

    async def work(client: Client) -> None:
        if router_host is not None:
            router = RouterManifest(
                host=router_host,
                messaging_port=messaging_port,
                edge_port=edge_port,
                inter_router_port=inter_router_port,
            )
            changed = await client.set_router(router)
            click.echo(f"network/default-router {'updated' if changed.events else 'unchanged'}")
        for key, _, value in pairs:
            changed = await client.set_setting(key, SettingManifest(value=value))
            click.echo(f"network/{key} {'updated' if changed.events else 'unchanged'}")

    session.run(work)
