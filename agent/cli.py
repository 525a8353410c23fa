"""The agent's commands: provision, run, status.

`agent_group` is mounted twice: as `ecn-agent` (`agent/__main__.py`) and as `ecn agent`.

Exit codes: 0 done or stopped; 1 failed, and the sentence says why; 2 wrong usage;
3 (`run` only) the node was deprovisioned: its containers are gone, and there is nothing to restart.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click
import platformdirs

from agent import logs
from agent.docker_engine import DockerEngine
from agent.errors import AgentError, EngineError
from agent.provisioning import provision
from agent.run import remove_everything, run
from agent.status_page import as_json, as_table, device_status
from agent.store import Folder

DEPROVISIONED = 3


def default_folder() -> Path:
    """Where the agent lives: with the system's services for root, with the user's data else."""
    if os.geteuid() == 0:
        return Path("/var/lib/ecn-agent")
    return platformdirs.user_data_path("ecn-agent")


def _folder_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--data",
        "path",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="ECN_AGENT_DATA",
        default=default_folder,
        show_default="/var/lib/ecn-agent for root, else the user's data folder",
        help="The agent's own folder.",
    )(command)


def _engine_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--docker-host",
        "engine_url",
        envvar="DOCKER_HOST",
        default="unix:///var/run/docker.sock",
        show_default=True,
        help="Where the Docker Engine listens.",
    )(command)


@contextmanager
def _failing_politely() -> Iterator[None]:
    """What the agent can say in a sentence is no traceback."""
    try:
        yield
    except AgentError as error:
        raise click.ClickException(str(error)) from error


@click.group("agent")
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
@_folder_option
@_engine_option
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
    with _failing_politely():
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
@_folder_option
@_engine_option
def run_command(lifeline: bool, path: Path, engine_url: str) -> None:
    """Run the node's microservices until told to stop; they run on without the agent.

    Exits with 3 when the controller deprovisioned the node: do not restart it then.
    """
    logs.set_up()
    with _failing_politely():
        deprovisioned = asyncio.run(_run(Folder(path), engine_url, lifeline))
    if deprovisioned:
        click.echo("This node was deprovisioned; its containers are removed.", err=True)
        sys.exit(DEPROVISIONED)


async def _run(folder: Folder, engine_url: str, lifeline: bool) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    if lifeline:
        _hold_lifeline(loop, stop)
    return await run(folder, engine_url, stop)


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
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@_folder_option
@_engine_option
def status_command(output: str, path: Path, engine_url: str) -> None:
    """What this device is and runs, from its own folder and engine: no controller is asked."""
    logs.set_up()
    with _failing_politely():
        status = asyncio.run(device_status(Folder(path), engine_url))
    if output == "json":
        click.echo(as_json(status))
    else:
        as_table(status)
