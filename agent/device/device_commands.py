"""`ecn-agent status`, `info`, `config`, `check`, `deprovision`: for the people of the device."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec
from msgspec import structs

from agent import logs
from agent.device.changing import change_setting
from agent.device.check import problems
from agent.device.deprovisioning import deprovision
from agent.device.information import information, settings
from agent.device.installation import installed_prefix
from agent.device.status_page import as_json, as_table, device_status
from agent.options import engine_option, failing_politely, folder_option, output_option
from agent.storage.store import Folder


@click.command("status")
@output_option
@folder_option
@engine_option
def status_command(output: str, path: Path, engine_url: str) -> None:
    """What this device is and runs, from its own folder and engine: no controller is asked."""
    logs.set_up()
    with failing_politely():
        status = asyncio.run(device_status(Folder(path), engine_url))
    if output == "json":
        click.echo(as_json(status))
    else:
        as_table(status)


@click.command("info")
@output_option
@folder_option
@engine_option
def info_command(output: str, path: Path, engine_url: str) -> None:
    """This device: what it is made of, where it is, what the agent takes of it."""
    logs.set_up()
    with failing_politely():
        found = asyncio.run(information(Folder(path), engine_url, installed_prefix()))
    if output == "json":
        _json(found)
        return
    for key, value in structs.asdict(found).items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {size} KiB" for name, size in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        if value not in ("", None):
            click.echo(f"{key.replace('_', ' '):<20} {value}")


@click.group("config", invoke_without_command=True)
@output_option
@folder_option
@click.pass_context
def config_group(context: click.Context, output: str, path: Path) -> None:
    """What is set for this node, and whether an operator set it."""
    if context.invoked_subcommand is not None:
        return
    logs.set_up()
    with failing_politely():
        found = settings(Folder(path))
    if output == "json":
        _json(found)
        return
    for each in found:
        value = "-" if each.value in ("", None) else each.value
        click.echo(f"{each.key:<26} {value!s:<20} {each.source}")


@config_group.command("set")
@click.argument("key")
@click.argument("value")
@folder_option
def set_command(key: str, value: str, path: Path) -> None:
    """Ask the controller to set something for this node, where operators let devices do so.

    It comes back with the node's next desired state; without the controller nothing is changed.
    """
    logs.set_up()
    with failing_politely():
        asyncio.run(change_setting(Folder(path), key, value))
    click.echo(f"{key} is {value} from now on, for the controller too.")


@click.command("check")
@output_option
@folder_option
@engine_option
def check_command(output: str, path: Path, engine_url: str) -> None:
    """Whether this agent can work here: reads its folder, asks the engine, changes nothing.

    Ends with 1 when it can't, and says why.
    """
    logs.set_up()
    with failing_politely():
        found = asyncio.run(problems(Folder(path), engine_url))
    if output == "json":
        _json(found)
    else:
        _lines(found or ["all is well"], error=bool(found))
    sys.exit(1 if found else 0)


@click.command("deprovision")
@click.option("--offline", is_flag=True, help="Clear this device without telling the controller.")
@click.option("--images", is_flag=True, help="Remove the images that the agent pulled, too.")
@output_option
@folder_option
@engine_option
def deprovision_command(
    offline: bool, images: bool, output: str, path: Path, engine_url: str
) -> None:
    """Let this device be a node no more: its containers go, and then the agent's folder.

    Works whether the agent runs or not. Interrupted, the same command finishes it. Volumes of the
    engine stay, with the data of the microservices.
    """
    logs.set_up()
    folder = Folder(path)
    with failing_politely():
        cleared = asyncio.run(deprovision(folder, engine_url, offline=offline, images=images))
    if output == "json":
        _json(cleared if cleared is not None else {})
        return
    if cleared is None:
        click.echo(f"This device is no node: there is no identity in {folder.path}.")
        return
    click.echo(f"This device is no longer node {cleared.name}; its containers are removed.")
    _lines(f"Kept, as it was changed here: {each}" for each in cleared.kept_files)
    if cleared.images:
        click.echo(cleared.images)
    if not cleared.told:
        click.echo(f"{cleared.controller} was not told: use `ecn deprovision {cleared.name}`.")


def _lines(lines: Iterable[str], *, error: bool = False) -> None:
    for each in lines:
        click.echo(each, err=error)


def _json(found: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
