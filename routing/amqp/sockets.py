"""The TCP connection below AMQP, and what is said when there is none. Used by `connection.py`."""

import asyncio
import socket
import ssl
from contextlib import suppress

from aiormq.connection import TransportFactory
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from yarl import URL

from routing.amqp_shapes import AccessRefused, CannotConnect

UNTAKEN_WITHIN = 20_000
"""Milliseconds after which what was sent and not taken by the other machine's kernel ends a
connection: a link that was cut without a word is noticed by the next heartbeat, not by three."""


class Sockets(TransportFactory):
    """Opens the one connection of a `Connection`, and can end it at once."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._writer: asyncio.StreamWriter | None = None

    async def create(
        self, url: URL, **_: object
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Called by aiormq."""
        reader, writer = await asyncio.open_connection(url.host, url.port, ssl=self._context)
        connection = writer.get_extra_info("socket")
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_WITHIN)
        self._writer = writer
        return reader, writer

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return self._writer.transport.get_write_buffer_size() if self._writer is not None else 0

    def abort(self) -> None:
        """Without a word, if it is still open."""
        if self._writer is not None:
            self._writer.transport.abort()


def trusting(ca_pem: str) -> ssl.SSLContext:
    """Checks certificates against the system's authorities and these. It reads files: not on the
    loop. Errors: CannotConnect when they are none."""
    context = ssl.create_default_context()
    if ca_pem:
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError) as error:
            raise CannotConnect(
                "the certificates to trust for the interior router can't be read"
            ) from error
    return context


def not_connected(where: str, error: BaseException, within: float) -> CannotConnect:
    """What to say of an attempt that failed. where: host and port."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    match cause:
        case ProbableAuthenticationError() | AuthenticationError():
            return AccessRefused(f"the interior router at {where} does not know this user")
        # The library takes the refusal of a vhost for a frame out of place.
        case InvalidFrameError() if "Connection.Close" in str(cause):
            return AccessRefused(
                f"the interior router at {where} does not let this user into its vhost"
            )
        case ssl.SSLCertVerificationError():
            return CannotConnect(
                f"the certificate of the interior router at {where} is not trusted: "
                f"{cause.verify_message}"
            )
        case ssl.SSLError():
            return CannotConnect(
                f"{where} does not speak TLS as expected: {cause.reason or 'it ended the talk'}"
            )
        case TimeoutError():
            return CannotConnect(f"no answer from the interior router at {where} in {within:.0f} s")
        case socket.gaierror():
            return CannotConnect(f"the name of the interior router in {where} is not known")
        case ConnectionRefusedError():
            return CannotConnect(f"nobody listens at {where}, where the interior router should be")
        case AMQPError() | EOFError() | ConnectionResetError() | BrokenPipeError():
            return CannotConnect(
                f"{where} does not speak AMQP, or not so: check the address, and amqp:// against amqps://"
            )
        case OSError() if cause.strerror:
            return CannotConnect(f"the interior router at {where}: {cause.strerror}")
        case _:
            return CannotConnect(f"the interior router at {where}: {type(cause).__name__}")
