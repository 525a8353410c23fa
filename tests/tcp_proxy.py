"""A TCP port of the loopback that stands before another, and breaks or holds up what it carries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TcpProxy:
    """Made by `before`."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.refusing = False
        """New connections are closed at once."""
        self.carried = 0
        """Bytes, both ways."""
        self._server_port = server_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._ways: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def before(cls, server_port: int) -> AsyncIterator["TcpProxy"]:
        """A proxy for that port of the loopback."""
        proxy = cls(server_port)
        listening = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = listening.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            listening.close()
            proxy.cut_all()
            for way in list(proxy._ways):
                way.cancel()
            while proxy._ways:
                await asyncio.wait(proxy._ways)
                await asyncio.sleep(0)

    def cut_all(self) -> None:
        """Break every connection that there is, without a word."""
        for writer in list(self._open):
            writer.transport.abort()

    def hold(self) -> None:
        """Nothing gets through any more and nobody is told, as if the cable were cut; `go_on`."""
        self._flowing.clear()

    def go_on(self) -> None:
        """It flows again, also what was held up."""
        self._flowing.set()

    def forget(self) -> None:
        """Nothing gets through any more on the connections that there are, and neither side hears
        of it; new ones work."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ways.add(task)
        self._open.add(writer)
        up_writer: asyncio.StreamWriter | None = None
        try:
            if self.refusing:
                return
            with suppress(OSError):
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
                self._open.add(up_writer)
                flowing = self._flowing
                async with asyncio.TaskGroup() as tasks:
                    ways = (
                        tasks.create_task(self._carry(reader, up_writer, flowing)),
                        tasks.create_task(self._carry(up_reader, writer, flowing)),
                    )
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in ways:
                        way.cancel()
                    # A side that ended while nothing flows: the other must not hear of it either.
                    await flowing.wait()
        except asyncio.CancelledError:
            pass  # the server's own task: nobody waits for it
        finally:
            for each in (writer, up_writer):
                if each is not None:
                    each.transport.abort()
                    self._open.discard(each)
            self._ways.discard(task)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await flowing.wait()
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
