"""`ecn-agent provision`: this device becomes a node; also on the way of an installation."""

import asyncio
from pathlib import Path
from typing import TextIO

import click

from agent import logs
from agent.device.provisioning import provision
from agent.docker.engine import DockerEngine
from agent.errors import AgentError, EngineError
from agent.options import Body, engine_option, failing_politely, folder_option
from agent.run import remove_everything
from agent.storage.store import Folder


def key_options(command: Body) -> Body:
    """`--key`, `--key-file`, `--ca-file`."""
    for option in (
        click.option(
            "--ca-file",
            type=click.File("r"),
            help="Certificates (PEM) to trust, not the system's.",
        ),
        click.option(
            "--key-file", type=click.File("r"), help="A file with the provisioning key; - reads it."
        ),
        click.option(
            "--key",
            envvar="ECN_PROVISIONING_KEY",
            help="The provisioning key. Others on this machine can read arguments: prefer "
            "--key-file, or the variable ECN_PROVISIONING_KEY.",
        ),
    ):
        command = option(command)
    return command


def read_key(key: str | None, key_file: TextIO | None) -> str:
    """The provisioning key. Errors: click.UsageError where there is none."""
    if key_file is not None:
        key = key_file.read().strip()
    if not key:
        raise click.UsageError("a provisioning key is needed: --key-file, or ECN_PROVISIONING_KEY")
    return key


@click.command("provision")
@click.option("--controller", required=True, metavar="URL", help="Base address of a controller.")
@key_options
@click.option(
    "--replace",
    is_flag=True,
    help="Give up the node that this device is; its containers are removed.",
)
@folder_option
@engine_option
def provision_command(
    controller: str,
    key: str | None,
    key_file: TextIO | None,
    ca_file: TextIO | None,
    replace: bool,
    path: Path,
    engine_url: str,
) -> None:
    """Make this device a node of a network."""
    key = read_key(key, key_file)
    logs.set_up()
    ca_pem = ca_file.read() if ca_file is not None else ""
    with failing_politely():
        asyncio.run(become_node(path, controller, key, ca_pem, replace, engine_url))


async def become_node(
    path: Path, controller: str, key: str, ca_pem: str, replace: bool, engine_url: str
) -> None:
    """Redeem the key, and say so. Errors: as `provisioning.provision`; AgentError."""
    folder = Folder(path)
    with folder.locked():
        identity, given_up = await provision(
            folder, controller=controller, key=key, ca_pem=ca_pem, replace=replace
        )
        click.echo(f"This device is now node {identity.name} ({identity.node_id}).")
        if given_up is None:
            return
        try:
            async with DockerEngine(engine_url) as engine:
                removed = await remove_everything(given_up.node_id, engine)
        except EngineError as error:
            # The new identity stands; what is left is named, with the way to find it.
            raise AgentError(
                f"the containers of the former node {given_up.name} are still there ({error}); "
                f"find them with: docker ps -a --filter label=ecn.node={given_up.node_id}"
            ) from error
        click.echo(f"Removed {removed} containers of the former node {given_up.name}.")
