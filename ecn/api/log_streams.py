"""Container logs from a device that accepts no connection: it opens a stream, and we pass it on.

An operator's request becomes a StreamRequest that the node's next long-poll answer carries; its
agent then posts the log as it comes. Nothing of it is kept: it goes from one connection into the
other, at the pace of the slower one.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from agent.contract import AnyStreamRequest
from ecn.errors import NotFound, TooMany, Unreachable
from events.ids import NodeId

PATIENCE = 10.0
"""Seconds for an agent to open its stream."""

MOST, MOST_PER_NODE = 200, 10
"""Streams open at once."""

CHUNKS = 16
"""Chunks of at most 64 KiB that wait for a slow reader before the agent has to."""


class Stream:
    """One log on its way."""

    def __init__(self, node_id: NodeId, request: AnyStreamRequest) -> None:
        self.node_id = node_id
        self.request = request
        self.opened = asyncio.Event()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS)
        self._ended = False
        self._left = asyncio.Event()

    async def take(self, chunks: AsyncIterable[bytes]) -> None:
        """Pass on all that comes, at the reader's pace; returns at its end, or the reader's.

        The reader's end counts also while nothing comes: a log may be quiet for hours.
        """
        passing = asyncio.ensure_future(self._pass_on(chunks))
        left = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait((passing, left), return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
        finally:
            passing.cancel()
            left.cancel()
            await asyncio.wait((passing, left))
            self.end()

    async def _pass_on(self, chunks: AsyncIterable[bytes]) -> None:
        async for chunk in chunks:
            await self._chunks.put(chunk)

    def end(self) -> None:
        """Say that nothing more comes. The sender need not wait for a slow reader."""
        self._ended = True
        with suppress(asyncio.QueueFull):
            # For a reader that waits; one that has a full queue to read sees it at the end.
            self._chunks.put_nowait(None)

    def leave(self) -> None:
        """The reader is gone."""
        self._left.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What comes, until the end.

        Errors: Unreachable when the agent opens no stream.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self.opened.wait()
        except TimeoutError:
            raise Unreachable(
                f"the node's agent did not send the log within {PATIENCE:.0f} seconds"
            ) from None
        while not (self._ended and self._chunks.empty()):
            chunk = await self._chunks.get()
            if chunk is None:
                return
            yield chunk


class LogStreams:
    """The streams that are open or asked for."""

    def __init__(self, wake: Callable[[NodeId], None]) -> None:
        self._wake = wake
        self._streams: dict[str, Stream] = {}
        self._asked: dict[NodeId, list[AnyStreamRequest]] = {}

    @asynccontextmanager
    async def open(self, node_id: NodeId, request: AnyStreamRequest) -> AsyncIterator[Stream]:
        """Ask the node for a log. Errors: TooMany."""
        on_node = sum(1 for stream in self._streams.values() if stream.node_id == node_id)
        if len(self._streams) >= MOST or on_node >= MOST_PER_NODE:
            raise TooMany("too many logs are being read already", retry_after=PATIENCE)
        stream = Stream(node_id, request)
        self._streams[request.request_id] = stream
        self._asked.setdefault(node_id, []).append(request)
        self._wake(node_id)
        try:
            yield stream
        finally:
            stream.leave()
            del self._streams[request.request_id]
            waiting = [each for each in self._asked.get(node_id, ()) if each is not request]
            if waiting:
                self._asked[node_id] = waiting
            else:
                self._asked.pop(node_id, None)

    def take(self, node_id: NodeId) -> list[AnyStreamRequest]:
        """The requests that the node has not been told yet. It is told once."""
        return self._asked.pop(node_id, [])

    def accept(self, node_id: NodeId, request_id: str) -> Stream:
        """The stream that this node's agent opens. Errors: NotFound when nobody waits for it."""
        stream = self._streams.get(request_id)
        if stream is None or stream.node_id != node_id or stream.opened.is_set():
            raise NotFound("log request", request_id)
        stream.opened.set()
        return stream
