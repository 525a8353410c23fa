"""One connection of a client to a public port, from its first byte to its end.

Called by `gates.py`. A tcp port carries bytes. An http port carries requests: it is told to the
microservice who sent them, and to the client why there is no answer; all else passes as it comes.
"""

import asyncio
from contextlib import suppress

import structlog

from ecn.api.router_documents import OpenPort
from ecn.router.pages import page, status_of
from routing.proxy.frames import LARGEST_DATA, Why
from routing.proxy.multiplexer import Multiplexer, TooMany
from routing.proxy.pump import closed, pump
from routing.proxy.requests import BadRequest, Requests
from routing.proxy.stream import Gone, Stream

log = structlog.get_logger()

FIRST_WORD_WITHIN = 60.0
"""Seconds that a client of an http port may take for its first byte."""
LINGER = 2.0
"""Seconds that are read on behind a page, so that a client still at its request gets to see it."""


class Client:
    """A client's socket, and where it came from."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        host, port, *_ = writer.get_extra_info("peername") or ("", 0)
        self.address = str(host)
        self.name = f"[{host}]:{port}" if ":" in self.address else f"{host}:{port}"
        self.stream: Stream | None = None
        """Once a node was asked."""


async def serve(client: Client, port: OpenPort, multiplexer: Multiplexer | None, why: str) -> None:
    """Carry it until it ends; closes the socket. Errors: none.

    multiplexer: None while there is no link to the interior router; `why` says so.
    """
    broke = True
    try:
        if port.protocol == "http":
            broke = not await _requests(client, port, multiplexer, why)
        elif multiplexer is not None:
            with suppress(Gone, OSError, TooMany):
                client.stream = _opened(multiplexer, port, client)
                await pump(client.stream, client.reader, client.writer)
                broke = False
    except Exception:
        # A fault of ours must not end the proxy, which owns this task.
        log.exception("connection-broke", port=port.port)
    finally:
        await closed(client.writer, at_once=broke)


def _opened(multiplexer: Multiplexer, port: OpenPort, client: Client) -> Stream:
    """Errors: TooMany."""
    stream = multiplexer.open(port.node_id, port.port_id, client.name)
    stream.longest, stream.longest_idle = port.longest, port.longest_idle
    return stream


async def _requests(
    client: Client, port: OpenPort, multiplexer: Multiplexer | None, why: str
) -> bool:
    """Whether it ended well."""
    requests = Requests(client.address)
    try:
        try:
            async with asyncio.timeout(FIRST_WORD_WITHIN):
                first = await client.reader.read(LARGEST_DATA)
        except TimeoutError:
            return False
        if not first:
            return True
        # Only now: a client that keeps a connection for later takes none of the microservice.
        if multiplexer is None:
            await _tell(client, 503, f"{port.microservice} can't be reached: {why}")
            return True
        client.stream = _opened(multiplexer, port, client)
        await _carried(client, requests, first)
    except BadRequest as error:
        if not requests.answered:
            await _tell(client, error.status, str(error))
            return True
        return False
    except TooMany:
        await _tell(client, 503, "this proxy carries no more connections at the moment")
        return True
    except Gone as gone:
        if requests.answered:
            return False
        await _tell(client, status_of(gone.why), f"{port.microservice} can't be reached: {gone}")
        return True
    except OSError:
        return False
    return True


async def _carried(client: Client, requests: Requests, first: bytes) -> None:
    """Errors: BadRequest, Gone, OSError."""
    stream = client.stream
    assert stream is not None  # noqa: S101
    try:
        content = requests.asked(first)
        if content:
            await stream.write(content)
        await pump(stream, client.reader, client.writer, read=requests.asked, write=requests.heard)
    finally:
        stream.reset(Why.BROKEN, "the connection broke off")


async def _tell(client: Client, status: int, text: str) -> None:
    """Answer with a page, and let the client read it."""
    with suppress(OSError, TimeoutError):
        client.writer.write(page(status, text))
        client.writer.write_eof()
        async with asyncio.timeout(LINGER):
            await client.writer.drain()
            while await client.reader.read(LARGEST_DATA):
                pass
