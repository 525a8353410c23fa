"""`ecn-agent install` and `uninstall`: the agent as a service of the device."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TextIO

import click

from agent import logs
from agent.device import service
from agent.device.installation import (
    PREFIX,
    Places,
    base_python,
    lay_out,
    requirement,
    set_up,
    source,
    take_off,
)
from agent.device.provisioning_commands import become_node, key_options, read_key
from agent.device.service import Service
from agent.errors import CannotInstall
from agent.options import engine_option, failing_politely, folder_option
from agent.storage.store import Folder

NO_SUPERVISOR = 4

prefix_option = click.option(
    "--prefix",
    type=click.Path(file_okay=False, path_type=Path),
    default=PREFIX,
    show_default=True,
    help="Where versions of the agent are kept.",
)
root_option = click.option(
    "--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True
)


@click.command("install")
@click.option("--controller", metavar="URL", help="Become a node of this controller on the way.")
@key_options
@click.option(
    "--from",
    "wanted",
    metavar="WHAT",
    help="A wheel, a folder with ECN's source, or a requirement such as ecn[agent]==1.4.2; else "
    "what runs this command.",
)
@click.option(
    "--system-site-packages", "shares", is_flag=True, help="Use the packages of the system, too."
)
@click.option(
    "--memory-max", type=click.IntRange(0), default=512, show_default=True,
    help="MiB that the agent may take, with what it starts; 0: no limit.",
)  # fmt: skip
@click.option(
    "--cpu-quota", type=click.IntRange(0), default=0,
    help="Percent of one core that it may take; 0: no limit.",
)  # fmt: skip
@click.option("--allow-reboot", is_flag=True, help="Let operators restart this device.")
@click.option(
    "--print", "only_print", is_flag=True, help="Show what would be written; write nothing."
)
@prefix_option
@root_option
@folder_option
@engine_option
def install_command(
    controller: str | None,
    key: str | None,
    key_file: TextIO | None,
    ca_file: TextIO | None,
    wanted: str | None,
    shares: bool,
    memory_max: int,
    cpu_quota: int,
    allow_reboot: bool,
    only_print: bool,
    prefix: Path,
    root: Path,
    path: Path,
    engine_url: str,
) -> None:
    """Install the agent as a service that starts with the device and can upgrade itself.

    Needs root. Doing it again repairs it, changes its options, or brings another version. Ends
    with 4 where there is no systemd: then all is in place, and it shows what to start.
    """
    logs.set_up()
    places = Places(root)
    asked = Service(
        prefix=prefix.absolute(),
        data=path.absolute(),
        engine_url=engine_url,
        python=base_python(),
        environment_file=places.environment,
        memory_max_mib=memory_max,
        cpu_quota_percent=cpu_quota,
        allow_reboot=allow_reboot,
    )
    if only_print:
        _show(asked, places)
        return
    with failing_politely():
        _as_root(places)
        version = lay_out(asked.prefix, requirement(wanted) if wanted else source(), shares=shares)
        click.echo(f"Version {version} is in {asked.prefix}.")
        if controller is not None:
            if (identity := Folder(path).identity()) is not None:
                click.echo(f"This device is node {identity.name} already, and stays it.")
            else:
                given = read_key(key, key_file)
                ca_pem = ca_file.read() if ca_file is not None else ""
                asyncio.run(become_node(path, controller, given, ca_pem, False, engine_url))
        started = set_up(asked, places)
    if not started:
        extra = {"ECN_AGENT_ALLOW_REBOOT": "1"} if allow_reboot else {}
        click.echo(service.by_hand(asked, extra))
        sys.exit(NO_SUPERVISOR)
    click.echo(f"The service {service.NAME} runs. See: systemctl status {service.NAME}")


def _as_root(places: Places) -> None:
    """Errors: CannotInstall."""
    if os.geteuid() != 0 and places.root == Path("/"):
        raise CannotInstall("a service of the device belongs to root: use sudo")


def _show(asked: Service, places: Places) -> None:
    for path, text in (
        (places.unit, service.unit(asked)),
        (places.environment, service.environment(asked)),
        (places.shim, service.shim(asked)),
    ):
        click.echo(f"# --- {path}\n{text}")
    click.echo(f"# --- {asked.prefix}/launcher.py, versions/<version>/, current")


@click.command("uninstall")
@prefix_option
@root_option
@folder_option
def uninstall_command(prefix: Path, root: Path, path: Path) -> None:
    """Remove the service. The agent's folder and the containers stay: see deprovision."""
    logs.set_up()
    with failing_politely():
        _as_root(Places(root))
        removed = take_off(prefix.absolute(), Places(root))
        identity = Folder(path).identity() if path.exists() else None
    for each in removed:
        click.echo(f"Removed {each}")
    if not removed:
        click.echo("There is no service of the agent here.")
    if identity is not None:
        click.echo(
            f"This device is still node {identity.name} ({path}), and its containers run on."
        )
