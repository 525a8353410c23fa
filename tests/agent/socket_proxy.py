"""A unix socket before another that can be cut and opened again: an engine restart, as seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class SocketProxy:
    """Listens at `path` for the socket at `target`."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self.target = path, target
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    @asynccontextmanager
    async def before(cls, path: Path, target: Path) -> AsyncIterator["SocketProxy"]:
        proxy = cls(path, target)
        await proxy.open()
        try:
            yield proxy
        finally:
            await proxy.cut()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def cut(self) -> None:
        """Break every connection and accept no more."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)
        serving = list(self._open)
        for task in serving:
            task.cancel()
        if serving:
            await asyncio.wait(serving, timeout=5)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        onward = None
        try:
            there, onward = await asyncio.open_unix_connection(self.target)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_carry(reader, onward))
                ways.create_task(_carry(there, writer))
        except (asyncio.CancelledError, ConnectionError):
            pass  # cut; the task ends here, and nobody waits for more of it
        finally:
            self._open.discard(task)
            writer.transport.abort()
            if onward is not None:
                onward.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (ConnectionError, RuntimeError):
        writer.transport.abort()
