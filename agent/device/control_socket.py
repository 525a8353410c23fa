"""How commands on the device speak to the agent that runs there: a socket in the agent's folder.

One question and one answer, each a line of JSON. The folder is readable by its owner alone, so
whoever reaches the socket may do what the agent may. `own_life.py` serves it; `ask` is for `cli`.

The socket is reached through a descriptor of its folder: the kernel takes no path of more than 107
bytes, and folders may be deeper.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from agent.contract import DeviceUsage

log = structlog.get_logger()

NAME = "control.sock"
LONGEST_LINE = 1 << 16
ANSWER_WITHIN = 5.0


class Wish(StrEnum):
    """What may be asked of a running agent."""

    STATUS = "status"
    DEPROVISION = "deprovision"
    """Give the node up: remove its containers, forget it, end."""


class Question(Struct, frozen=True):
    """One of them."""

    wish: Wish


class Living(Struct, frozen=True, kw_only=True):
    """How the running agent stands."""

    pid: int
    version: str
    started_at: datetime
    heard_at: datetime | None = None
    """When the controller last answered it; None: not since the start."""
    controller_problem: str = ""
    usage: DeviceUsage | None = None
    on_trial: bool = False
    """An upgrade has not proved itself yet."""


@asynccontextmanager
async def listening(folder: Path, answer: Callable[[Wish], Living]) -> AsyncIterator[None]:
    """Answer whoever asks. A folder that takes no socket costs only the answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                question = msgspec.json.decode(await reader.readline(), type=Question)
                writer.write(msgspec.json.encode(answer(question.wish)) + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError) as error:
            log.debug("question-not-answered", error=str(error))
        finally:
            writer.close()

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    server: asyncio.Server | None = None
    try:
        with suppress(FileNotFoundError):
            (folder / NAME).unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(f"/proc/self/fd/{descriptor}/{NAME}")
            server = await asyncio.start_unix_server(serve, sock=listener, limit=LONGEST_LINE)
        except OSError as error:
            listener.close()
            log.warning("control-socket-unusable", error=str(error))
        yield
    finally:
        os.close(descriptor)
        if server is not None:
            server.close()
            with suppress(OSError):
                (folder / NAME).unlink()


async def ask(folder: Path, wish: Wish) -> Living | None:
    """The running agent's answer; None where none runs, or none that answers."""
    writer: asyncio.StreamWriter | None = None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_unix_connection(
                f"/proc/self/fd/{descriptor}/{NAME}", limit=LONGEST_LINE
            )
            writer.write(msgspec.json.encode(Question(wish)) + b"\n")
            return msgspec.json.decode(await reader.readline(), type=Living)
    except (TimeoutError, OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
        if writer is not None:
            writer.close()
