"""Bytes between a socket and a proxied connection, both ways at once, each at its own pace.

A way that ends closes that way of the socket alone; the other goes on. Whatever breaks one side
resets the other.
"""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET

from routing.proxy.frames import LARGEST_DATA, Why
from routing.proxy.stream import Gone, Stream

BUFFERED = 512 << 10
"""Bytes that a socket's reader may be ahead: the limit to give it."""
CLOSE_WITHIN = 5.0

Change = Callable[[bytes], bytes]
"""What to send on instead of what came; b"" is nothing yet."""


def _as_it_is(content: bytes) -> bytes:
    return content


async def pump(
    stream: Stream,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    read: Change = _as_it_is,
    write: Change = _as_it_is,
) -> None:
    """Carry all until both ways have ended; the socket is the caller's to close.

    read: for what is read of the socket; write: for what is written to it. What they raise resets
    the stream, and is raised. Errors: Gone, when the connection broke at the other end; OSError,
    when it did at this one.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_up(stream, reader, read))
            tasks.create_task(_down(stream, writer, write))
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        stream.reset(Why.BROKEN, "the connection broke off")


async def _up(stream: Stream, reader: asyncio.StreamReader, read: Change) -> None:
    while content := await reader.read(LARGEST_DATA):
        changed = read(content)
        if changed:
            await stream.write(changed)
    stream.end()


async def _down(stream: Stream, writer: asyncio.StreamWriter, write: Change) -> None:
    while content := await stream.read():
        changed = write(content)
        if changed:
            writer.write(changed)
            await writer.drain()
        stream.taken(len(content))
    with suppress(OSError):
        # It may have left by now, having got everything.
        writer.write_eof()
    # A reset may still come while nothing is said the other way.
    await stream.finished()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that tells most: what broke here rather than what followed from it."""
    found = list(group.exceptions)
    for kind in (OSError, Gone):
        for each in found:
            if isinstance(each, kind):
                return each
    return found[0]


def break_off(writer: asyncio.StreamWriter) -> None:
    """Close a socket so that the other side sees a break, and can't take it for an end."""
    socket = writer.get_extra_info("socket")
    with suppress(OSError):
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def closed(writer: asyncio.StreamWriter, *, at_once: bool = False) -> None:
    """Close a socket. at_once: by `break_off`; what waits to be sent is dropped."""
    if at_once:
        break_off(writer)
    else:
        writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN):
            await writer.wait_closed()
    writer.transport.abort()
