"""`ecn-agent run`: the agent itself, in the foreground, as a supervisor starts it."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import click

from agent import logs
from agent.device.own_life import Surroundings
from agent.device.upgrade import prefix_of_this
from agent.local_api.environment import PORT
from agent.options import Place, engine_option, failing_politely, folder_option
from agent.run import Ended, run
from agent.storage.store import Folder

DEPROVISIONED, BEGIN_ANEW = 3, 75
REBOOT = ("systemctl", "reboot"), ("reboot",)


@click.command("run")
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
@click.option(
    "--local-api-port",
    type=click.IntRange(1, 65535),
    default=PORT,
    show_default=True,
    envvar="ECN_AGENT_LOCAL_API_PORT",
    help="Where microservices reach the Local API. ioFog's SDKs know no other port.",
)
@click.option(
    "--metrics",
    type=Place(),
    envvar="ECN_AGENT_METRICS",
    help="Where Prometheus may read metrics, 127.0.0.1:9101 say. Off without it.",
)
@folder_option
@engine_option
def run_command(
    lifeline: bool,
    allow_reboot: bool,
    log_file: Path | None,
    log_limit: int,
    log_files: int,
    local_api_port: int,
    metrics: tuple[str, int] | None,
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
        local_api_port=local_api_port,
        metrics=metrics,
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
