"""Two multiplexers with a carrier in memory between them, and sockets at both sides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from routing.proxy.frames import Open, Why
from routing.proxy.multiplexer import Multiplexer
from routing.proxy.pump import BUFFERED, closed, pump
from routing.proxy.stream import Gone, Stream

NODE, ROUTER = "node-1", "router.r.1"


class Ends:
    """`centre` opens connections, `edge` takes them and joins each to a connection to `port`."""

    def __init__(self, tasks: asyncio.TaskGroup, port: int) -> None:
        self.centre = Multiplexer(ROUTER)
        self.edge = Multiplexer(NODE, self._accept)
        self.packets = 0
        self.lose: Callable[[int], bool] = lambda number: False
        """Whether the packet of that number, of all, is lost."""
        self.cut = False
        self._port = port
        self._tasks = tasks

    async def to_edge(self, receiver: str, packet: bytes) -> None:
        assert receiver == NODE
        await self._carry(lambda: self.edge.received(ROUTER, packet))

    async def to_centre(self, receiver: str, packet: bytes) -> None:
        assert receiver == ROUTER
        await self._carry(lambda: self.centre.received(NODE, packet))

    async def _carry(self, arrive: Callable[[], None]) -> None:
        await asyncio.sleep(0)
        self.packets += 1
        if not self.cut and not self.lose(self.packets):
            arrive()

    def _accept(self, stream: Stream, asked: Open, sender: str) -> None:
        self._tasks.create_task(self._joined(stream))

    async def _joined(self, stream: Stream) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=BUFFERED)
        except OSError:
            stream.reset(Why.REFUSED, "refused the connection")
            return
        stream.accept()
        await carried(stream, reader, writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await carried(self.centre.open(NODE, "port", "client"), reader, writer)


async def carried(
    stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    broke = True
    try:
        with suppress(Gone, OSError):
            await pump(stream, reader, writer)
            broke = False
    finally:
        await closed(writer, at_once=broke)


@asynccontextmanager
async def ends(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[Ends, int]]:
    """With a server behind the edge; the port at which the centre takes connections for it."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with asyncio.TaskGroup() as tasks:
        both = Ends(tasks, server.sockets[0].getsockname()[1])
        gate = await asyncio.start_server(both.serve, "127.0.0.1", 0, limit=BUFFERED)
        running = [
            tasks.create_task(both.centre.run(both.to_edge)),
            tasks.create_task(both.edge.run(both.to_centre)),
        ]
        try:
            yield both, gate.sockets[0].getsockname()[1]
        finally:
            gate.close()
            server.close()
            both.centre.lost("the test is over")
            both.edge.lost("the test is over")
            for task in running:
                task.cancel()
            await asyncio.sleep(0.05)
