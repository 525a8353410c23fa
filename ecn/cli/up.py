"""`ecn up`: a whole network on this machine, as one foreground process tree (`network.py`)."""

import asyncio
import fcntl
import importlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ecn.cli.command import Command, examples
from ecn.cli.controller import BROKER, DATA, DATABASE, LISTEN, SIGNUP, default_data, require_server
from ecn.cli.errors import CliError
from ecn.cli.network import Network, Plan
from ecn.cli.output import note


@examples("""
ecn up
ecn up --listen 0.0.0.0:51121 --data /srv/ecn
ecn up --no-agent
ECN_DATABASE_URL=postgresql://ecn:...@db/ecn ecn up
""")
@click.command("up", cls=Command)
@LISTEN
@DATA
@DATABASE
@SIGNUP
@BROKER
@click.option("--node-name", default="local", show_default=True, help="This machine's node.")
@click.option("--no-agent", is_flag=True, help="Only the controller.")
@click.option("-v", "--verbose", is_flag=True, help="Show all that controller and agent log.")
def up(
    listen: tuple[str, int],
    data: Path | None,
    database_url: str | None,
    open_signup: bool,
    broker: Path | None,
    node_name: str,
    no_agent: bool,
    verbose: bool,
) -> None:
    """Start a controller and an agent on this machine, until Ctrl-C.

    A second start goes on where the first one ended. Containers run on when it stops: they
    belong to the machine. Logs are in the data folder, in logs/.
    """
    require_server("server" if no_agent else "all")
    if not no_agent:
        importlib.import_module("ecn.cli.agent")  # says so when its packages are missing
    host, port = listen
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    bracketed = f"[{reached}]" if ":" in reached else reached
    plan = Plan(
        url=f"http://{bracketed}:{port}",
        listen=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        data=(data or default_data()).expanduser().absolute(),
        database_url=database_url,
        open_signup=open_signup,
        broker=broker and broker.absolute(),
        node=node_name,
        agent=not no_agent,
        verbose=verbose,
    )
    with _alone(plan.data):
        asyncio.run(_up(plan))


async def _up(plan: Plan) -> None:
    """Start, show, keep running, stop in order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    network = Network(plan)
    work = asyncio.create_task(network.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            note("stopping ...")
    finally:
        stopping.cancel()
        work.cancel()
        done = await asyncio.gather(work, return_exceptions=True)
        await network.stop()
    error = done[0]
    if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
        raise error
    note("stopped; containers run on")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Be the only `ecn up` with that folder. Errors: CliError."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise CliError(
            f"{data} can't be used: {e.strerror}", next_step="choose another: --data DIR"
        ) from e
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CliError(
                f"another ecn up uses {data}", next_step="use that one, or give --data DIR"
            ) from None
        yield
    finally:
        os.close(lock)
