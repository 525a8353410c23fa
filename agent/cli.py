"""The agent's commands: provision, run, status. The others are in `*_commands.py`.

`agent_group` is mounted twice: as `ecn-agent` (`agent/__main__.py`) and as `ecn agent`.

Exit codes: 0 done or stopped; 1 failed, and the sentence says why; 2 wrong usage;
3 (`run`) the node was deprovisioned: its containers are gone, and there is nothing to restart;
4 (`install`) all is in place, but there is no systemd to start it;
70 (`run`) the agent stood still, 75 (`run`) it wants to be started again: its containers run on.
"""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

import click

from agent import logs
from agent.docker_engine import DockerEngine
from agent.errors import AgentError, EngineError
from agent.options import engine_option, failing_politely, folder_option, output_option
from agent.own_life import Surroundings
from agent.provisioning import provision
from agent.run import Ended, remove_everything, run
from agent.status_page import as_json, as_table, device_status
from agent.store import Folder
from agent.upgrade import prefix_of_this

DEPROVISIONED, BEGIN_ANEW = 3, 75
REBOOT = ("systemctl", "reboot"), ("reboot",)


@click.group("agent")
@click.version_option(package_name="ecn", message="ecn-agent %(version)s")
def agent_group() -> None:
    """The agent of this device: runs its node's microservices, with or without a controller."""


@agent_group.command("provision")
@click.option("--controller", required=True, metavar="URL", help="Base address of a controller.")
@click.option(
    "--key",
    envvar="ECN_PROVISIONING_KEY",
    help="The provisioning key. Others on this machine can read arguments: prefer --key-file, or "
    "the variable ECN_PROVISIONING_KEY.",
)
@click.option(
    "--key-file", type=click.File("r"), help="A file with the provisioning key; - reads it."
)
@click.option(
    "--ca-file", type=click.File("r"), help="Certificates (PEM) to trust, not the system's."
)
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
    if key_file is not None:
        key = key_file.read().strip()
    if not key:
        raise click.UsageError("a provisioning key is needed: --key-file, or ECN_PROVISIONING_KEY")
    logs.set_up()
    ca_pem = ca_file.read() if ca_file is not None else ""
    with failing_politely():
        asyncio.run(_provision(path, controller, key, ca_pem, replace, engine_url))


async def _provision(
    path: Path, controller: str, key: str, ca_pem: str, replace: bool, engine_url: str
) -> None:
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


@agent_group.command("run")
@click.option(
    "--lifeline", is_flag=True, help="Stop when standard input closes: for supervising programs."
)
@click.option(
    "--allow-reboot",
    is_flag=True,
    envvar="ECN_AGENT_ALLOW_REBOOT",
    help="Let operators restart this device.",
)
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ECN_AGENT_LOG_FILE",
    help="Log into a file that is rotated, not to standard error.",
)
@click.option(
    "--log-limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    envvar="ECN_AGENT_LOG_LIMIT",
    help="MiB that all log files may take together.",
)
@click.option(
    "--log-files",
    type=click.IntRange(1, 100),
    default=4,
    show_default=True,
    envvar="ECN_AGENT_LOG_FILES",
    help="How many there are at most.",
)
@folder_option
@engine_option
def run_command(
    lifeline: bool,
    allow_reboot: bool,
    log_file: Path | None,
    log_limit: int,
    log_files: int,
    path: Path,
    engine_url: str,
) -> None:
    """Run the node's microservices until told to stop; they run on without the agent.

    Exits with 3 when the node was deprovisioned: do not restart it then. After any other end a
    supervisor is to start it again: 75 asks for it, 70 says that it stood still.
    """
    if log_file is None:
        logs.set_up()
    else:
        try:
            logs.set_up_file(log_file, limit_mib=log_limit, files=log_files)
        except OSError as error:
            raise click.ClickException(f"{log_file} can't be written: {error.strerror}") from error
    around = Surroundings(
        engine_url=engine_url,
        prefix=prefix_of_this(),
        reboot_command=_reboot() if allow_reboot else None,
    )
    with failing_politely():
        ended = asyncio.run(_run(Folder(path), around, lifeline))
    if ended is Ended.DEPROVISIONED:
        click.echo("This node was deprovisioned; its containers are removed.", err=True)
        sys.exit(DEPROVISIONED)
    if ended is Ended.TO_BEGIN_ANEW:
        sys.exit(BEGIN_ANEW)


def _reboot() -> tuple[str, ...]:
    """systemd's where it runs, else the one of the system."""
    return REBOOT[0] if Path("/run/systemd/system").is_dir() else REBOOT[1]


async def _run(folder: Folder, around: Surroundings, lifeline: bool) -> Ended:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    if lifeline:
        _hold_lifeline(loop, stop)
    return await run(folder, around, stop)


def _hold_lifeline(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` at the end of standard input.

    A thread, because standard input may be a file, which no event loop can wait for; a daemon,
    because nothing can interrupt its read when the agent ends for another reason.
    """

    def read_to_the_end() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read_to_the_end, name="lifeline", daemon=True).start()


@agent_group.command("status")
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
