"""A unix socket that stands before Postgres' own, and breaks or holds up what it carries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from msgspec import Struct


class Cut(Struct):
    """Break the connection once `after` more bytes went that way."""

    after: int
    then: Callable[[], None] = lambda: None
    deliver_rest_in: float | None = None
    """Seconds: the client is cut off at once, the server gets everything, but late."""


class Hold(Struct):
    """Once `after` more bytes went that way, let nothing through until `meanwhile` is done."""

    after: int
    meanwhile: Callable[[], Awaitable[None]]


class FaultProxy:
    """Made by `before`. Each cut is for one connection, whichever next carries that byte."""

    def __init__(self, dsn: str, server: Path) -> None:
        self.dsn = dsn
        self.requested = 0
        """Bytes from clients so far."""
        self.answered = 0
        """Bytes from the server so far, to whoever asked last: notifications do not count."""
        self.cuts = 0
        self.cut_made = asyncio.Event()
        self.refusing = False
        self.flowing = asyncio.Event()
        """While cleared nothing gets through and nobody is told: as if the machine had vanished."""
        self.flowing.set()
        self._forgotten: list[asyncio.Event] = []
        self.held = asyncio.Event()
        """Something was asked that does not get through."""
        self.cut_request: Cut | None = None
        self.cut_answer: Cut | None = None
        self.hold_request: Hold | None = None
        self.hold_answer: Hold | None = None
        self._server = server
        self._asked_last: asyncio.StreamWriter | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()

    @classmethod
    @asynccontextmanager
    async def before(cls, dsn: str, folder: Path) -> AsyncIterator["FaultProxy"]:
        """A proxy in `folder` for the server of `dsn`."""
        parts = urlsplit(dsn)
        (host,) = parse_qs(parts.query)["host"]
        query = urlencode({"host": str(folder), "port": "5432"}, quote_via=quote)
        proxy = cls(urlunsplit(parts._replace(query=query)), Path(host) / ".s.PGSQL.5432")
        listening = await asyncio.start_unix_server(proxy._serve, folder / ".s.PGSQL.5432")
        try:
            yield proxy
        finally:
            listening.close()
            for event in (proxy.flowing, *proxy._forgotten):
                event.set()
            for writer in list(proxy._open):
                writer.close()
            await proxy._none_open.wait()

    def forget(self) -> None:
        """Nothing gets through any more on the connections that there are; new ones work."""
        self.flowing.clear()
        self._forgotten.append(self.flowing)
        self.flowing = asyncio.Event()
        self.flowing.set()

    def cut_all(self) -> None:
        """Break every connection that there is."""
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self._none_open.clear()
        try:
            flowing = self.flowing
            await flowing.wait()
            if not self.refusing:
                with suppress(OSError):
                    await self._forward(reader, writer, flowing)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._open.discard(writer)
            if not self._open:
                self._none_open.set()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._server)
        try:
            async with asyncio.TaskGroup() as tasks:
                ways = (
                    tasks.create_task(self._requests(reader, up_writer, writer, flowing)),
                    tasks.create_task(self._answers(up_reader, writer, flowing)),
                )
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
        finally:
            up_writer.close()
            with suppress(OSError):
                await up_writer.wait_closed()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        flowing: asyncio.Event,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                self.requested += len(data)
                self._asked_last = client
                if not flowing.is_set():
                    self.held.set()
                    await flowing.wait()
                hold, self.hold_request = _held(self.hold_request, len(data))
                if hold is not None:
                    data = await _begun(server, data, hold)
                cut, self.cut_request = _next(self.cut_request, len(data))
                if cut is None:
                    server.write(data)
                    await server.drain()
                    continue
                self.cuts += 1
                self.cut_made.set()
                if cut.deliver_rest_in is None:
                    server.write(data[: cut.after])
                    await server.drain()
                client.close()
                cut.then()
                if cut.deliver_rest_in is not None:
                    await asyncio.sleep(cut.deliver_rest_in)
                    server.write(data)
                    await server.drain()
                    await asyncio.sleep(0.2)  # time to do it, before the connection ends
                return

    async def _answers(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await flowing.wait()
                cut = None
                if client is self._asked_last:
                    self.answered += len(data)
                    hold, self.hold_answer = _held(self.hold_answer, len(data))
                    if hold is not None:
                        data = await _begun(client, data, hold)
                    cut, self.cut_answer = _next(self.cut_answer, len(data))
                if cut is None:
                    client.write(data)
                    await client.drain()
                    continue
                self.cuts += 1
                self.cut_made.set()
                client.write(data[: cut.after])
                await client.drain()
                cut.then()
                return


def _next(cut: Cut | None, size: int) -> tuple[Cut | None, Cut | None]:
    """The cut to make within this many bytes, and the one that is still to come."""
    if cut is None or cut.after < size:
        return cut, None
    return None, Cut(cut.after - size, cut.then, cut.deliver_rest_in)


def _held(hold: Hold | None, size: int) -> tuple[Hold | None, Hold | None]:
    """The hold to make within this many bytes, and the one that is still to come."""
    if hold is None or hold.after < size:
        return hold, None
    return None, Hold(hold.after - size, hold.meanwhile)


async def _begun(to: asyncio.StreamWriter, data: bytes, hold: Hold) -> bytes:
    """Let the first bytes through, wait, and give back the rest."""
    to.write(data[: hold.after])
    await to.drain()
    await hold.meanwhile()
    return data[hold.after :]
