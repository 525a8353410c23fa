"""Options that several of the agent's commands have, and how they fail."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import platformdirs

from agent.errors import AgentError

Body = Callable[..., None]
FOLDER_VARIABLE, ENGINE_VARIABLE = "ECN_AGENT_DATA", "DOCKER_HOST"
ENGINE = "unix:///var/run/docker.sock"
SYSTEM_FOLDER = Path("/var/lib/ecn-agent")


class Place(click.ParamType[tuple[str, int]]):
    """HOST:PORT, [HOST]:PORT for IPv6."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Errors: click's own usage error."""
        host, _, port = str(value).rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is no address to listen on: write HOST:PORT", param, ctx)
        return host, int(port)


def default_folder() -> Path:
    """Where the agent lives: with the system's services for root, with the user's data else."""
    return SYSTEM_FOLDER if os.geteuid() == 0 else platformdirs.user_data_path("ecn-agent")


def folder_option(command: Body) -> Body:
    """`--data`, as `path`."""
    return click.option(
        "--data",
        "path",
        type=click.Path(file_okay=False, path_type=Path),
        envvar=FOLDER_VARIABLE,
        default=default_folder,
        show_default="/var/lib/ecn-agent for root, else the user's data folder",
        help="The agent's own folder.",
    )(command)


def engine_option(command: Body) -> Body:
    """`--docker-host`, as `engine_url`."""
    return click.option(
        "--docker-host",
        "engine_url",
        envvar=ENGINE_VARIABLE,
        default=ENGINE,
        show_default=True,
        help="Where the Docker Engine listens.",
    )(command)


def output_option(command: Body) -> Body:
    """`-o`, as `output`."""
    return click.option(
        "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
    )(command)


@contextmanager
def failing_politely() -> Iterator[None]:
    """What the agent can say in a sentence is no traceback."""
    try:
        yield
    except AgentError as error:
        raise click.ClickException(str(error)) from error
