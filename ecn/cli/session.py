"""Which controller a command speaks to, and as whom: options, environment, contexts, in this order.

A token is only ever sent to the controller it was made by: `--server` alone does not get the
token of a context that names another one.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from msgspec import Struct

from ecn.cli import contexts
from ecn.cli.errors import CliError, NotAllowed

if TYPE_CHECKING:  # aiohttp takes a while to import, and --help does not need it
    from ecn.cli.client import Client

T = TypeVar("T")
LOOPBACK = ("localhost", "127.", "[::1]")


class Connection(Struct, frozen=True):
    """Where to, as whom, trusting whom."""

    server: str
    token: str
    ca: str
    context: str
    """The context it came from, "" if from options alone."""


class Session:
    """What the connection options said. One per invocation; click carries it."""

    def __init__(self) -> None:
        self.context = ""
        self.server = ""
        self.token_file: Path | None = None
        self.ca_file: Path | None = None

    def connection(self) -> Connection:
        """Errors: CliError when a named context or file is missing, NotAllowed when nothing is."""
        known = contexts.load(contexts.config_path())
        name = self.context or known.current
        token = self._given_token()
        ca = read_ca(self.ca_file or _path_in("ECN_CA_FILE"))
        if self.server:
            server = normalised(self.server)
            chosen = known.named(self.context) if self.context else known.contexts.get(name)
            if chosen is not None and chosen.server == server:
                return Connection(server, token or chosen.token, ca or chosen.ca, name)
            return Connection(server, token, ca, "")
        if not name:
            raise NotAllowed(
                "no controller is chosen",
                next_step="ecn login URL, or ecn up to start one on this machine",
            )
        chosen = known.named(name)
        return Connection(chosen.server, token or chosen.token, ca or chosen.ca, name)

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        """A client for that connection, closed at the end."""
        from ecn.cli.client import client_of

        where = self.connection()
        async with client_of(where.server, where.token, where.ca) as client:
            yield client

    def run(self, work: "Callable[[Client], Awaitable[T]]") -> T:
        """Do the work with a client, to its end."""

        async def working() -> T:
            async with self.client() as client:
                return await work(client)

        return self.work(working())

    def work(self, working: Coroutine[object, object, T]) -> T:
        """Do the work to its end."""
        return asyncio.run(working)

    def _given_token(self) -> str:
        if self.token_file is None:
            return os.environ.get("ECN_TOKEN", "").strip()
        try:
            return self.token_file.read_text().strip()
        except OSError as e:
            raise CliError(f"{self.token_file} can't be read: {e.strerror}") from e


def read_ca(file: Path | None) -> str:
    """The certificates in the file, "" without one. Errors: CliError."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="ascii", errors="strict")
    except (OSError, UnicodeDecodeError) as e:
        raise CliError(f"{file} can't be read as certificates (PEM)") from e


def _path_in(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return Path(named) if named else None


def normalised(server: str) -> str:
    """The address as contexts keep it: with a scheme, without a slash at the end.

    Without a scheme it is https, but http for this machine: there is nobody in between.
    Errors: CliError when it is no HTTP address.
    """
    from yarl import URL

    text = server.strip()
    if "://" not in text:
        text = ("http://" if text.startswith(LOOPBACK) else "https://") + text
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise CliError(
            f"{server!r} is not the address of a controller",
            next_step="give it as http://HOST:PORT or https://HOST:PORT",
        )
    if url.user or url.password:
        raise CliError(
            "an address must not carry a user or password",
            next_step="ecn login URL asks for them",
        )
    return text.rstrip("/").removesuffix("/api/v1")


pass_session = click.make_pass_decorator(Session, ensure=True)
